import { MeshError } from '../errors.ts'
import type { Response } from '../http/message.ts'
import { type BodyWatcher, isWhole, MeteredBody } from '../http/meter.ts'
import type { Counters } from '../util/counters.ts'
import type { Timer, Timers } from '../util/timers.ts'
import { deadlineOf, type TimeLimit } from './deadline.ts'
import type { Attempt, Exchange, Filter } from './exchange.ts'
import { isTunnel } from './forward.ts'
import { isRequestStreamed } from './request-end.ts'

/** Longest silence of a tunnel, ms: what runs in it may have a rhythm of its own. */
export const TUNNEL_IDLE_MS = 3_600_000

/**
 * Holds an exchange to its route's request and idle timeouts, and to the caller's deadline if that is sooner, all tries and backoffs included. Before the
 * response head the present try is cancelled with REQUEST_TIMEOUT or IDLE_TIMEOUT; after it the response breaks off. A tunnel has its idle timeout only.
 * Inbound has idle only: one owner of a timeout, the caller's sidecar.
 */
export function timeout(timers: Timers, counters: Counters): Filter {
  return next => (exchange, attempt) => {
    const isInbound = exchange.direction === 'inbound'
    const requestMs = isInbound ? null : (exchange.route?.timeouts.requestMs ?? null)
    const deadlineMs = isInbound ? null : deadlineOf(exchange.incoming.head)
    const idleMs = exchange.route?.timeouts.idleMs ?? null
    if (requestMs === null && deadlineMs === null && idleMs === null) return next(exchange, attempt)
    if (deadlineMs === 0) {
      counters.add('request_timeouts')
      throw new MeshError('REQUEST_TIMEOUT', "the caller's deadline was past when the request came; nothing was sent")
    }
    const watch = new Watch({ timers, counters }, exchange, { requestMs, deadlineMs, idleMs })
    return watch.over(next(exchange, watch.start(attempt)))
  }
}

/** What an exchange is held to, ms; null: not. */
interface Held {
  /** From the request's last octet. */
  readonly requestMs: number | null
  /** From the request's head: the caller waits for no longer. */
  readonly deadlineMs: number | null
  /** Longest silence. */
  readonly idleMs: number | null
}

/** What one exchange is held to, on one timer. An octet costs a look at the clock; the timer finds out later that it came too early. */
class Watch implements BodyWatcher, TimeLimit {
  readonly #timer: Timer
  readonly #timers: Timers
  readonly #counters: Counters
  readonly #exchange: Exchange
  readonly #requestMs: number | null
  #idleMs: number | null
  #lastOctetAt: number
  /** The caller's deadline. Monotonic, ms, as the next one; Infinity: none, and in a tunnel. */
  #callersDueAt = Number.POSITIVE_INFINITY
  /** End of the request timeout; Infinity also while the request still comes in. */
  #requestDueAt = Number.POSITIVE_INFINITY
  #request: MeteredBody | null = null
  #response: MeteredBody | null = null
  #isOver = false
  #isTunnel = false
  #isRequestOver = false
  #isResponseOver = false

  constructor({ timers, counters }: { timers: Timers; counters: Counters }, exchange: Exchange, { requestMs, deadlineMs, idleMs }: Held) {
    this.#timers = timers
    this.#counters = counters
    this.#exchange = exchange
    this.#requestMs = requestMs
    this.#idleMs = idleMs
    this.#lastOctetAt = timers.clock.now()
    if (deadlineMs !== null) this.#callersDueAt = this.#lastOctetAt + deadlineMs
    if (deadlineMs !== null || requestMs !== null) exchange.limit = this
    this.#timer = timers.timer(() => this.#check())
  }

  start(attempt: Attempt): Attempt {
    if (attempt.body.length !== 0) attempt.body = this.#request = new MeteredBody(attempt.body, this)
    if (!isRequestStreamed(attempt.head, attempt.body)) this.#requestEnded()
    this.#arm()
    return attempt
  }

  over(answer: Promise<Response>): Promise<Response> {
    return answer.then(
      response => this.#answered(response),
      thrown => {
        this.#stop()
        throw thrown
      },
    )
  }

  remainingMs(): number {
    const now = this.#timers.clock.now()
    const isRunning = this.#requestDueAt !== Number.POSITIVE_INFINITY
    const requestMs = isRunning || this.#requestMs === null ? this.#requestDueAt - now : this.#requestMs
    return Math.min(requestMs, this.#callersDueAt - now)
  }

  octets(): void {
    this.#lastOctetAt = this.#timers.clock.now()
  }

  ended(error: MeshError | null, body: MeteredBody): void {
    if (body === this.#request) {
      this.#isRequestOver = true
      if (this.#isResponseOver) this.#stop()
      else if (error === null) this.#requestEnded()
      return
    }
    this.#isResponseOver = true
    // The end of one direction of a tunnel is not the end of the other.
    if (error !== null || !this.#isTunnel || this.#isRequestOver) this.#stop()
  }

  #answered(response: Response): Response {
    const { head, body } = response
    if (isTunnel(this.#exchange.incoming.head.method, head.status)) this.#becomeTunnel()
    if (isWhole(body)) {
      this.#stop()
      return response
    }
    this.#lastOctetAt = this.#timers.clock.now()
    this.#response = new MeteredBody(body, this)
    return { head, body: this.#response }
  }

  #requestEnded(): void {
    if (this.#isOver || this.#isTunnel || this.#requestMs === null || this.#requestDueAt !== Number.POSITIVE_INFINITY) return
    this.#lastOctetAt = this.#timers.clock.now()
    this.#requestDueAt = this.#lastOctetAt + this.#requestMs
    this.#arm()
  }

  #becomeTunnel(): void {
    this.#isTunnel = true
    this.#requestDueAt = this.#callersDueAt = Number.POSITIVE_INFINITY
    if (this.#idleMs !== null) this.#idleMs = TUNNEL_IDLE_MS
    this.#lastOctetAt = this.#timers.clock.now()
    this.#arm()
  }

  #dueAt(): number {
    const idleAt = this.#idleMs === null ? Number.POSITIVE_INFINITY : this.#lastOctetAt + this.#idleMs
    return Math.min(idleAt, this.#requestDueAt, this.#callersDueAt)
  }

  #arm(): void {
    const dueAt = this.#dueAt()
    if (dueAt === Number.POSITIVE_INFINITY) this.#timer.disarm()
    else this.#timer.arm(dueAt - this.#timers.clock.now())
  }

  #check(): void {
    if (this.#isOver) return
    const now = this.#timers.clock.now()
    if (now < this.#dueAt()) {
      this.#arm()
      return
    }
    const error = this.#lateness(now)
    this.#counters.add(error.code === 'REQUEST_TIMEOUT' ? 'request_timeouts' : 'idle_timeouts')
    this.#stop()
    this.#response?.abort(error)
    this.#exchange.attempts.at(-1)?.cancelled.cancel(error)
  }

  #lateness(now: number): MeshError {
    if (now >= this.#callersDueAt) return new MeshError('REQUEST_TIMEOUT', "not over at the caller's deadline")
    if (now >= this.#requestDueAt) return new MeshError('REQUEST_TIMEOUT', `not over ${this.#requestMs} ms after the request's last octet`)
    return new MeshError('IDLE_TIMEOUT', `no octet for ${this.#idleMs} ms`)
  }

  #stop(): void {
    this.#isOver = true
    this.#timer.disarm()
  }
}
