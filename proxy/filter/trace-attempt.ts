import { writePropagation } from '../telemetry/propagation.ts'
import type { Tracer } from '../telemetry/tracer.ts'
import type { Clock } from '../util/clock.ts'
import type { Filter } from './exchange.ts'
import { SampledTrace } from './sampled-trace.ts'

/** What spans of tries need. */
export interface TraceAttemptOptions {
  readonly tracer: Tracer
  readonly clock: Clock
  /** The cluster of hosts outside the mesh: to them nothing is added. */
  readonly passthrough: string
}

/**
 * Begins a span for each try of a request that is recorded, and names it to the upstream as the parent. It ends with the exchange, which knows then how
 * each try went: no promise is chained for it.
 */
export function traceAttempt({ tracer, clock, passthrough }: TraceAttemptOptions): Filter {
  return next => (exchange, attempt) => {
    const { trace } = exchange
    if (!(trace instanceof SampledTrace)) return next(exchange, attempt)
    const span = tracer.start('client', trace.span, clock.now())
    trace.tries.push({ attempt, span })
    if (exchange.backend?.cluster !== passthrough) writePropagation(attempt.head.headers, trace.propagation, span.traceId, span.spanId)
    return next(exchange, attempt)
  }
}
