import type { TelemetryConfig } from '../telemetry/config.ts'
import { callersDecision, readPropagation, writePropagation } from '../telemetry/propagation.ts'
import { isChosen } from '../telemetry/sampling.ts'
import type { Tracer } from '../telemetry/tracer.ts'
import type { Clock } from '../util/clock.ts'
import type { Random } from '../util/random.ts'
import type { Exchange, Filter } from './exchange.ts'
import { identify } from './identify.ts'
import { SampledTrace } from './sampled-trace.ts'

/** What the tracing filters need of the process and of the configuration. */
export interface TraceOptions {
  readonly tracer: Tracer
  readonly telemetry: TelemetryConfig
  readonly clock: Clock
  readonly random: Random
}

/**
 * Decides, once for each request, whether it is recorded: as its caller has decided, else by its id and the rate. One that is recorded gets a span, SERVER
 * inbound and CLIENT outbound. One that is not goes on untouched: the parent that its trace context names is exported by whoever made it, if by anybody.
 */
export function trace(options: TraceOptions): Filter {
  return next => (exchange, attempt) => {
    if (isSampled(exchange, options)) {
      const sampled = begin(exchange, options)
      // The app's own spans are children of this one. Outbound, what goes on is the span of each try: traceAttempt.
      if (exchange.direction === 'inbound')
        writePropagation(attempt.head.headers, sampled.propagation, sampled.traceId, sampled.span.spanId)
    }
    return next(exchange, attempt)
  }
}

function isSampled(exchange: Exchange, { telemetry, random }: TraceOptions): boolean {
  const decided = callersDecision(exchange.incoming.head.headers)
  if (decided !== null) return decided
  const { samplingPercent } = telemetry
  return samplingPercent > 0 && (samplingPercent >= 100 || isChosen(identify(exchange, random), samplingPercent))
}

function begin(exchange: Exchange, { tracer, telemetry, clock }: TraceOptions): SampledTrace {
  const propagation = readPropagation(exchange.incoming.head.headers, telemetry.propagators)
  const span = tracer.start(exchange.direction === 'inbound' ? 'server' : 'client', propagation.parent, exchange.startedAt)
  const sampled = new SampledTrace(span, propagation)
  exchange.trace = sampled
  exchange.onDone(() => sampled.end(exchange, clock.now()))
  return sampled
}
