import type { Clock } from '../util/clock.ts'

/** The wall clock is known to a millisecond, so a second look may be that much behind without anything having happened. */
const RESOLUTION_MS = 1

/**
 * Turns monotonic times into wall-clock times, finer than the wall clock shows: spans of several processes are put in order by microseconds.
 * The wall clock cuts its fractions off, so of many looks the one furthest ahead is the right one; one that is further behind means that it was set.
 */
export class WallTime {
  readonly #monotonic: Clock
  readonly #wall: Clock
  #offset: number

  constructor(monotonic: Clock, wall: Clock) {
    this.#monotonic = monotonic
    this.#wall = wall
    this.#offset = wall.now() - monotonic.now()
  }

  /** What lies between the two clocks now, ms. A span takes it once, so that its length is right even if the wall clock is set meanwhile. */
  offset(): number {
    const seen = this.#wall.now() - this.#monotonic.now()
    if (seen > this.#offset || seen < this.#offset - RESOLUTION_MS) this.#offset = seen
    return this.#offset
  }
}
