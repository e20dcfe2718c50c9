import type { Collector } from '../../proxy/telemetry/tracer.ts'
import { CommandError } from './exit-codes.ts'
import type { FlagValues } from './flag-values.ts'

/** Where OTLP over HTTP posts spans, below what is given (OTLP specification, "OTLP/HTTP Request"). */
const TRACES = '/v1/traces'
/** Registered for OTLP over HTTP, as 4317 is for gRPC. */
const HTTP_PORT = '4318'

/** The collector of `--otlp`; null: it is not given. A path is what OTLP over HTTP is posted below, as with OTEL_EXPORTER_OTLP_ENDPOINT. */
export function collectorOf(flags: FlagValues): Collector | null {
  const text = flags.text('otlp')
  if (text === null) return null
  const url = new URL(text)
  const refuse = (what: string) => {
    throw new CommandError('usage', `--otlp may not have ${what}; such as http://127.0.0.1:4317 (${flags.source('otlp')})`)
  }
  // Not repeated: it would stand in a log.
  if (url.username !== '' || url.password !== '') refuse('credentials, which OTEL_EXPORTER_OTLP_HEADERS takes')
  if (url.search !== '' || url.hash !== '') refuse(`a query or fragment, as ${JSON.stringify(text)} has`)
  const path = url.pathname.replace(/\/+$/, '')
  if (url.port !== HTTP_PORT && path === '') {
    // A URL leaves its scheme's port out; gRPC would take 443 for either.
    const port = url.port === '' ? (url.protocol === 'https:' ? '443' : '80') : url.port
    return { url: `${url.protocol}//${url.hostname}:${port}`, protocol: 'grpc' }
  }
  return { url: `${url.origin}${path.endsWith(TRACES) ? path : `${path}${TRACES}`}`, protocol: 'http' }
}

/** What tells an app of a collector, by OpenTelemetry's own names: its SDKs look for HTTP unless they are told. */
export function exporterEnvironment({ url, protocol }: Collector): Record<string, string> {
  const endpoint = protocol === 'http' ? url.slice(0, -TRACES.length) : url
  return { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, OTEL_EXPORTER_OTLP_PROTOCOL: protocol === 'http' ? 'http/protobuf' : 'grpc' }
}
