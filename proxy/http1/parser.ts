import type { ErrorCode } from '../errors.ts'
import { acceptsTrailers, type ConnectionOptions, readConnectionOptions } from './connection-options.ts'
import type { Limits } from './limits.ts'
import { ID, nameId } from './names.ts'
import { HOST, spells, TARGET, TOKEN, VALUE } from './tokens.ts'

/** Integers that describe one field line: start of the name, end of the name, start and end of the value, id (names.ts). Offsets count from the head's first octet. */
export const LINE_INTS = 5

/** Why a head is refused. */
export interface Fault {
  readonly code: ErrorCode
  /** What is wrong, without the octets themselves. */
  readonly reason: string
}

/** Longest method; the registry's longest is 17. */
const MAX_METHOD = 32
const MAX_REASON_PHRASE = 1024
/** Empty lines that are skipped before a request line (RFC 9112 section 2.2): some old clients end a body with one. */
const MAX_EMPTY_LINES = 2

/** `parse` needs more octets. */
export const INCOMPLETE = 0
/** `fault` says why. */
export const REFUSED = -1

/**
 * Reads one head, strictly and incrementally (RFC 9112 sections 2 to 5): the same octets give the same result however they are cut.
 * It makes no strings; it notes where each field line is. What other parsers repair (bare LF, obs-fold, a space before the colon) is refused.
 */
export class HeadParser implements ConnectionOptions {
  readonly #isRequest: boolean
  #limits: Limits
  /** LINE_INTS for each line, from `first`. */
  lines: Int32Array
  first = 0
  count = 0
  /** Next octet to look at, from the head's start. */
  #position = 0
  #hasStartLine = false
  fault: Fault | null = null
  /** Octets of the head, the empty line included; 0 until it is complete. */
  length = 0
  methodStart = 0
  methodEnd = 0
  targetStart = 0
  targetEnd = 0
  /** Where the first field line begins. */
  fieldsStart = 0
  /** 0: HTTP/1.0. */
  minor = 1
  status = 0
  /** Where the status code begins. */
  statusStart = 0
  isClose = false
  isKeepAlive = false
  hasUpgradeOption = false
  expectsContinue = false
  isTrailersAccepted = false
  contentLengthCount = 0
  transferEncodingCount = 0
  /** Index of the line; -1: none. The last one, where there are several. */
  hostLine = -1
  contentLengthLine = -1
  upgradeLine = -1
  upgradeCount = 0
  keepAliveLine = -1
  /** Fields that Connection names, in lower case. */
  nominated: string[] | null = null

  constructor(kind: 'request' | 'response', limits: Limits) {
    this.#isRequest = kind === 'request'
    this.#limits = limits
    this.lines = new Int32Array(0)
  }

  /** Prepares for the next head. `lines` takes its index from `first` on and has room for `limits.maxFields` lines. */
  reset(limits: Limits, lines: Int32Array, first: number): void {
    this.#limits = limits
    this.lines = lines
    this.first = first
    this.count = 0
    this.#position = 0
    this.#hasStartLine = false
    this.fault = null
    this.length = 0
    this.minor = 1
    this.status = 0
    this.isClose = this.isKeepAlive = this.hasUpgradeOption = this.expectsContinue = this.isTrailersAccepted = false
    this.contentLengthCount = this.transferEncodingCount = this.upgradeCount = 0
    this.hostLine = this.contentLengthLine = this.upgradeLine = this.keepAliveLine = -1
    this.nominated = null
  }

  /**
   * Goes on with the head that begins at `octets[start]`. The length of the head when it is complete, INCOMPLETE, or REFUSED.
   * Called again with more octets, the ones before must be the same; `start` may differ.
   */
  parse(octets: Uint8Array, start: number, received: number): number {
    // What lies beyond the limit is not looked at: a fault there must not hide that the head is too large.
    const end = Math.min(received, start + this.#limits.maxHeadBytes)
    if (!this.#hasStartLine) {
      const result = this.#isRequest ? this.#requestLine(octets, start, end) : this.#statusLine(octets, start, end)
      if (result !== 1) return result === INCOMPLETE ? this.#incomplete(start, end) : result
      this.#hasStartLine = true
    }
    return this.#fieldLines(octets, start, end)
  }

  #refuse(reason: string, code: ErrorCode = 'DOWNSTREAM_PROTOCOL'): number {
    this.fault = { code: this.#isRequest ? code : 'UPSTREAM_PROTOCOL', reason }
    return REFUSED
  }

  #incomplete(start: number, end: number): number {
    if (end - start < this.#limits.maxHeadBytes) return INCOMPLETE
    return this.#refuse(`a head of more than ${this.#limits.maxHeadBytes} octets`, 'DOWNSTREAM_HEAD_TOO_LARGE')
  }

  /** 1: complete. */
  // biome-ignore lint/complexity/noExcessiveCognitiveComplexity: one pass over the line, in the order of its parts
  #requestLine(octets: Uint8Array, start: number, end: number): number {
    let p = start
    while (p + 1 < end && octets[p] === 13 && octets[p + 1] === 10 && p - start < 2 * MAX_EMPTY_LINES) p += 2
    if (p + 1 === end && octets[p] === 13 && p - start < 2 * MAX_EMPTY_LINES) return INCOMPLETE
    this.methodStart = p - start
    const method = p
    while (p < end && TOKEN[octets[p] as number] !== 0) p++
    if (p - method > MAX_METHOD) return this.#refuse('a method of more than 32 octets')
    if (p === end) return INCOMPLETE
    if (octets[p] !== 32 || p === method) return this.#refuse('a malformed method')
    this.methodEnd = p - start
    const target = ++p
    while (p < end && TARGET[octets[p] as number] !== 0) p++
    if (p - target > this.#limits.maxTargetBytes) {
      return this.#refuse(`a target of more than ${this.#limits.maxTargetBytes} octets`, 'DOWNSTREAM_TARGET_TOO_LONG')
    }
    if (p === end) return INCOMPLETE
    if (octets[p] !== 32 || p === target) return this.#refuse('a malformed request target')
    this.targetStart = target - start
    this.targetEnd = p - start
    return this.#version(octets, start, p + 1, end)
  }

  /** `HTTP/1.1 CRLF`. Octet by octet, so that a wrong one is refused as soon as it is there, however the octets are cut. */
  #version(octets: Uint8Array, start: number, p: number, end: number): number {
    for (let i = 0; i < 5; i++) {
      if (p + i === end) return INCOMPLETE
      if (octets[p + i] !== 'HTTP/'.charCodeAt(i)) return this.#refuse('a malformed protocol version')
    }
    if (p + 10 > end) return INCOMPLETE
    const major = (octets[p + 5] as number) - 48
    const minor = (octets[p + 7] as number) - 48
    const isVersion = major >= 0 && major <= 9 && octets[p + 6] === 46 && minor >= 0 && minor <= 9
    if (!isVersion || octets[p + 8] !== 13 || octets[p + 9] !== 10) return this.#refuse('a malformed protocol version')
    if (major !== 1 || minor > 1) return this.#refuse(`HTTP/${major}.${minor}`, 'VERSION_NOT_SUPPORTED')
    this.minor = minor
    this.fieldsStart = this.#position = p + 10 - start
    return 1
  }

  /** 1: complete. The reason phrase, and the space before it, may be missing. */
  // biome-ignore lint/complexity/noExcessiveCognitiveComplexity: one pass over the line, in the order of its parts
  #statusLine(octets: Uint8Array, start: number, end: number): number {
    const p = start
    for (let i = 0; i < 7; i++) {
      if (p + i === end) return INCOMPLETE
      if (octets[p + i] !== 'HTTP/1.'.charCodeAt(i)) return this.#refuse('no HTTP/1 status line')
    }
    if (p + 13 > end) return INCOMPLETE
    const minor = (octets[p + 7] as number) - 48
    if (minor !== 0 && minor !== 1) return this.#refuse('a protocol version other than 1.0 and 1.1')
    const hundreds = (octets[p + 9] as number) - 48
    const tens = (octets[p + 10] as number) - 48
    const ones = (octets[p + 11] as number) - 48
    const isStatus = octets[p + 8] === 32 && hundreds >= 1 && hundreds <= 9 && tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9
    if (!isStatus || (octets[p + 12] !== 32 && octets[p + 12] !== 13)) return this.#refuse('a malformed status')
    let q = p + 12
    while (q < end && VALUE[octets[q] as number] !== 0) q++
    if (q - p > MAX_REASON_PHRASE) return this.#refuse('a reason phrase of more than 1 KiB')
    if (q === end) return INCOMPLETE
    if (octets[q] !== 13) return this.#refuse('a malformed reason phrase')
    if (q + 1 === end) return INCOMPLETE
    if (octets[q + 1] !== 10) return this.#refuse('a malformed reason phrase')
    this.minor = minor
    this.status = hundreds * 100 + tens * 10 + ones
    this.statusStart = 9
    this.fieldsStart = this.#position = q + 2 - start
    return 1
  }

  // biome-ignore lint/complexity/noExcessiveCognitiveComplexity: the hottest loop of the sidecar, one pass over the octets
  #fieldLines(octets: Uint8Array, start: number, end: number): number {
    const lines = this.lines
    let p = start + this.#position
    while (p < end) {
      if (octets[p] === 13) {
        if (p + 1 === end) break
        if (octets[p + 1] !== 10) return this.#refuse('a bare CR')
        return this.#complete(octets as Buffer, start, p + 2 - start)
      }
      let q = p
      while (q < end && TOKEN[octets[q] as number] !== 0) q++
      if (q === end) break
      // Here end obs-fold, a space before the colon, an empty name and a bare LF.
      if (octets[q] !== 58 || q === p) return this.#refuse('a malformed field name')
      let v = q + 1
      while (v < end && (octets[v] === 32 || octets[v] === 9)) v++
      let e = v
      while (e < end && VALUE[octets[e] as number] !== 0) e++
      if (e === end) break
      if (octets[e] !== 13) return this.#refuse('a control octet in a field value')
      if (e + 1 === end) break
      if (octets[e + 1] !== 10) return this.#refuse('a bare CR')
      const next = e + 2
      while (e > v && (octets[e - 1] === 32 || octets[e - 1] === 9)) e--
      if (this.count === this.#limits.maxFields)
        return this.#refuse(`more than ${this.#limits.maxFields} field lines`, 'DOWNSTREAM_HEAD_TOO_LARGE')
      const id = nameId(octets, p, q)
      const at = this.first + this.count * LINE_INTS
      lines[at] = p - start
      lines[at + 1] = q - start
      lines[at + 2] = v - start
      lines[at + 3] = e - start
      lines[at + 4] = id
      if (id !== ID.OTHER && !this.#known(octets, id, v, e)) return REFUSED
      this.count++
      p = next
      this.#position = p - start
    }
    return this.#incomplete(start, end)
  }

  /** Notes a line that the codec reads. False: refused. */
  #known(octets: Uint8Array, id: number, start: number, end: number): boolean {
    switch (id) {
      case ID.HOST:
        return this.#host(octets, start, end)
      case ID.CONNECTION:
        return readConnectionOptions(octets, start, end, this) || this.#refuse('a malformed Connection') !== REFUSED
      case ID.CONTENT_LENGTH:
        this.contentLengthCount++
        this.contentLengthLine = this.count
        return true
      case ID.TRANSFER_ENCODING:
        this.transferEncodingCount++
        return true
      case ID.UPGRADE:
        this.upgradeCount++
        this.upgradeLine = this.count
        return true
      case ID.KEEP_ALIVE:
        this.keepAliveLine = this.count
        return true
      case ID.TE:
        this.isTrailersAccepted ||= acceptsTrailers(octets as Buffer, start, end)
        return true
      case ID.EXPECT:
        return this.#expect(octets, start, end)
      default:
        return true
    }
  }

  /** One Host, of host characters only (RFC 9112 section 3.2): a second one, or one that holds more than a host, reaches another place elsewhere. */
  #host(octets: Uint8Array, start: number, end: number): boolean {
    if (!this.#isRequest) return true
    if (this.hostLine !== -1) return this.#refuse('more than one Host') !== REFUSED
    this.hostLine = this.count
    for (let i = start; i < end; i++) if (HOST[octets[i] as number] === 0) return this.#refuse('a malformed Host') !== REFUSED
    return true
  }

  /** RFC 9110 section 10.1.1: there is one expectation. */
  #expect(octets: Uint8Array, start: number, end: number): boolean {
    if (!this.#isRequest) return true
    if (!spells(octets, start, end, '100-continue'))
      return this.#refuse('an expectation other than 100-continue', 'EXPECTATION_FAILED') !== REFUSED
    this.expectsContinue = true
    return true
  }

  #complete(octets: Buffer, start: number, length: number): number {
    this.length = length
    if (this.nominated !== null) this.#hideNominated(octets, start, this.nominated)
    return length
  }

  /** RFC 9110 section 7.6.1: what Connection names belongs to this hop. */
  #hideNominated(octets: Buffer, start: number, names: readonly string[]): void {
    for (let i = 0; i < this.count; i++) {
      const at = this.first + i * LINE_INTS
      const nameStart = start + (this.lines[at] as number)
      const nameEnd = start + (this.lines[at + 1] as number)
      if (this.lines[at + 4] === ID.OTHER && names.some(name => spells(octets, nameStart, nameEnd, name))) this.lines[at + 4] = ID.NOMINATED
    }
  }
}
