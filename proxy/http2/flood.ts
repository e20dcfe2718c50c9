import type { Clock } from '../util/clock.ts'
import type { CounterName } from '../util/counters.ts'
import type { Http2Limits } from './limits.ts'

/** What a peer can do for next to nothing and we have to work for. */
export const FLOOD = { RESET: 0, SETTINGS: 1, PING: 2, WINDOW_UPDATE: 3, EMPTY_FRAME: 4, TINY_FRAME: 5, PRIORITY: 6 } as const

export type FloodKind = (typeof FLOOD)[keyof typeof FLOOD]

interface Kind {
  readonly name: string
  readonly limit: keyof Http2Limits
  readonly counter: CounterName
}

/** By kind. */
const KINDS: readonly Kind[] = [
  { name: 'reset streams', limit: 'maxResetFlood', counter: 'http2_reset_flood' },
  { name: 'SETTINGS frames', limit: 'maxSettingsFlood', counter: 'http2_settings_flood' },
  { name: 'PING frames', limit: 'maxPingFlood', counter: 'http2_ping_flood' },
  { name: 'WINDOW_UPDATE frames', limit: 'maxWindowUpdateFlood', counter: 'http2_window_update_flood' },
  { name: 'empty DATA frames', limit: 'maxEmptyFrameFlood', counter: 'http2_empty_frame_flood' },
  { name: 'tiny DATA frames', limit: 'maxTinyFrameFlood', counter: 'http2_tiny_frame_flood' },
  { name: 'PRIORITY or unknown frames', limit: 'maxPriorityFlood', counter: 'http2_priority_flood' },
]

/** Shares of an allowance that come back in each second. */
const REFILL_PER_SECOND = 0.1

/** The allowances of one connection: a token bucket for each kind. */
export class FloodGate {
  readonly #limits: Http2Limits
  readonly #clock: Clock
  readonly #used = new Float64Array(KINDS.length)
  #lookedAt: number

  constructor(limits: Http2Limits, clock: Clock) {
    this.#limits = limits
    this.#clock = clock
    this.#lookedAt = clock.now()
  }

  /** Counts one. False: it is one too many. */
  take(kind: FloodKind): boolean {
    const used = (this.#used[kind] as number) + 1
    this.#used[kind] = used
    const allowed = this.#limits[(KINDS[kind] as Kind).limit]
    if (used <= allowed) return true
    this.#refill()
    return (this.#used[kind] as number) <= allowed
  }

  /** Our own doing has earned the peer `count` more. */
  earn(kind: FloodKind, count: number): void {
    this.#used[kind] = Math.max((this.#used[kind] as number) - count, 0)
  }

  /** Looked at only by who is about to be over: a peer that behaves never asks for the time. */
  #refill(): void {
    const now = this.#clock.now()
    const seconds = (now - this.#lookedAt) / 1000
    this.#lookedAt = now
    for (let kind = 0; kind < KINDS.length; kind++) {
      const back = seconds * REFILL_PER_SECOND * this.#limits[(KINDS[kind] as Kind).limit]
      this.#used[kind] = Math.max((this.#used[kind] as number) - back, 0)
    }
  }
}

/** For the log: what there was too much of. */
export function floodName(kind: FloodKind): string {
  return (KINDS[kind] as Kind).name
}

export function floodCounter(kind: FloodKind): CounterName {
  return (KINDS[kind] as Kind).counter
}
