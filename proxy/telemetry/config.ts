/** What operators want to see of requests. `Mesh.tracing` and `Mesh.accessLog`. */
export interface TelemetryConfig {
  /** Of the requests whose caller has not decided, 0 to 100. xDS: `HttpConnectionManager.tracing.random_sampling`. */
  readonly samplingPercent: number
  /** Forms of trace context that go out even where they did not come in; W3C always does. */
  readonly propagators: readonly Propagator[]
  readonly accessLog: { readonly mode: AccessLogMode; readonly format: AccessLogFormat }
}

/** Forms of trace context, by OpenTelemetry's words (OTEL_PROPAGATORS). */
export type Propagator = 'tracecontext' | 'b3' | 'b3multi'
/** `errors`: what the sidecar answered itself, what was broken off, and every 5xx. */
export type AccessLogMode = 'off' | 'errors' | 'all'
export type AccessLogFormat = 'json' | 'text'

/** What holds without a Mesh document: one trace in a hundred, as Istio; failures are logged, since a log of everything costs more than the requests. */
export const DEFAULT_TELEMETRY: TelemetryConfig = {
  samplingPercent: 1,
  propagators: ['tracecontext'],
  accessLog: { mode: 'errors', format: 'json' },
}
