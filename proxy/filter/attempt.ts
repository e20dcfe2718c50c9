import type { Host } from '../cluster/endpoint.ts'
import type { MeshError } from '../errors.ts'
import type { Body } from '../http/body.ts'
import { copyRequestHead, type RequestHead, type ResponseHead } from '../http/head.ts'
import type { Connection } from '../http/message.ts'
import { Cancellation } from '../util/cancellation.ts'
import type { Attempt, Exchange } from './exchange.ts'

/** The first try: a copy of the head, and the body as it comes. Recorded in the exchange. */
export function firstAttempt(exchange: Exchange): Attempt {
  return new Try(exchange, copyRequestHead(exchange.incoming.head), exchange.incoming.body, false)
}

/** One more try, with the head as the filters made it for `first`. Recorded in the exchange; the one before can no longer speak to the downstream. */
export function nextAttempt(exchange: Exchange, first: RequestHead, body: Body, isFresh: boolean): Attempt {
  return new Try(exchange, copyRequestHead(first), body, isFresh)
}

class Try implements Attempt {
  readonly number: number
  readonly head: RequestHead
  body: Body
  readonly isFresh: boolean
  readonly cancelled = new Cancellation()
  host: Host | null = null
  connection: Connection | null = null
  startedAt = 0
  settledAt = 0
  status = 0
  error: MeshError | null = null
  peerCode: string | null = null
  readonly #exchange: Exchange

  constructor(exchange: Exchange, head: RequestHead, body: Body, isFresh: boolean) {
    this.#exchange = exchange
    this.head = head
    this.body = body
    this.isFresh = isFresh
    this.number = exchange.attempts.push(this)
    exchange.incoming.cancelled.on(reason => this.cancelled.cancel(reason))
  }

  /** Interim responses of a try that was given up are dropped: a later one may say otherwise. */
  informational(head: ResponseHead): void {
    const { attempts, incoming } = this.#exchange
    if (this.cancelled.reason === null && this.error === null && attempts[attempts.length - 1] === this) incoming.informational(head)
  }
}
