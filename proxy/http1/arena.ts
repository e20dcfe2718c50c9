import { LINE_INTS } from './parser.ts'

/** Octets of a slab: about a hundred usual heads. A head that is kept for long keeps its slab, so it is no larger. */
const SLAB_OCTETS = 16_384
const SLAB_INTS = 8_192

/**
 * Where heads live once their read buffer is used again. Heads are laid one behind the other into slabs, because a buffer object for each costs
 * more than copying its octets; the collector frees a slab with its last head.
 */
class HeadArena {
  octets: Buffer = Buffer.allocUnsafeSlow(SLAB_OCTETS)
  #octetsEnd = 0
  lines = new Int32Array(SLAB_INTS)
  /** Where the next index goes. */
  linesEnd = 0

  /** Copies `octets[start..end)`. Returns where they are in `this.octets`. */
  place(octets: Buffer, start: number, end: number): number {
    const length = end - start
    if (length > SLAB_OCTETS / 2) {
      // Its own slab; the next head begins a new one.
      this.octets = Buffer.allocUnsafeSlow(length)
      this.#octetsEnd = length
      octets.copy(this.octets, 0, start, end)
      return 0
    }
    if (this.#octetsEnd + length > this.octets.length) {
      this.octets = Buffer.allocUnsafeSlow(SLAB_OCTETS)
      this.#octetsEnd = 0
    }
    const at = this.#octetsEnd
    octets.copy(this.octets, at, start, end)
    this.#octetsEnd = at + length
    return at
  }

  /** Makes sure that an index of `maxFields` lines fits at `linesEnd`. */
  reserveLines(maxFields: number): void {
    if (this.linesEnd + maxFields * LINE_INTS <= this.lines.length) return
    this.lines = new Int32Array(Math.max(SLAB_INTS, maxFields * LINE_INTS))
    this.linesEnd = 0
  }

  /** Keeps the index of `count` lines that was written at `linesEnd`. */
  keepLines(count: number): void {
    this.linesEnd += count * LINE_INTS
  }
}

/** The arena of this thread. */
export const arena = new HeadArena()
