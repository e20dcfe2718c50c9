import { MeshError } from '../errors.ts'
import { type BodyWatcher, MeteredBody } from '../http/meter.ts'
import type { Counters } from '../util/counters.ts'
import type { Timer, Timers } from '../util/timers.ts'
import type { Attempt } from './exchange.ts'
import { isRequestStreamed } from './request-end.ts'

/**
 * Ends a try that has no final response head `perTryMs` after its start; where the body is streamed, after its last octet, as in Envoy.
 * Wraps the attempt's body then.
 */
export class PerTry implements BodyWatcher {
  readonly #timer: Timer
  readonly #ms: number
  #isStopped = false

  constructor(timers: Timers, attempt: Attempt, ms: number, counters: Counters) {
    this.#ms = ms
    this.#timer = timers.timer(() => {
      counters.add('try_timeouts')
      attempt.cancelled.cancel(new MeshError('PER_TRY_TIMEOUT', `no response head after ${ms} ms`))
    })
    if (isRequestStreamed(attempt.head, attempt.body)) attempt.body = new MeteredBody(attempt.body, this)
    else this.#timer.arm(ms)
  }

  octets(): void {}

  ended(error: MeshError | null): void {
    if (error === null && !this.#isStopped) this.#timer.arm(this.#ms)
  }

  /** The try has its answer or its failure. */
  stop(): void {
    this.#isStopped = true
    this.#timer.disarm()
  }
}
