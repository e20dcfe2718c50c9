import type { ResponseHead } from '../http/head.ts'
import type { Incoming } from '../http/message.ts'
import { firstAttempt } from './attempt.ts'
import { Exchange, type Filter, type Handler } from './exchange.ts'

/** One handler of filters, outermost first, round what answers in the end. */
export function compose(filters: readonly Filter[], terminal: Handler): Handler {
  return filters.reduceRight<Handler>((next, filter) => filter(next), terminal)
}

/** What a listener does with each request besides handling it. */
export interface ServeOptions {
  readonly direction: 'inbound' | 'outbound'
  /** Called with each exchange before its handler: what counts and logs exchanges registers `onDone` there. */
  readonly begin: ((exchange: Exchange) => void) | null
  /** Called with the head of each response that came from upstream, just before it goes out (`responseHeaders`). */
  readonly finish: ((exchange: Exchange, head: ResponseHead) => void) | null
}

/**
 * What a listener calls for each request: makes its exchange and first try, and answers once; not at all if the caller has left or a CONNECT was terminated.
 *
 * @param handler is asked for at each request, so that a snapshot is swapped by one assignment. It has `rescue` outermost, so it never rejects.
 */
export function serve(handler: () => Handler, options: ServeOptions): (incoming: Incoming) => void {
  const { direction, begin, finish } = options
  return incoming => {
    const exchange = new Exchange(direction, incoming)
    if (begin !== null) begin(exchange)
    void handler()(exchange, firstAttempt(exchange)).then(response => {
      const { status } = response.head
      if (status === 0) return
      exchange.status = status
      const isUpstreams = exchange.error === null && exchange.attempts[exchange.attempts.length - 1]?.status === status
      if (isUpstreams && finish !== null) finish(exchange, response.head)
      incoming.respond(response)
    })
  }
}
