import { endpointName } from '../cluster/endpoint.ts'
import type { AccessRecord } from '../telemetry/access-record.ts'
import { callersTraceId } from '../telemetry/propagation.ts'
import type { Exchange } from './exchange.ts'
import type { Refusal } from './observer.ts'

/** Thousandths of a ms are as fine as the clock of a turn is of use. */
const rounded = (ms: number) => Math.round(ms * 1_000) / 1_000

/**
 * What is to be told of an exchange that is over. Made only for one that is told: it costs as much as a request does.
 *
 * @param now monotonic, ms. @param wallNow the same moment, ms since 1970.
 */
export function recordOf(exchange: Exchange, now: number, wallNow: number): AccessRecord {
  const { incoming, attempts, route } = exchange
  const { head, peer } = incoming
  const last = attempts.findLast(each => each.startedAt > 0) ?? null
  const durationMs = now - exchange.startedAt
  return {
    time: new Date(wallNow - durationMs).toISOString(),
    direction: exchange.direction,
    method: head.method,
    authority: head.authority,
    path: head.path,
    protocol: head.protocol,
    status: exchange.status,
    flags: String(exchange.flags),
    code: exchange.code,
    duration_ms: rounded(durationMs),
    upstream_ms: last === null || last.settledAt === 0 ? null : rounded(last.settledAt - last.startedAt),
    bytes_in: incoming.bytesIn,
    bytes_out: incoming.bytesOut,
    attempts: attempts.filter(each => each.startedAt > 0).length,
    route: route?.name ?? null,
    origin: route?.origin ?? null,
    cluster: exchange.backend?.cluster ?? null,
    endpoint: last?.host ? endpointName(last.host.endpoint) : null,
    peer: endpointName(peer),
    trace_id: exchange.trace?.traceId ?? callersTraceId(head.headers),
    request_id: exchange.requestId === '' ? null : exchange.requestId,
    user_agent: head.headers.get('user-agent'),
    grpc_status: null,
    details: detailsOf(exchange),
  }
}

/** What happened to which address, in words: a `503 UH` names each endpoint's state here. */
function detailsOf({ error, details }: Exchange): string | null {
  if (error === null) return details.length === 0 ? null : details.join('; ')
  return details.length === 0 ? error.message : `${error.message}; ${details.join('; ')}`
}

/** The same of what was refused before there was an exchange: as much as could be read of it. */
export function recordOfRefusal({ direction, peer, error, head }: Refusal, wallNow: number): AccessRecord {
  return {
    time: new Date(wallNow).toISOString(),
    direction,
    method: head?.method ?? '',
    authority: head?.authority ?? '',
    path: head?.path ?? null,
    protocol: head?.protocol ?? 'HTTP/1.1',
    status: error.row.status,
    flags: error.row.flag ?? '-',
    code: error.code,
    duration_ms: 0,
    upstream_ms: null,
    bytes_in: 0,
    bytes_out: 0,
    attempts: 0,
    route: null,
    origin: null,
    cluster: null,
    endpoint: null,
    peer: endpointName(peer),
    trace_id: head === null ? null : callersTraceId(head.headers),
    request_id: null,
    user_agent: head?.headers.get('user-agent') ?? null,
    grpc_status: null,
    details: error.message,
  }
}

/**
 * Whether an exchange is one that an operator asks about: the sidecar answered it itself or broke it off, or the app answered 5xx. A caller that left
 * before its answer counts too (DC).
 */
export function isFailure(exchange: Exchange): boolean {
  return exchange.error !== null || exchange.status >= 500
}
