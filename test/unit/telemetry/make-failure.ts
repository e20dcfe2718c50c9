import type { FailedTry, FailureRecord } from '../../../proxy/telemetry/failure-record.ts'

/** A failure of `web` on its way to `orders`: refused three times, with its rule. */
export function failureRecord(more: Partial<FailureRecord> = {}): FailureRecord {
  return {
    time: '2026-01-02T03:04:05.678Z',
    direction: 'outbound',
    method: 'GET',
    authority: 'orders',
    path: '/api/1',
    protocol: 'HTTP/1.1',
    status: 503,
    flags: 'UF',
    code: 'UPSTREAM_CONNECT_REFUSED',
    duration_ms: 12.3,
    upstream_ms: 1.5,
    bytes_in: 0,
    bytes_out: 60,
    attempts: 1,
    route: 'r',
    origin: 'HTTPRoute default/orders rule 1 (routes.yaml:12)',
    cluster: 'default/orders:80',
    endpoint: '10.0.0.1:80',
    peer: '127.0.0.1:4711',
    trace_id: null,
    request_id: 'id-1',
    user_agent: null,
    grpc_status: null,
    node: { id: 'web-1', service: 'web', namespace: 'default' },
    details: 'connecting to 10.0.0.1:80 failed: ECONNREFUSED',
    stops: [],
    tries: [failedTry()],
    timeouts: { request_ms: null, per_try_ms: null, idle_ms: 300_000 },
    retry: { attempts: 2, on: ['connect-failure', 'refused-stream', 'reset', 'gateway-error'], codes: [] },
    origins: {},
    ...more,
  }
}

export function failedTry(more: Partial<FailedTry> = {}): FailedTry {
  return {
    number: 1,
    endpoint: '10.0.0.1:80',
    started_ms: 0.2,
    duration_ms: 1.5,
    status: 0,
    code: 'UPSTREAM_CONNECT_REFUSED',
    message: 'connecting to 10.0.0.1:80 failed: ECONNREFUSED',
    ...more,
  }
}

/** The same request as the sidecar of `orders` saw it: its app answered 500. */
export function inboundRecord(more: Partial<FailureRecord> = {}): FailureRecord {
  return failureRecord({
    time: '2026-01-02T03:04:05.680Z',
    direction: 'inbound',
    status: 500,
    flags: '-',
    code: null,
    duration_ms: 8,
    origin: '--app',
    cluster: 'app',
    peer: '10.0.0.5:4000',
    node: { id: 'orders-1', service: 'orders', namespace: 'default' },
    details: null,
    tries: [failedTry({ endpoint: '127.0.0.1:8080', status: 500, code: null, message: null })],
    timeouts: null,
    retry: null,
    ...more,
  })
}
