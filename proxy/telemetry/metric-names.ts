import type { CounterName } from '../util/counters.ts'

/** One metric as Prometheus knows it. `docs/metrics.md` has the same table. */
export interface Metric {
  /** Prometheus' rules: base units, `_total` for counters. */
  readonly name: string
  readonly type: 'counter' | 'gauge' | 'histogram'
  readonly help: string
  readonly labels: readonly string[]
}

/** Who calls whom, on all that is counted of requests. `source` is `unknown` where no identity says it; it is never taken from a field of the request. */
const PEERS = ['direction', 'source', 'destination'] as const
const OF_REQUEST = [...PEERS, 'route', 'method', 'status', 'flag'] as const
const OF_ROUTE = [...PEERS, 'route'] as const
const OF_DESTINATION = ['direction', 'destination'] as const

/** Every metric of a sidecar, in the order of the page. */
export const METRICS = {
  requests: {
    name: 'outrider_requests_total',
    type: 'counter',
    help: 'Requests that are over, those that failed and those that were refused before they could be routed included.',
    labels: OF_REQUEST,
  },
  requestBytes: {
    name: 'outrider_request_bytes_total',
    type: 'counter',
    help: 'Octets of request bodies, and of tunnels towards the upstream.',
    labels: OF_REQUEST,
  },
  responseBytes: {
    name: 'outrider_response_bytes_total',
    type: 'counter',
    help: 'Octets of response bodies, and of tunnels towards the downstream.',
    labels: OF_REQUEST,
  },
  duration: {
    name: 'outrider_request_duration_seconds',
    type: 'histogram',
    help: "From the first octet of a request's head to the last of its answer. Tunnels, which last as long as their users want, are left out.",
    labels: [...PEERS, 'status_class'],
  },
  active: { name: 'outrider_requests_active', type: 'gauge', help: 'Requests in flight, tunnels included.', labels: ['direction'] },
  retries: { name: 'outrider_retries_total', type: 'counter', help: 'Tries after the first one.', labels: OF_ROUTE },
  retriesSucceeded: { name: 'outrider_retries_succeeded_total', type: 'counter', help: 'Retries whose answer was taken.', labels: [] },
  timeouts: {
    name: 'outrider_timeouts_total',
    type: 'counter',
    help: 'Timeouts that ran out, by which: request, try, idle, connect, or head (a request head that came too slowly).',
    labels: [...OF_ROUTE, 'timeout'],
  },
  endpoints: {
    name: 'outrider_endpoints',
    type: 'gauge',
    help: 'Endpoints by state: healthy, avoided (failed to connect), unhealthy, draining.',
    labels: [...OF_DESTINATION, 'state'],
  },
  panicPicks: {
    name: 'outrider_panic_picks_total',
    type: 'counter',
    help: 'Picks among all endpoints because fewer than half were healthy.',
    labels: [],
  },
  upstreamConnections: {
    name: 'outrider_upstream_connections',
    type: 'gauge',
    help: 'Pooled connections by state: active, idle, connecting; pending are requests that wait for one.',
    labels: [...OF_DESTINATION, 'state'],
  },
  connectionsOpened: {
    name: 'outrider_upstream_connections_opened_total',
    type: 'counter',
    help: 'Connections to endpoints that were opened.',
    labels: [],
  },
  connectionsFailed: {
    name: 'outrider_upstream_connections_failed_total',
    type: 'counter',
    help: 'Connections to endpoints that could not be opened.',
    labels: [],
  },
  connectionsClosedIdle: {
    name: 'outrider_upstream_connections_idle_closed_total',
    type: 'counter',
    help: 'Connections to endpoints that were closed unused.',
    labels: [],
  },
  breakerOpen: {
    name: 'outrider_breaker_open',
    type: 'gauge',
    help: 'Circuit breakers, 1 where the limit is reached: connections, pending, requests, retries.',
    labels: [...OF_DESTINATION, 'breaker'],
  },
  breakerRemaining: {
    name: 'outrider_breaker_remaining',
    type: 'gauge',
    help: 'How many more a circuit breaker lets pass.',
    labels: [...OF_DESTINATION, 'breaker'],
  },
  downstreamConnections: {
    name: 'outrider_downstream_connections',
    type: 'gauge',
    help: 'Connections that are open to the sidecar.',
    labels: ['direction'],
  },
  connectionsAccepted: {
    name: 'outrider_downstream_connections_accepted_total',
    type: 'counter',
    help: 'Connections to the sidecar that were accepted.',
    labels: [],
  },
  tunnels: { name: 'outrider_tunnels_opened_total', type: 'counter', help: 'Tunnels by CONNECT or Upgrade that were opened.', labels: [] },
  dnsQueries: { name: 'outrider_dns_queries_total', type: 'counter', help: 'Questions to DNS.', labels: [] },
  dnsFailures: { name: 'outrider_dns_failures_total', type: 'counter', help: 'Questions to DNS without an answer.', labels: [] },
  dnsStale: {
    name: 'outrider_dns_stale_answers_total',
    type: 'counter',
    help: 'Old answers of DNS that were used because there was no new one.',
    labels: [],
  },
  limits: {
    name: 'outrider_limit_reached_total',
    type: 'counter',
    help: 'How often a limit of the sidecar was reached; docs/limits.md has them all.',
    labels: ['limit'],
  },
  defects: { name: 'outrider_unexpected_errors_total', type: 'counter', help: 'Defects of the sidecar; each is in its log.', labels: [] },
  series: {
    name: 'outrider_metric_series',
    type: 'gauge',
    help: 'Series taken of the limit of 5,000, beyond which all is `_overflow`.',
    labels: [],
  },
  build: { name: 'outrider_build_info', type: 'gauge', help: 'Always 1.', labels: ['version'] },
  config: { name: 'outrider_config_info', type: 'gauge', help: 'Always 1: the configuration in force.', labels: ['store', 'revision'] },
  configAge: {
    name: 'outrider_config_age_seconds',
    type: 'gauge',
    help: 'Since a control plane last said that this is its configuration; 0 while one does.',
    labels: [],
  },
  connected: {
    name: 'outrider_control_plane_connected',
    type: 'gauge',
    help: 'Whether there is a stream to the control plane: 0 or 1.',
    labels: [],
  },
  cpuUser: { name: 'process_cpu_user_seconds_total', type: 'counter', help: 'CPU time in the program.', labels: [] },
  cpuSystem: { name: 'process_cpu_system_seconds_total', type: 'counter', help: 'CPU time in the operating system.', labels: [] },
  cpu: { name: 'process_cpu_seconds_total', type: 'counter', help: 'CPU time in all.', labels: [] },
  started: { name: 'process_start_time_seconds', type: 'gauge', help: 'When the process started, since 1970.', labels: [] },
  resident: { name: 'process_resident_memory_bytes', type: 'gauge', help: 'Resident memory.', labels: [] },
  heapTotal: { name: 'nodejs_heap_size_total_bytes', type: 'gauge', help: "V8's heap, as taken from the system.", labels: [] },
  heapUsed: { name: 'nodejs_heap_size_used_bytes', type: 'gauge', help: "V8's heap, in use.", labels: [] },
  external: { name: 'nodejs_external_memory_bytes', type: 'gauge', help: 'Buffers and other memory outside the heap.', labels: [] },
  lagMean: {
    name: 'nodejs_eventloop_lag_mean_seconds',
    type: 'gauge',
    help: 'How long the event loop kept events waiting: mean of its turns since the last scrape.',
    labels: [],
  },
  lagP50: { name: 'nodejs_eventloop_lag_p50_seconds', type: 'gauge', help: 'The same, median.', labels: [] },
  lagP90: { name: 'nodejs_eventloop_lag_p90_seconds', type: 'gauge', help: 'The same, 90th percentile.', labels: [] },
  lagP99: { name: 'nodejs_eventloop_lag_p99_seconds', type: 'gauge', help: 'The same, 99th percentile.', labels: [] },
  lagMax: { name: 'nodejs_eventloop_lag_max_seconds', type: 'gauge', help: 'The same, longest turn.', labels: [] },
  loopActive: {
    name: 'nodejs_eventloop_active_seconds_total',
    type: 'counter',
    help: 'Time in which the event loop was busy; its rate is the utilization of the one thread that carries requests.',
    labels: [],
  },
} as const satisfies Record<string, Metric>

export type MetricKey = keyof typeof METRICS

/**
 * Which metric shows a count of `util/counters.ts`. Null: what requests tell, with more labels (`outrider_retries_total`, `outrider_timeouts_total`).
 * A count that is not here is that of a limit and has its own name as `limit` of `outrider_limit_reached_total`.
 */
export const COUNTER_METRICS: Partial<Record<CounterName, MetricKey | null>> = {
  downstream_connections_accepted: 'connectionsAccepted',
  request_timeouts: null,
  try_timeouts: null,
  idle_timeouts: null,
  upstream_connections_opened: 'connectionsOpened',
  upstream_connections_failed: 'connectionsFailed',
  upstream_connections_idle_closed: 'connectionsClosedIdle',
  retries: null,
  retries_succeeded: 'retriesSucceeded',
  panic_picks: 'panicPicks',
  dns_queries: 'dnsQueries',
  dns_failures: 'dnsFailures',
  dns_stale_answers: 'dnsStale',
  tunnels_opened: 'tunnels',
  unexpected_errors: 'defects',
}
