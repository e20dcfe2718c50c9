import { AsyncLocalStorage } from 'node:async_hooks'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { type Context, createTraceState, ROOT_CONTEXT, type Span, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import { resourceFromAttributes } from '@opentelemetry/resources'
import { AlwaysOffSampler, BasicTracerProvider, BatchSpanProcessor, ParentBasedSampler } from '@opentelemetry/sdk-trace-base'

// What an app adds to the traces of its sidecar, of its own: a span for each request that it serves, one for each call that it makes.
// Which requests are traced was decided before: without a `traceparent` that says so, nothing is.

/** OTEL_EXPORTER_OTLP_ENDPOINT says where spans go, OTEL_EXPORTER_OTLP_PROTOCOL how; the exporters read the first themselves. */
const isHttp = process.env['OTEL_EXPORTER_OTLP_PROTOCOL']?.startsWith('http') === true
const { OTLPTraceExporter } = await (isHttp
  ? import('@opentelemetry/exporter-trace-otlp-proto')
  : import('@opentelemetry/exporter-trace-otlp-grpc'))

const provider = new BasicTracerProvider({
  resource: resourceFromAttributes({ 'service.name': process.env['OTEL_SERVICE_NAME'] ?? 'unknown_service' }),
  sampler: new ParentBasedSampler({ root: new AlwaysOffSampler() }),
  // A second after a request its trace can be looked at.
  spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter(), { scheduledDelayMillis: 500 })],
})
const tracer = provider.getTracer('outrider-demo')
const contexts = new AsyncLocalStorage<Context>()

/** Runs `serve` with a SERVER span that ends with the response. Calls that it makes, also later, belong to it. */
export function traceServed(request: IncomingMessage, response: ServerResponse, serve: () => void): void {
  const parent = contextOf(request)
  const attributes = { 'http.request.method': request.method ?? '', 'url.path': request.url ?? '' }
  const span = tracer.startSpan(request.method ?? '', { kind: SpanKind.SERVER, attributes }, parent)
  response.once('close', () => endSpan(span, response.statusCode))
  contexts.run(contextWith(parent, span), serve)
}

/** Makes a call with a CLIENT span. @param send gets the header fields that carry the trace to the one who is called. */
export async function traceCall(url: string, send: (fields: Record<string, string>) => Promise<Response>): Promise<Response> {
  const parent = contexts.getStore() ?? ROOT_CONTEXT
  const attributes = { 'http.request.method': 'GET', 'url.full': url, 'server.address': new URL(url).hostname }
  const span = tracer.startSpan('GET', { kind: SpanKind.CLIENT, attributes }, parent)
  try {
    const response = await send(fieldsOf(contextWith(parent, span)))
    endSpan(span, response.status)
    return response
  } catch (error) {
    span.setStatus({ code: SpanStatusCode.ERROR, message: String(error) }).end()
    throw error
  }
}

/** Sends what has not been sent. */
export function endSpans(): Promise<void> {
  return provider.shutdown()
}

function endSpan(span: Span, status: number): void {
  span.setAttribute('http.response.status_code', status)
  if (status >= 500) span.setStatus({ code: SpanStatusCode.ERROR })
  span.end()
}

/** A span that nobody records has no part in the trace: what came in goes on. */
function contextWith(parent: Context, span: Span): Context {
  return span.isRecording() ? trace.setSpan(parent, span) : parent
}

/** W3C Trace Context, level 1. */
function contextOf({ headers }: IncomingMessage): Context {
  const [, traceId, spanId, flags] = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/.exec(String(headers['traceparent'])) ?? []
  if (traceId === undefined || spanId === undefined) return ROOT_CONTEXT
  const traceState = createTraceState(String(headers['tracestate'] ?? ''))
  return trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId, traceFlags: Number.parseInt(flags ?? '', 16), traceState, isRemote: true })
}

function fieldsOf(context: Context): Record<string, string> {
  const span = trace.getSpanContext(context)
  if (span === undefined) return {}
  const tracestate = span.traceState?.serialize() ?? ''
  const traceparent = `00-${span.traceId}-${span.spanId}-${span.traceFlags.toString(16).padStart(2, '0')}`
  return tracestate === '' ? { traceparent } : { traceparent, tracestate }
}
