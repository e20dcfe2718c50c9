import type { Cluster, ClusterRegistry } from '../cluster/cluster.ts'
import { MeshError } from '../errors.ts'
import type { Response } from '../http/message.ts'
import { DEFAULT_MAX_REPLAY_BYTES, Replay } from '../http/replay.ts'
import { isReceipt } from '../http/reply.ts'
import type { RetryPolicy } from '../route/route.ts'
import type { Counters } from '../util/counters.ts'
import { fraction, type Random } from '../util/random.ts'
import type { Timers } from '../util/timers.ts'
import { nextAttempt } from './attempt.ts'
import type { Attempt, Exchange, Filter, Handler } from './exchange.ts'
import { backoffMs, mayRetry, mayRetryInbound, type Outcome, repeatable } from './retry-decision.ts'

/** What retries need of the process. */
export interface RetryOptions {
  readonly clusters: ClusterRegistry
  readonly timers: Timers
  readonly random: Random
  readonly counters: Counters
  /** The cluster of hosts outside the mesh, whose promises are not taken. */
  readonly passthrough: string
  readonly maxReplayBytes?: number
}

/** What inbound does: one retry, at once, on a fresh connection. */
const INBOUND_POLICY: RetryPolicy = { attempts: 1, on: [], codes: [], backoffMs: 0, maxBackoffMs: 0, unsafeMethods: false }

/** Tries again what failed, where that is safe and the budget allows it. A route without a policy has no retries; inbound has its own. */
export function retry(options: RetryOptions): Filter {
  return next => (exchange, attempt) => {
    const cluster = options.clusters.get(exchange.backend?.cluster ?? '')
    const policy = exchange.direction === 'inbound' ? INBOUND_POLICY : (exchange.route?.retry ?? null)
    cluster?.deposit()
    if (cluster === null || policy === null || policy.attempts === 0) return next(exchange, attempt)
    return new Tries(options, next, exchange, cluster, policy, attempt).run()
  }
}

/** The tries of one exchange. */
class Tries {
  readonly #options: RetryOptions
  readonly #next: Handler
  readonly #exchange: Exchange
  readonly #cluster: Cluster
  readonly #policy: RetryPolicy
  readonly #first: Attempt
  readonly #replay: Replay | null

  constructor(options: RetryOptions, next: Handler, exchange: Exchange, cluster: Cluster, policy: RetryPolicy, first: Attempt) {
    this.#options = options
    this.#next = next
    this.#exchange = exchange
    this.#cluster = cluster
    this.#policy = policy
    this.#first = first
    this.#replay =
      first.body.length === 0 ? null : new Replay(first.body, options.counters, options.maxReplayBytes ?? DEFAULT_MAX_REPLAY_BYTES)
    if (this.#replay !== null) first.body = this.#replay.view()
  }

  async run(): Promise<Response> {
    let attempt = this.#first
    for (;;) {
      const isRetry = attempt !== this.#first
      let response: Response | null = null
      let error: unknown = null
      try {
        response = await this.#next(this.#exchange, attempt)
      } catch (thrown) {
        error = thrown
      } finally {
        if (isRetry) this.#cluster.endRetry()
      }
      const isFailed = this.#isRetriable(attempt, response, error)
      if (isRetry && !isFailed && response !== null) this.#options.counters.add('retries_succeeded')
      const following = isFailed ? await this.#following(attempt, response, error) : null
      if (following === null) return this.#settle(response, error)
      attempt = following
    }
  }

  #isRetriable(attempt: Attempt, response: Response | null, error: unknown): boolean {
    const { head } = this.#first
    if (response === null && !(error instanceof MeshError)) return false
    // Nothing is to be hoped for where there is nobody.
    if (error instanceof MeshError && error.code === 'NO_HEALTHY_UPSTREAM' && this.#cluster.hosts.length === 0) return false
    const isPromised = response !== null && this.#cluster.config.name !== this.#options.passthrough && isReceipt(response)
    if (isPromised) attempt.host?.gaveReceipt()
    const outcome: Outcome = {
      code: error instanceof MeshError ? error.code : null,
      status: response?.head.status ?? 0,
      isReceipt: isPromised,
      isUnwritten: attempt.connection?.octetsWritten === 0,
    }
    const again = repeatable(head, this.#policy.unsafeMethods)
    return this.#exchange.direction === 'inbound' ? mayRetryInbound(outcome, again) : mayRetry(outcome, again, this.#policy)
  }

  /** The next try, after its backoff; null: there is none, and what is in hand is the answer. */
  async #following(attempt: Attempt, response: Response | null, error: unknown): Promise<Attempt | null> {
    const { flags, details, incoming } = this.#exchange
    if (incoming.cancelled.reason !== null) return null
    if (attempt.number > this.#policy.attempts) {
      flags.add('URX')
      return null
    }
    if (this.#replay !== null && !this.#replay.isReplayable) {
      details.push('replay limit')
      return null
    }
    const permit = this.#cluster.beginRetry()
    if (permit !== 'granted') {
      flags.add('URX')
      details.push(permit === 'budget' ? 'budget' : 'retry overflow')
      return null
    }
    this.#options.counters.add('retries')
    return this.#begin(attempt, response, error)
  }

  async #begin(last: Attempt, response: Response | null, error: unknown): Promise<Attempt> {
    const given = new MeshError('UPSTREAM_RESET', 'given up for a retry')
    last.error ??= error instanceof MeshError ? error : given
    response?.body.cancel(given)
    last.cancelled.cancel(given)
    const body = this.#replay === null ? this.#first.body : this.#replay.view()
    // A second kept-alive connection may be as dead as the first.
    const isStale = error instanceof MeshError && (error.code === 'UPSTREAM_CLOSED' || last.connection?.octetsWritten === 0)
    const following = nextAttempt(this.#exchange, this.#first.head, body, isStale)
    const waitMs = backoffMs(last.number, this.#policy, fraction(this.#options.random))
    try {
      if (waitMs >= 1) await this.#wait(waitMs, following)
      if (following.cancelled.reason !== null) throw following.cancelled.reason
    } catch (thrown) {
      this.#exchange.attempts.pop()
      this.#cluster.endRetry()
      throw thrown
    }
    return following
  }

  #wait(ms: number, attempt: Attempt): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = this.#options.timers.timer(() => {
        attempt.cancelled.off(giveUp)
        resolve()
      })
      const giveUp = (reason: MeshError) => {
        timer.disarm()
        reject(reason)
      }
      timer.arm(ms)
      attempt.cancelled.on(giveUp)
    })
  }

  #settle(response: Response | null, error: unknown): Response {
    this.#replay?.release()
    if (response === null) throw error
    return response
  }
}
