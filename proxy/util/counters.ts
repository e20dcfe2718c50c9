/**
 * Counts that the hot path keeps: plain numbers in a typed array, read when somebody asks.
 * Layers that must not know telemetry count here; `telemetry/metric-names.ts` gives each its metric.
 */
export const COUNTERS = [
  'downstream_connections_accepted',
  'downstream_connections_refused',
  'downstream_head_too_large',
  'downstream_target_too_long',
  'downstream_body_too_large',
  'downstream_slow_head',
  'downstream_protocol_error',
  'downstream_idle_closed',
  'downstream_stalled_closed',
  'admin_connections_refused',
  'admin_stalled_closed',
  'overloaded',
  'request_timeouts',
  'try_timeouts',
  'idle_timeouts',
  'upstream_connections_opened',
  'upstream_connections_failed',
  'upstream_connections_idle_closed',
  'upstream_protocol_error',
  'breaker_connections_overflow',
  'breaker_pending_overflow',
  'breaker_requests_overflow',
  'breaker_retries_overflow',
  'retry_budget_exhausted',
  'retries',
  'retries_succeeded',
  'replay_overflow',
  'panic_picks',
  'dns_queries',
  'dns_failures',
  'dns_stale_answers',
  'dns_names_evicted',
  'dns_lookups_overflow',
  'passthrough_hosts_evicted',
  'passthrough_names_overflow',
  'loop_refused',
  'tunnels_opened',
  'http2_streams_refused',
  'http2_reset_flood',
  'http2_continuation_flood',
  'http2_settings_flood',
  'http2_ping_flood',
  'http2_window_update_flood',
  'http2_empty_frame_flood',
  'http2_tiny_frame_flood',
  'http2_priority_flood',
  'http2_stalled_closed',
  'http2_ping_timeouts',
  'http2_settings_timeouts',
  'metric_series_overflow',
  'unexpected_errors',
  'log_lines_dropped',
  'spans_exported',
  'spans_dropped',
  'span_exports_failed',
] as const

export type CounterName = (typeof COUNTERS)[number]

const INDEX = new Map<string, number>(COUNTERS.map((name, index) => [name, index]))

/** The counters of one sidecar. */
export class Counters {
  readonly #values = new Float64Array(COUNTERS.length)

  add(name: CounterName, count = 1): void {
    const index = INDEX.get(name) as number
    this.#values[index] = (this.#values[index] as number) + count
  }

  get(name: CounterName): number {
    return this.#values[INDEX.get(name) as number] as number
  }

  /** All counts by name, for `/stats`. */
  snapshot(): Record<CounterName, number> {
    return Object.fromEntries(COUNTERS.map(name => [name, this.get(name)])) as Record<CounterName, number>
  }
}
