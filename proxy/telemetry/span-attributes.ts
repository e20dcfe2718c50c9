/**
 * Every attribute of our spans: those of OpenTelemetry's semantic conventions for HTTP (1.45), and our own. Written here, since the package that has
 * the names is loaded only where spans are exported. docs/tracing.md says what each is; a test compares all three.
 */
export const ATTRIBUTE = {
  method: 'http.request.method',
  methodOriginal: 'http.request.method_original',
  resendCount: 'http.request.resend_count',
  status: 'http.response.status_code',
  errorType: 'error.type',
  scheme: 'url.scheme',
  path: 'url.path',
  query: 'url.query',
  url: 'url.full',
  serverAddress: 'server.address',
  serverPort: 'server.port',
  clientAddress: 'client.address',
  peerAddress: 'network.peer.address',
  peerPort: 'network.peer.port',
  protocolVersion: 'network.protocol.version',
  userAgent: 'user_agent.original',
  route: 'outrider.route',
  origin: 'outrider.origin',
  cluster: 'outrider.cluster',
  responseFlags: 'outrider.response_flags',
  requestId: 'outrider.request_id',
  attempts: 'outrider.attempts',
} as const

/** Characters of a text that a request chose: a target may have 16 KiB, and thousands of spans wait at once. */
export const MAX_ATTRIBUTE_LENGTH = 1_024

/** Methods that are told by their names (RFC 9110, RFC 5789): all else is `_OTHER`, so that no caller makes new names of spans. */
const METHODS: ReadonlySet<string> = new Set(['CONNECT', 'DELETE', 'GET', 'HEAD', 'OPTIONS', 'PATCH', 'POST', 'PUT', 'TRACE'])

/** What stands for a method that is not known. */
export const OTHER_METHOD = '_OTHER'

/** `http.request.method` of a method. */
export function knownMethod(method: string): string {
  return METHODS.has(method) ? method : OTHER_METHOD
}

/** At most `MAX_ATTRIBUTE_LENGTH` characters of a text. */
export function cut(text: string): string {
  // A copy: what slice gives would keep the whole text in memory.
  return text.length <= MAX_ATTRIBUTE_LENGTH ? text : Buffer.from(text.slice(0, MAX_ATTRIBUTE_LENGTH), 'latin1').toString('latin1')
}

/** Parameters that make a URL a key to something, by the conventions' list. */
const SECRETS = /(^|[?&])(X-Amz-Signature|X-Amz-Credential|X-Amz-Security-Token|AWSAccessKeyId|Signature|sig|X-Goog-Signature)=[^&]*/g

/** A path with its query, or a query alone, without the values that are known to be secret. */
export function redacted(target: string): string {
  return target.replace(SECRETS, '$1$2=REDACTED')
}
