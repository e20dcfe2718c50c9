import type { Clock } from '../../proxy/util/clock.ts'
import type { LimitCounters } from '../xds/counters.ts'
import { getPage, isServedBelow, isTimeout } from './base-path.ts'
import type { ApiLimits } from './limits.ts'
import { ProblemError } from './problem.ts'

/** What a relay leads to. */
export interface RelayTarget {
  /** Without a path. */
  readonly url: URL
  /** Path that the target must serve below, with a slash at both ends; it is kept. */
  readonly prefix: string
  /** What the caller reads when nothing answers. */
  unreachable(error: Error): string
  /** What the caller reads when the target answers, but not below the prefix. */
  readonly elsewhere: string
}

/** Knows whether a target serves below its prefix, from its page. One look serves all who come while it holds. */
export class PrefixLook {
  readonly #target: RelayTarget
  readonly #limits: ApiLimits
  readonly #counters: LimitCounters
  readonly #clock: Clock
  #look: Promise<ProblemError | null> | null = null
  #lookedAt = 0

  constructor(target: RelayTarget, limits: ApiLimits, counters: LimitCounters, clock: Clock) {
    this.#target = target
    this.#limits = limits
    this.#counters = counters
    this.#clock = clock
  }

  /** Null when the target is as it must be, else what the caller reads. */
  problem(): Promise<ProblemError | null> {
    const now = this.#clock.now()
    if (this.#look === null || now - this.#lookedAt > this.#limits.relayPageAgeMs) {
      this.#lookedAt = now
      const look: Promise<ProblemError | null> = this.#ask().then(problem => {
        // A fault is looked for again by the next request: whoever has mended it will not wait.
        if (problem !== null && this.#look === look) this.#look = null
        return problem
      })
      this.#look = look
    }
    return this.#look
  }

  /** Looks anew the next time. */
  forget(): void {
    this.#look = null
  }

  async #ask(): Promise<ProblemError | null> {
    const { url, prefix, elsewhere } = this.#target
    const at = new URL(prefix, url)
    try {
      const page = await getPage(at, { ms: this.#limits.relayPageMs, bytes: this.#limits.relayPageBytes })
      return isServedBelow(at, page) ? null : new ProblemError(502, elsewhere)
    } catch (error) {
      if (isTimeout(error as Error)) {
        this.#counters.reached('api_relay_deadline')
        return new ProblemError(504, `${url.origin} did not answer ${prefix} within ${this.#limits.relayPageMs} ms`)
      }
      return new ProblemError(502, this.#target.unreachable(error as Error))
    }
  }
}
