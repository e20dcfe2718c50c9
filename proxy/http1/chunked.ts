import { FieldList, type Fields } from '../http/fields.ts'
import type { Limits } from './limits.ts'
import { isTrailerAllowed } from './names.ts'
import { HEX, TOKEN, VALUE } from './tokens.ts'

/** 12 hexadecimal digits: exact in a double, and no chunk is 256 TiB. */
const MAX_SIZE_DIGITS = 12

const SIZE = 0
const EXTENSION = 1
const SIZE_LF = 2
const DATA = 3
const DATA_CR = 4
const DATA_LF = 5
const TRAILER_START = 6
const TRAILER_NAME = 7
const TRAILER_VALUE = 8
const TRAILER_LF = 9
const LAST_LF = 10
const DONE = 11
const FAILED = 12

/**
 * Takes the chunked coding off (RFC 9112 section 7.1), incrementally and strictly: a line ends with CRLF alone, a size has 1 to 12 digits, no space.
 * Extensions are skipped up to a limit. Trailers are kept as text: they are rare.
 */
export class ChunkedDecoder {
  readonly #limits: Limits
  #state = SIZE
  /** Octets of the chunk that are still to come. */
  #left = 0
  #digits = 0
  #lineBytes = 0
  #trailerBytes = 0
  #trailer = ''
  #trailers: FieldList | null = null
  /** Where the data of the last `run` is: starts and ends by turns. */
  readonly runs: number[] = []
  /** What is wrong; null: nothing. */
  fault: string | null = null

  constructor(limits: Limits) {
    this.#limits = limits
  }

  get isDone(): boolean {
    return this.#state === DONE
  }

  /** After `isDone`; null when there were none. */
  get trailers(): Fields | null {
    return this.#trailers
  }

  /** Reads `octets[start..end)`, notes where the data is in `runs`. Where the message's octets end; -1 when they are malformed (`fault`). */
  // biome-ignore lint/complexity/noExcessiveCognitiveComplexity: one state machine, one switch
  run(octets: Buffer, start: number, end: number): number {
    const runs = this.runs
    runs.length = 0
    let state = this.#state
    let p = start
    while (p < end) {
      if (state === DATA) {
        const count = Math.min(this.#left, end - p)
        runs.push(p, p + count)
        this.#left -= count
        p += count
        if (this.#left === 0) state = DATA_CR
        continue
      }
      const octet = octets[p++] as number
      switch (state) {
        case SIZE: {
          const digit = HEX[octet] as number
          if (digit !== 255) {
            if (++this.#digits > MAX_SIZE_DIGITS) return this.#fail('a chunk size of more than 12 digits')
            this.#left = this.#left * 16 + digit
          } else if (this.#digits === 0) return this.#fail('a malformed chunk size')
          else if (octet === 13) state = SIZE_LF
          else if (octet === 59) {
            state = EXTENSION
            this.#lineBytes = 0
          } else return this.#fail('a malformed chunk size')
          break
        }
        case EXTENSION:
          if (octet === 13) state = SIZE_LF
          else if (VALUE[octet] === 0) return this.#fail('a control octet in a chunk extension')
          else if (++this.#lineBytes > this.#limits.maxChunkExtensionBytes) return this.#fail('a chunk extension that is too long')
          break
        case SIZE_LF:
          if (octet !== 10) return this.#fail('a bare CR behind a chunk size')
          this.#digits = 0
          state = this.#left === 0 ? TRAILER_START : DATA
          break
        case DATA_CR:
          if (octet !== 13) return this.#fail('a chunk longer than its size')
          state = DATA_LF
          break
        case DATA_LF:
          if (octet !== 10) return this.#fail('a chunk longer than its size')
          state = SIZE
          break
        case TRAILER_START:
          if (octet === 13) {
            state = LAST_LF
            break
          }
          if (TOKEN[octet] === 0) return this.#fail('a malformed trailer')
          this.#trailer = String.fromCharCode(octet)
          state = TRAILER_NAME
          if (++this.#trailerBytes > this.#limits.maxTrailerBytes) return this.#fail('trailers that are too long')
          break
        case TRAILER_NAME:
          if (octet === 58) state = TRAILER_VALUE
          else if (TOKEN[octet] === 0) return this.#fail('a malformed trailer name')
          this.#trailer += String.fromCharCode(octet)
          if (++this.#trailerBytes > this.#limits.maxTrailerBytes) return this.#fail('trailers that are too long')
          break
        case TRAILER_VALUE:
          if (octet === 13) {
            state = TRAILER_LF
            break
          }
          if (VALUE[octet] === 0) return this.#fail('a control octet in a trailer')
          this.#trailer += String.fromCharCode(octet)
          if (++this.#trailerBytes > this.#limits.maxTrailerBytes) return this.#fail('trailers that are too long')
          break
        case TRAILER_LF:
          if (octet !== 10) return this.#fail('a bare CR in a trailer')
          this.#keepTrailer()
          state = TRAILER_START
          break
        case LAST_LF:
          if (octet !== 10) return this.#fail('a bare CR behind the trailers')
          this.#state = DONE
          return p
        default:
          return this.#fail(this.fault ?? 'octets behind the last chunk')
      }
    }
    this.#state = state
    return p
  }

  #keepTrailer(): void {
    const colon = this.#trailer.indexOf(':')
    const name = this.#trailer.slice(0, colon).toLowerCase()
    if (!isTrailerAllowed(name)) return
    this.#trailers ??= new FieldList()
    this.#trailers.append(name, this.#trailer.slice(colon + 1).replace(/^[ \t]+|[ \t]+$/g, ''))
  }

  #fail(fault: string): number {
    this.fault = fault
    this.#state = FAILED
    return -1
  }
}
