/** Monotonic time, injected so that no test waits. */
export interface Clock {
  /** Milliseconds since an arbitrary start; never goes back. */
  now(): number
}

/** The process' own clock. */
export const monotonicClock: Clock = { now: () => performance.now() }

/** Wall-clock time, for what is shown to people and stored: milliseconds since 1970. Never for measuring. */
export const wallClock: Clock = { now: () => Date.now() }
