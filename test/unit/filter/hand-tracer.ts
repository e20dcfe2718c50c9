import type { RemoteParent } from '../../../proxy/telemetry/propagation.ts'
import type { Span, SpanEnd, SpanKind, Tracer } from '../../../proxy/telemetry/tracer.ts'

/** A span that a test looks at. `ended` is null while it is not. */
export interface HandSpan extends Span {
  readonly kind: SpanKind
  readonly parent: RemoteParent | null
  readonly at: number
  ended: SpanEnd | null
}

/** Keeps the spans that filters start; ids count up. */
export class HandTracer implements Tracer {
  readonly spans: HandSpan[] = []

  start(kind: SpanKind, parent: RemoteParent | null, at: number): Span {
    const number = String(this.spans.length + 1)
    const span: HandSpan = {
      traceId: parent?.traceId ?? number.padStart(32, '0'),
      spanId: number.padStart(16, '0'),
      kind,
      parent: parent === null ? null : { traceId: parent.traceId, spanId: parent.spanId },
      at,
      ended: null,
      end(end) {
        if (span.ended !== null) throw new Error('ended twice')
        span.ended = end
      },
    }
    this.spans.push(span)
    return span
  }

  async close(): Promise<void> {}
}
