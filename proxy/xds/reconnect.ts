import { fraction, type Random } from '../util/random.ts'
import type { Timer, Timers } from '../util/timers.ts'

/** The first retry comes within this time, ms: a control plane that restarts is found again at once, and a thousand sidecars do not knock together. */
export const FIRST_BACKOFF_MS = 500
/** Well inside the minute for which a restarted control plane serves the leases that it had: every sidecar is back before one is lost. */
export const MAX_BACKOFF_MS = 10_000
/** A stream that has lived this long, ms, makes the next failure a first one again. */
export const STABLE_MS = 5_000

/** Opens a stream again and again: full jitter below a bound that doubles from 0.5 s to 10 s. */
export class Reconnect {
  readonly #timers: Timers
  readonly #random: Random
  readonly #timer: Timer
  #failures = 0
  #openedAt: number | null = null
  #isStopped = false

  constructor(options: { readonly timers: Timers; readonly random: Random; readonly connect: () => void }) {
    this.#timers = options.timers
    this.#random = options.random
    this.#timer = options.timers.timer(options.connect)
  }

  /** The stream stands. */
  opened(): void {
    this.#openedAt = this.#timers.clock.now()
  }

  /** The stream has ended: the next one is opened after the backoff. Ms until then. */
  ended(): number {
    if (this.#isStopped) return 0
    const lasted = this.#openedAt === null ? 0 : this.#timers.clock.now() - this.#openedAt
    this.#openedAt = null
    if (lasted >= STABLE_MS) this.#failures = 0
    const bound = Math.min(FIRST_BACKOFF_MS * 2 ** Math.min(this.#failures, 10), MAX_BACKOFF_MS)
    this.#failures++
    const wait = fraction(this.#random) * bound
    this.#timer.arm(wait)
    return wait
  }

  stop(): void {
    this.#isStopped = true
    this.#timer.disarm()
  }
}
