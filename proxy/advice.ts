import type { ErrorCode } from './errors.ts'

/** What a code means for whoever called, and what an operator can do about it. */
export interface Advice {
  /** One sentence, without addresses: it is shown to the caller (RFC 9457 `detail`). */
  readonly meaning: string
  /** What to look at or change first, for an operator. */
  readonly remedy: string
}

/** For each code of `errors.ts`: `outrider why`, docs/errors.md and the error bodies are made of it. */
export const ADVICE = {
  DOWNSTREAM_PROTOCOL: {
    meaning: 'The request is not well-formed HTTP.',
    remedy:
      'Look at the client: the reason names what it sent wrongly. A request with both Content-Length and Transfer-Encoding, a bare LF, or a blank in a field name is refused on purpose (request smuggling).',
  },
  DOWNSTREAM_HEAD_TOO_LARGE: {
    meaning: 'The head of the request is too large.',
    remedy: 'Send less in the header fields; large cookies are the usual cause. docs/limits.md has the limits (maxHeadBytes, maxFields).',
  },
  DOWNSTREAM_BODY_TOO_LARGE: {
    meaning: 'The body of the request is longer than is allowed.',
    remedy: 'Send a smaller body, or upload it in parts.',
  },
  DOWNSTREAM_TARGET_TOO_LONG: {
    meaning: 'The target of the request is too long.',
    remedy: 'Move query parameters into the body of a POST. docs/limits.md has the limit (maxTargetBytes).',
  },
  DOWNSTREAM_SLOW_HEAD: {
    meaning: 'The head of the request did not arrive in time.',
    remedy:
      'Look at the client and the network to it: it began a request and did not end its head. One that does this often may be an attack (slow loris).',
  },
  EXPECTATION_FAILED: {
    meaning: 'The request expects something that this proxy does not know.',
    remedy: 'Let the client send no Expect field, or `Expect: 100-continue`, the only one that HTTP has.',
  },
  VERSION_NOT_SUPPORTED: {
    meaning: 'The request has a version of HTTP that is not spoken here.',
    remedy: 'Let the client speak HTTP/1.1.',
  },
  NOT_IMPLEMENTED: {
    meaning: 'The request asks for something that this version does not do.',
    remedy: 'The reason names it. Leave it out of the request, or of the document that the reason names.',
  },
  LOOP: {
    meaning: 'The request came back to a proxy that had sent it already.',
    remedy:
      'An endpoint leads back to the sidecar that called it. Look at the endpoints with `outrider explain URL`: none may be an --outbound address, or the --inbound address of the calling sidecar.',
  },
  DOWNSTREAM_CLOSED: {
    meaning: 'The caller closed its connection before the answer was whole.',
    remedy:
      "Compare the duration with the caller's own timeout: if they are alike, the answer was too slow for it, and the service that was called is what to look at. A user who closed the page looks the same.",
  },
  IDLE_TIMEOUT: {
    meaning: 'Neither side sent anything for too long.',
    remedy:
      'Find out which side was silent: a stalled upload, or an app that thinks for minutes. `timeouts.idle` of a TrafficPolicy is the time; a long poll or a stream that is silent by design needs more, or 0s.',
  },
  NO_ROUTE: {
    meaning: 'No route matches the request.',
    remedy:
      'Ask `outrider explain METHOD URL`: it shows each rule with the reason why it does not match. A host that is missing altogether has neither a Service document nor a sidecar that registered with --service.',
  },
  NO_CLUSTER: {
    meaning: 'The route leads to a service that the proxy does not know yet.',
    remedy:
      'Look at `outrider proxies`: a sidecar that refused its configuration, or has lost the control plane, can have a route without its service. If it is in sync, apply the Service document again.',
  },
  INVALID_BACKEND: {
    meaning: 'The route leads to a service that does not exist.',
    remedy:
      'Correct `backendRefs` of the rule: name, namespace and port must be those of a Service. `outrider get httproute` shows the reference that is not resolved.',
  },
  NO_HEALTHY_UPSTREAM: {
    meaning: 'No endpoint of the service can take the request.',
    remedy:
      'Start an instance of the service, or find out why it is not registered: `outrider proxies` lists the sidecars, and /ready/inbound of each says whether its app answers. For listed endpoints check address and port in the Service document.',
  },
  UPSTREAM_OVERFLOW: {
    meaning: 'Too much is in progress for the service: the circuit breaker is open.',
    remedy:
      'Find out why the service is slow (`/clusters` of the sidecar shows what is in flight), add instances, or raise the limit that the reason names under `circuitBreaker` of its TrafficPolicy.',
  },
  UPSTREAM_CONNECT_REFUSED: {
    meaning: 'The endpoint refused the connection.',
    remedy:
      'Nothing listens at the address of the try: start the instance, or correct the address in the Service document. Behind a sidecar, look whether the sidecar runs.',
  },
  UPSTREAM_CONNECT_TIMEOUT: {
    meaning: 'The endpoint did not accept the connection in time.',
    remedy:
      'A firewall, a wrong address or a host that is down drops the packets; a host that is overloaded answers late. Try the address from the machine of the caller. `timeouts.connect` of the TrafficPolicy is the time.',
  },
  UPSTREAM_DNS: {
    meaning: 'The name of the host does not resolve.',
    remedy:
      'Check the name. If it should be a service of the mesh, there is neither a Service document of that name (`outrider get service`) nor a sidecar with that --service (`outrider proxies`). If it is a host outside, ask the name server of the machine for it.',
  },
  UPSTREAM_TLS: {
    meaning: 'No TLS connection to the endpoint came about.',
    remedy: 'Compare what both sides offer: an endpoint that speaks plaintext, or another version of TLS, fails here.',
  },
  UPSTREAM_IDENTITY: {
    meaning: 'The endpoint could not prove that it is the service.',
    remedy: 'Look which service runs at the address of the try: its certificate is for another identity.',
  },
  UPSTREAM_REFUSED_STREAM: {
    meaning: 'The endpoint refused the request before it did anything.',
    remedy: 'The app limits how many requests it takes at once, or is stopping. Add instances, or raise its limit.',
  },
  UPSTREAM_CLOSED: {
    meaning: 'The endpoint closed a kept-alive connection just when the request was sent.',
    remedy:
      'The app closes idle connections sooner than its callers expect: raise its keep-alive timeout (Node: server.keepAliveTimeout). The request was not sent again because its method is not idempotent: an Idempotency-Key field allows that.',
  },
  UPSTREAM_RESET: {
    meaning: 'The connection to the endpoint broke before the answer was whole.',
    remedy:
      "Look at the app's own log at this time: it crashed, was killed (memory), or closed the connection. The request may have been processed.",
  },
  UPSTREAM_PROTOCOL: {
    meaning: 'The endpoint sent an answer that is not well-formed HTTP.',
    remedy:
      'Look at the app: the reason names what it sent. A port that speaks another protocol (TLS, HTTP/2, a database) looks like this too: check port and protocol of the Service.',
  },
  REQUEST_TIMEOUT: {
    meaning: 'The answer was not whole in the time that the route gives.',
    remedy:
      'Find out why the service is slow: the tries show where the time went. `timeouts.request` of the rule or the TrafficPolicy is the time, with all tries and pauses in it.',
  },
  PER_TRY_TIMEOUT: {
    meaning: 'The service did not begin its answer in the time that the route gives to a try.',
    remedy:
      'Find out why the service is slow, or give a try more time: `timeouts.backendRequest` of the rule, or `retry.perTryTimeout` of the TrafficPolicy.',
  },
  MAX_DURATION: {
    meaning: 'The stream lived as long as it may.',
    remedy: 'Let the client open a new one.',
  },
  FORBIDDEN_TARGET: {
    meaning: 'The request asks for a host that this proxy does not serve.',
    remedy:
      'Inbound carries requests to its own app alone: send requests for other hosts through the --outbound address of the own sidecar (HTTP_PROXY).',
  },
  DENIED: {
    meaning: 'The caller may not do this.',
    remedy: 'Allow it by a rule for the identity of the caller.',
  },
  RATE_LIMITED: {
    meaning: 'The caller sends more requests than it may.',
    remedy: 'Let the caller wait and try again, or raise the limit.',
  },
  OVERLOADED: {
    meaning: 'The proxy has as many requests in progress as it can carry.',
    remedy: 'Find out why requests pile up (`/stats` and `/clusters` of the sidecar): usually the app has become slow. Add instances.',
  },
  APP_UNAVAILABLE: {
    meaning: 'The app behind the proxy does not take requests at present.',
    remedy:
      'Look at the app: it is not started, has crashed, or fails its health check. The reason has the address; /ready/inbound of its sidecar says what the sidecar waits for.',
  },
  DRAINING: {
    meaning: 'The instance is leaving and takes no more requests.',
    remedy: 'Usually nothing: the caller goes elsewhere. Where there was no other instance, start one before stopping the last.',
  },
  FAULT_INJECTED: {
    meaning: 'The request was failed on purpose.',
    remedy: 'A document injects faults: the rule names it. Delete the fault when the experiment is over.',
  },
  INTERNAL: {
    meaning: 'The proxy has a defect.',
    remedy: "Report it with the line `a defect of the sidecar` of the sidecar's log, which has the stack.",
  },
} as const satisfies Record<ErrorCode, Advice>

/** What to do about an answer that the app made itself. @param status 500 to 599. */
export function appAdvice(status: number): Advice {
  const meaning = `The app answered ${status} itself.`
  if (status === 502 || status === 504)
    return { meaning, remedy: 'The app is a gateway for something behind it: look at its log for the request id, and at what it calls.' }
  if (status === 503)
    return { meaning, remedy: 'The app says that it cannot serve now: look at its log for the request id, and at its load.' }
  return { meaning, remedy: 'Look at the log of the app for the request id: the mesh only carried the answer.' }
}

/** What stopped further tries (`Exchange.details`), and what to do about it. */
export const RETRY_ENDS: Readonly<Record<string, Advice>> = {
  budget: {
    meaning: 'It was not tried again, because the retry budget of the service was spent.',
    remedy:
      'Many requests to this service fail: mend that first, because more retries would add load. `retry.budget` of the TrafficPolicy has the percentage.',
  },
  'retry overflow': {
    meaning: 'It was not tried again, because too many retries were in progress (maxRetries).',
    remedy: 'Many requests to this service fail: mend that first.',
  },
  'replay limit': {
    meaning: 'It was not tried again, because its body is longer than what is kept for another try.',
    remedy: 'Bodies of up to 64 KiB are kept; larger requests are for the caller to repeat.',
  },
}
