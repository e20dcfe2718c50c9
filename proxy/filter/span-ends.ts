import type { MeshError } from '../errors.ts'
import type { RequestHead } from '../http/head.ts'
import { ATTRIBUTE, cut, knownMethod, OTHER_METHOD, redacted } from '../telemetry/span-attributes.ts'
import type { SpanEnd } from '../telemetry/tracer.ts'
import type { Attempt, Exchange } from './exchange.ts'

type Attributes = Record<string, string | number>

/** What is told of an exchange: names and values of OpenTelemetry's conventions for HTTP servers (inbound) and clients (outbound), and why it went as it did. */
export function spanOfExchange(exchange: Exchange, at: number): SpanEnd {
  const { incoming, direction, route, status, error } = exchange
  const { head, peer } = incoming
  const attributes: Attributes = {}
  putRequest(attributes, head)
  if (direction === 'outbound') putUrl(attributes, head)
  else {
    putServer(attributes, head)
    putPeer(attributes, peer)
    attributes[ATTRIBUTE.clientAddress] = peer.address
  }
  const userAgent = head.headers.get('user-agent')
  if (userAgent !== null) attributes[ATTRIBUTE.userAgent] = cut(userAgent)
  if (route !== null) {
    attributes[ATTRIBUTE.route] = route.name
    attributes[ATTRIBUTE.origin] = route.origin
  }
  if (exchange.backend !== null) attributes[ATTRIBUTE.cluster] = exchange.backend.cluster
  const flags = String(exchange.flags)
  if (flags !== '-') attributes[ATTRIBUTE.responseFlags] = flags
  if (exchange.requestId !== '') attributes[ATTRIBUTE.requestId] = exchange.requestId
  if (exchange.attempts.length > 1) attributes[ATTRIBUTE.attempts] = exchange.attempts.length
  const failure = putOutcome(attributes, status, error, direction === 'inbound' ? 500 : 400)
  return { name: nameOf(head.method, route?.name ?? null), attributes, failure, at }
}

/** What is told of one try. The last one lasts as long as its answer did. */
export function spanOfAttempt(exchange: Exchange, attempt: Attempt, now: number): SpanEnd {
  const { head, host, number, connection } = attempt
  const attributes: Attributes = {}
  putRequest(attributes, head)
  putUrl(attributes, head)
  if (host !== null) putPeer(attributes, host.endpoint)
  if (connection !== null) attributes[ATTRIBUTE.protocolVersion] = connection.protocol.slice(5)
  if (number > 1) attributes[ATTRIBUTE.resendCount] = number - 1
  const cluster = exchange.backend?.cluster ?? null
  if (cluster !== null) attributes[ATTRIBUTE.cluster] = cluster
  // An answer that was not good enough is why its try was given up, not the other way round.
  const failure = putOutcome(attributes, attempt.status, attempt.status >= 400 ? null : attempt.error, 400)
  const isAnswer = number === exchange.attempts.length && attempt.status > 0
  return { name: nameOf(head.method, cluster), attributes, failure, at: isAnswer || attempt.settledAt === 0 ? now : attempt.settledAt }
}

/** Method and rule or cluster, never a path: a collector lists all names. */
function nameOf(method: string, target: string | null): string {
  const known = knownMethod(method)
  const verb = known === OTHER_METHOD ? 'HTTP' : known
  return target === null ? verb : `${verb} ${target}`
}

function putRequest(attributes: Attributes, head: RequestHead): void {
  const method = knownMethod(head.method)
  attributes[ATTRIBUTE.method] = method
  if (method === OTHER_METHOD) attributes[ATTRIBUTE.methodOriginal] = head.method
  attributes[ATTRIBUTE.protocolVersion] = head.protocol.slice(5)
  putAuthority(attributes, head)
}

function putAuthority(attributes: Attributes, { authority, scheme }: RequestHead): void {
  if (authority === '') return
  const port = /:(\d{1,5})$/.exec(authority)?.[1]
  attributes[ATTRIBUTE.serverAddress] = cut(port === undefined ? authority : authority.slice(0, -port.length - 1))
  attributes[ATTRIBUTE.serverPort] = port === undefined ? (scheme === 'https' ? 443 : 80) : Number(port)
}

function putServer(attributes: Attributes, { scheme, path }: RequestHead): void {
  attributes[ATTRIBUTE.scheme] = scheme
  if (path === null) return
  const question = path.indexOf('?')
  attributes[ATTRIBUTE.path] = cut(question === -1 ? path : path.slice(0, question))
  if (question !== -1) attributes[ATTRIBUTE.query] = redacted(cut(path.slice(question + 1)))
}

function putUrl(attributes: Attributes, { scheme, authority, path }: RequestHead): void {
  if (path !== null) attributes[ATTRIBUTE.url] = redacted(cut(`${scheme}://${authority}${path}`))
}

function putPeer(attributes: Attributes, { address, port }: { readonly address: string; readonly port: number }): void {
  attributes[ATTRIBUTE.peerAddress] = address
  attributes[ATTRIBUTE.peerPort] = port
}

/**
 * Status and error.type: our code where the sidecar knows why, else the status. A server's span has failed from 500 on, a client's from 400 on.
 * @returns as `SpanEnd.failure`.
 */
function putOutcome(attributes: Attributes, status: number, error: MeshError | null, failsFrom: number): string | null {
  if (status > 0) attributes[ATTRIBUTE.status] = status
  if (error !== null) attributes[ATTRIBUTE.errorType] = error.code
  else if (status >= failsFrom) attributes[ATTRIBUTE.errorType] = String(status)
  else return null
  return error?.message ?? ''
}
