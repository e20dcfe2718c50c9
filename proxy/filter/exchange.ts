import type { Host } from '../cluster/endpoint.ts'
import type { ErrorCode, MeshError } from '../errors.ts'
import { ResponseFlags } from '../flags.ts'
import type { Body } from '../http/body.ts'
import type { RequestHead, ResponseHead } from '../http/head.ts'
import type { Connection, Incoming, Outgoing, Response } from '../http/message.ts'
import type { Route, WeightedCluster } from '../route/route.ts'
import type { Cancellation } from '../util/cancellation.ts'
import type { TimeLimit } from './deadline.ts'

/** One request from its first octet to its access-log line. Outlives its attempts. */
export class Exchange {
  readonly direction: 'inbound' | 'outbound'
  readonly incoming: Incoming
  /** Monotonic, ms, at the first octet of the head. */
  readonly startedAt: number
  /** Null until the route filter sets it. */
  route: Route | null = null
  /** What the rule's prefix matched, for prefix rewrites; empty: it did not match by prefix. */
  matchedPrefix = ''
  /** Set by the timeout filter; null: it may take for ever, or this side is not the one to say. */
  limit: TimeLimit | null = null
  /** Chosen once for all tries, as in Envoy. */
  backend: WeightedCluster | null = null
  /** Every try, in order; the last one answered. */
  readonly attempts: Attempt[] = []
  readonly flags = new ResponseFlags()
  /** `x-request-id`, once `identify` has seen to it; empty before. */
  requestId = ''
  /** The caller sent none that is good, so it was made here. */
  isRequestIdMade = false
  /** Null: not sampled. */
  trace: ExchangeTrace | null = null
  /** Why the sidecar made the answer itself; null: the app's own. */
  error: MeshError | null = null
  /** Of the answer; 0: none was sent. */
  status = 0
  /** More than the code says: `budget`, `replay limit`, ... */
  readonly details: string[] = []
  #done: ((exchange: Exchange) => void)[] | null = null

  constructor(direction: 'inbound' | 'outbound', incoming: Incoming) {
    this.direction = direction
    this.incoming = incoming
    this.startedAt = incoming.startedAt
    incoming.finished = error => this.#finish(error)
  }

  /** Code of the failure, or null. */
  get code(): ErrorCode | null {
    return this.error?.code ?? null
  }

  /** Called once, after the last octet was written downstream or the stream was reset: counts, budgets, spans and the log end here. */
  onDone(callback: (exchange: Exchange) => void): void {
    if (this.#done === null) this.#done = [callback]
    else this.#done.push(callback)
  }

  #finish(error: MeshError | null): void {
    if (error !== null) {
      this.error ??= error
      if (error.row.flag !== null) this.flags.add(error.row.flag)
    }
    const done = this.#done
    this.#done = null
    if (done !== null) for (const callback of done) callback(this)
  }
}

/** The sampled trace of an exchange, for logs; what spans are made of is the tracing filter's own. */
export interface ExchangeTrace {
  /** 32 lower-case hexadecimal digits (W3C Trace Context section 3.2.2.3). */
  readonly traceId: string
}

/** One try at answering an exchange. A retry makes a new one: it shares no body, signal or connection with the one before. */
export interface Attempt extends Outgoing {
  /** 1 for the first. */
  readonly number: number
  /** Copy on write: trace context, attempt number and rewrites differ from try to try; the exchange's own head stays as it came. */
  readonly head: RequestHead
  /** Filters wrap it on its way in. */
  body: Body
  /** Never over a kept-alive connection: the try before died on one. */
  readonly isFresh: boolean
  /** Cancelled when this try is given up; the exchange's own cancellation reaches it too. */
  readonly cancelled: Cancellation
  /** Null until one is picked. */
  host: Host | null
  /** Null until there is one. */
  connection: Connection | null
  /** Monotonic, ms; 0: it was never sent on its way. */
  startedAt: number
  /** Monotonic, ms: when the head of its answer was in, or it had failed; 0 before. */
  settledAt: number
  /** Of its answer; 0: none. */
  status: number
  /** Why it failed; null: it did not. */
  error: MeshError | null
  /** The code by which the upstream's sidecar says that it made the answer itself, 500 or more; null: the app's own. */
  peerCode: string | null
  informational(head: ResponseHead): void
}

/** Resolves when the final response head is in. Rejects only with a MeshError. */
export type Handler = (exchange: Exchange, attempt: Attempt) => Promise<Response>

/** Wraps a handler in one concern. Composed once per snapshot, not per request. */
export type Filter = (next: Handler) => Handler
