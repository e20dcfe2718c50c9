/** Closed streams that a connection remembers: more than are in flight in a round trip of a busy one. */
const REMEMBERED = 256

/** How a stream ended: decides what a frame that comes after it means (RFC 9113 section 5.1). */
export const CLOSURE = {
  /** No stream of that id was ever closed. */
  NEVER: 0,
  /** Both sides have sent END_STREAM. */
  ENDED: 1,
  /** The peer has reset it. */
  RESET_BY_PEER: 2,
  /** We have reset it: what is on its way here is lawful, and ignored. */
  RESET_BY_US: 3,
} as const

export type Closure = (typeof CLOSURE)[keyof typeof CLOSURE]

/** The streams that a connection has closed last. */
export class ClosedStreams {
  #ids: Int32Array | null = null
  readonly #closures = new Uint8Array(REMEMBERED)
  #count = 0
  /** Largest id that was forgotten. */
  #forgotten = 0

  add(id: number, closure: Closure): void {
    this.#ids ??= new Int32Array(REMEMBERED)
    const place = this.#count++ & (REMEMBERED - 1)
    const old = this.#ids[place] as number
    if (old > this.#forgotten) this.#forgotten = old
    this.#ids[place] = id
    this.#closures[place] = closure
  }

  /** Those that were forgotten are taken for reset by us, which is the kindest. Only for a frame that should not have come: it looks through all. */
  find(id: number): Closure {
    const ids = this.#ids
    if (ids === null) return CLOSURE.NEVER
    const place = ids.indexOf(id)
    if (place !== -1) return this.#closures[place] as Closure
    return id <= this.#forgotten ? CLOSURE.RESET_BY_US : CLOSURE.NEVER
  }
}
