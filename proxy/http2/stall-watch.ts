import type { Deadlines } from './deadlines.ts'

/** Knows whether octets have waited for the peer for a whole `stallTimeoutMs` in which none left. */
export class StallWatch {
  readonly #deadlines: Deadlines
  readonly #timeoutMs: number
  /** Streams whose octets wait for the peer. */
  #waiting = 0
  #framesSent = 0
  #framesBefore = 0

  constructor(deadlines: Deadlines, timeoutMs: number) {
    this.#deadlines = deadlines
    this.#timeoutMs = timeoutMs
  }

  /** A DATA frame has left. */
  sent(): void {
    this.#framesSent++
  }

  /** Octets of one more stream wait, or no longer do. */
  waits(isWaiting: boolean): void {
    this.#waiting += isWaiting ? 1 : -1
    if (this.#waiting === 0) this.#deadlines.stop('stall')
    else if (this.#waiting === 1 && isWaiting) this.#watch()
  }

  /** The time is up. True: nothing has left since it began; else it begins again. */
  isStalled(): boolean {
    if (this.#framesSent === this.#framesBefore) return true
    this.#watch()
    return false
  }

  #watch(): void {
    this.#framesBefore = this.#framesSent
    this.#deadlines.start('stall', this.#timeoutMs)
  }
}
