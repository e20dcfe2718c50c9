import type { Propagation } from '../telemetry/propagation.ts'
import type { Span } from '../telemetry/tracer.ts'
import type { Attempt, Exchange, ExchangeTrace } from './exchange.ts'
import { spanOfAttempt, spanOfExchange } from './span-ends.ts'

/** The spans of an exchange that is recorded. All end with it: only then is everything known, and what is not recorded costs nothing meanwhile. */
export class SampledTrace implements ExchangeTrace {
  readonly traceId: string
  /** Of the whole exchange. */
  readonly span: Span
  readonly propagation: Propagation
  /** Spans of tries, outbound only. */
  readonly tries: { readonly attempt: Attempt; readonly span: Span }[] = []

  constructor(span: Span, propagation: Propagation) {
    this.traceId = span.traceId
    this.span = span
    this.propagation = propagation
  }

  /** @param now monotonic, ms. */
  end(exchange: Exchange, now: number): void {
    if (isTerminated(exchange)) return
    for (const { attempt, span } of this.tries) span.end(spanOfAttempt(exchange, attempt, now))
    this.span.end(spanOfExchange(exchange, now))
  }
}

/** A CONNECT to a service that the sidecar answered to look into it: the requests inside have spans of their own. */
function isTerminated({ incoming, backend, error }: Exchange): boolean {
  return incoming.head.method === 'CONNECT' && backend === null && error === null
}
