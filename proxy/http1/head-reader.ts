import { arena } from './arena.ts'
import { DEFAULT_LIMITS, type Limits } from './limits.ts'
import { HeadParser, INCOMPLETE, LINE_INTS } from './parser.ts'
import { Stash } from './stash.ts'

const SHARED = { request: new HeadParser('request', DEFAULT_LIMITS), response: new HeadParser('response', DEFAULT_LIMITS) }

/** Reads the heads of one connection. A head that comes whole needs nothing of its own; one that comes in parts gets a parser and a stash. */
export class HeadReader {
  /** Octets that can't be used yet: a part of a head, or what follows on a message that is not done. */
  readonly stash = new Stash()
  readonly #kind: 'request' | 'response'
  readonly #limits: Limits
  #own: HeadParser | null = null
  /** Who read the last head. Its facts are valid until the next `read` of any connection. */
  parser: HeadParser

  constructor(kind: 'request' | 'response', limits: Limits) {
    this.#kind = kind
    this.#limits = limits
    this.parser = SHARED[kind]
  }

  /** A part of a head has come. */
  get isPartial(): boolean {
    return this.#own !== null
  }

  /** As HeadParser.parse. On INCOMPLETE the octets have been stashed. */
  read(octets: Buffer, start: number, end: number): number {
    let parser = this.#own
    if (parser === null) {
      parser = SHARED[this.#kind]
      arena.reserveLines(this.#limits.maxFields)
      parser.reset(this.#limits, arena.lines, arena.linesEnd)
    }
    this.parser = parser
    const length = parser.parse(octets, start, end)
    if (length !== INCOMPLETE) {
      this.#own = null
      return length
    }
    this.stash.append(octets, start, end)
    if (this.#own === null) {
      this.#own = new HeadParser(this.#kind, this.#limits)
      this.#own.reset(this.#limits, new Int32Array(this.#limits.maxFields * LINE_INTS), 0)
    }
    return length
  }
}
