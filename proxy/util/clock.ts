/** Monotonic time, injected so that no test waits. */
export interface Clock {
  /** Milliseconds since an arbitrary start; never goes back. */
  now(): number
}

/** The process' own clock. */
export const monotonicClock: Clock = { now: () => performance.now() }

/**
 * A clock that looks at another one once in each turn of the event loop: a request asks for the time ten times, and the answers differ by microseconds.
 * What it says is forgotten before the loop waits again, so it is as old as the callbacks of one round at most, never as old as a wait.
 */
export class TurnClock implements Clock {
  readonly #clock: Clock
  readonly #atEndOfTurn: (callback: () => void) => void
  #ms = 0
  #isKnown = false
  readonly #forget = (): void => {
    this.#isKnown = false
  }

  /** @param atEndOfTurn calls back before the event loop waits the next time. */
  constructor(clock: Clock = monotonicClock, atEndOfTurn: (callback: () => void) => void = setImmediate) {
    this.#clock = clock
    this.#atEndOfTurn = atEndOfTurn
  }

  now(): number {
    if (this.#isKnown) return this.#ms
    this.#isKnown = true
    this.#atEndOfTurn(this.#forget)
    this.#ms = this.#clock.now()
    return this.#ms
  }
}

/** Wall-clock time, for what is shown to people and stored: milliseconds since 1970. Never for measuring. */
export const wallClock: Clock = { now: () => Date.now() }
