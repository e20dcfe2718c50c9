import type { Defer } from './cache.ts'

/** A connected proxy, as far as a departure is concerned. */
export interface Caller {
  readonly node: string
  isCallerOf(clusters: readonly string[]): boolean
  /** Serial of the newest endpoints that it is known to have. */
  readonly endpointSerial: number
}

/** How far the news has come. */
export interface Progress {
  readonly callers: number
  readonly callersThatKnow: number
  readonly isKnownToAll: boolean
}

interface Departure {
  readonly node: string
  readonly clusters: readonly string[]
  readonly serial: number
  readonly report: (progress: Progress) => void
  last: Progress | null
}

/**
 * Counts, for each endpoint that leaves, which of its callers have acknowledged its removal. A caller that disconnects no longer counts: it gets no
 * news, and keeps no new connections.
 */
export class Departures {
  readonly #open = new Set<Departure>()
  readonly #callers: () => Iterable<Caller>
  readonly #defer: Defer
  #isScheduled = false

  constructor(callers: () => Iterable<Caller>, defer: Defer) {
    this.#callers = callers
    this.#defer = defer
  }

  /**
   * Reports at once, at each change, and for the last time when all know.
   * @param clusters those that the endpoint was in. @param serial of the state without it. @returns the way to stop.
   */
  begin(node: string, clusters: readonly string[], serial: number, report: (progress: Progress) => void): () => void {
    const departure: Departure = { node, clusters, serial, report, last: null }
    this.#open.add(departure)
    this.#look(departure)
    return () => this.#open.delete(departure)
  }

  /** Something was acknowledged, or a stream came or went. Many calls of one turn make one look. */
  check(): void {
    if (this.#open.size === 0 || this.#isScheduled) return
    this.#isScheduled = true
    this.#defer(() => {
      this.#isScheduled = false
      for (const departure of [...this.#open]) this.#look(departure)
    })
  }

  #look(departure: Departure): void {
    let callers = 0
    let callersThatKnow = 0
    for (const caller of this.#callers()) {
      if (caller.node === departure.node || !caller.isCallerOf(departure.clusters)) continue
      callers++
      if (caller.endpointSerial >= departure.serial) callersThatKnow++
    }
    const { last } = departure
    if (last !== null && last.callers === callers && last.callersThatKnow === callersThatKnow) return
    departure.last = { callers, callersThatKnow, isKnownToAll: callers === callersThatKnow }
    if (departure.last.isKnownToAll) this.#open.delete(departure)
    departure.report(departure.last)
  }
}
