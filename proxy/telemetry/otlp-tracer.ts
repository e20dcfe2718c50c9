import { SpanKind as OtelKind, type Span as OtelSpan, ROOT_CONTEXT, SpanStatusCode, TraceFlags, trace } from '@opentelemetry/api'
import { defaultResource, resourceFromAttributes } from '@opentelemetry/resources'
import { AlwaysOnSampler, BasicTracerProvider, type SpanExporter } from '@opentelemetry/sdk-trace-base'
import { monotonicClock, wallClock } from '../util/clock.ts'
import type { Counters } from '../util/counters.ts'
import type { Timers } from '../util/timers.ts'
import type { Log } from './log.ts'
import type { RemoteParent } from './propagation.ts'
import { EXPORT_TIMEOUT_MS, SpanQueue } from './span-queue.ts'
import type { Collector, Span, SpanEnd, SpanKind, Tracer } from './tracer.ts'
import { WallTime } from './wall-time.ts'

/** Whose spans they are, and what the tracer needs of the process. */
export interface OtlpTracerOptions {
  readonly collector: Collector
  readonly service: string
  readonly namespace: string
  readonly nodeId: string
  /** `version` is the service's, as operators label it. */
  readonly labels: Readonly<Record<string, string>>
  /** The sidecar's own version. */
  readonly build: string
  readonly timers: Timers
  readonly counters: Counters
  readonly log: Log
}

/**
 * Records spans with OpenTelemetry's SDK and sends them by OTLP. This file brings the SDK in, so it is imported only where spans are exported; of the
 * two exporters the one in use. Nothing is registered globally: an app in the same process keeps its own.
 */
export async function openTracer(options: OtlpTracerOptions): Promise<Tracer> {
  const { collector, timers, counters, log } = options
  const queue = new SpanQueue({ exporter: await exporterTo(collector), url: collector.url, timers, counters, log })
  const provider = new BasicTracerProvider({ resource: resourceOf(options), sampler: new AlwaysOnSampler(), spanProcessors: [queue] })
  const tracer = provider.getTracer('outrider', options.build)
  const wallTime = new WallTime(monotonicClock, wallClock)
  return {
    start(kind, parent, at) {
      const offset = wallTime.offset()
      const span = tracer.startSpan('', { kind: KINDS[kind], startTime: at + offset }, contextOf(parent))
      return new RecordedSpan(span, offset)
    },
    close: () => provider.shutdown(),
  }
}

const KINDS: Readonly<Record<SpanKind, OtelKind>> = { server: OtelKind.SERVER, client: OtelKind.CLIENT }

function contextOf(parent: RemoteParent | null) {
  return parent === null ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, { ...parent, traceFlags: TraceFlags.SAMPLED, isRemote: true })
}

function resourceOf({ service, namespace, nodeId, labels }: OtlpTracerOptions) {
  const version = labels['version']
  const own = resourceFromAttributes({
    'service.name': service,
    'service.namespace': namespace,
    'service.instance.id': nodeId,
    ...(version === undefined ? {} : { 'service.version': version }),
  })
  return defaultResource().merge(own)
}

/** Headers, certificates and compression are OpenTelemetry's own variables (OTEL_EXPORTER_OTLP_HEADERS, ...), which the exporters read. */
async function exporterTo({ url, protocol }: Collector): Promise<() => SpanExporter> {
  const { OTLPTraceExporter } =
    protocol === 'grpc' ? await import('@opentelemetry/exporter-trace-otlp-grpc') : await import('@opentelemetry/exporter-trace-otlp-proto')
  return () => new OTLPTraceExporter({ url, timeoutMillis: EXPORT_TIMEOUT_MS })
}

class RecordedSpan implements Span {
  readonly traceId: string
  readonly spanId: string
  readonly #span: OtelSpan
  readonly #offset: number

  constructor(span: OtelSpan, offset: number) {
    const { traceId, spanId } = span.spanContext()
    this.traceId = traceId
    this.spanId = spanId
    this.#span = span
    this.#offset = offset
  }

  end({ name, attributes, failure, at }: SpanEnd): void {
    const span = this.#span.updateName(name).setAttributes(attributes)
    if (failure !== null) span.setStatus(failure === '' ? FAILED : { code: SpanStatusCode.ERROR, message: failure })
    span.end(at + this.#offset)
  }
}

const FAILED = { code: SpanStatusCode.ERROR }
