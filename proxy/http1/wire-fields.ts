import type { Fields } from '../http/fields.ts'
import { latin1 } from '../util/latin1.ts'
import { ID, isHidden, isHopByHop } from './names.ts'
import type { Output } from './output.ts'
import { copyOctets, writeFieldLine } from './output.ts'
import { LINE_INTS } from './parser.ts'
import { TOKEN } from './tokens.ts'

/** What a head's fields are read from. */
export interface WireHead {
  readonly octets: Buffer
  /** Where the head begins in `octets`. */
  readonly start: number
  readonly length: number
  /** Index of the lines (parser.ts), from `first`. */
  readonly lines: Int32Array
  readonly first: number
  readonly count: number
  /** Offset of the first field line. */
  readonly fieldsStart: number
  /** Host as received; empty where there is none. */
  readonly host: string
  /** Content-Length as received; -1: none. */
  readonly contentLength: number
  /** Of a response; 0: a request. */
  readonly status: number
}

/**
 * Field lines as they came, with changes laid over them. A writer of HTTP/1.1 copies the octets of all lines that nobody changed, case of the names
 * included; strings are made for what is asked for.
 */
export class WireFields implements Fields {
  readonly wire: WireHead
  /** Indices of lines that were deleted or replaced. */
  #dropped: number[] | null = null
  /** Names and values by turns. */
  #added: string[] | null = null

  constructor(wire: WireHead) {
    this.wire = wire
  }

  get(name: string): string | null {
    const line = this.#find(name, 0)
    if (line !== -1) return this.#value(line)
    const added = this.#added
    if (added !== null) for (let i = 0; i < added.length; i += 2) if (added[i] === name) return added[i + 1] as string
    return null
  }

  joined(name: string): string | null {
    let all: string | null = null
    for (let line = this.#find(name, 0); line !== -1; line = this.#find(name, line + 1)) {
      all = all === null ? this.#value(line) : `${all}, ${this.#value(line)}`
    }
    const added = this.#added
    if (added === null) return all
    for (let i = 0; i < added.length; i += 2)
      if (added[i] === name) all = all === null ? (added[i + 1] as string) : `${all}, ${added[i + 1]}`
    return all
  }

  has(name: string): boolean {
    if (this.#find(name, 0) !== -1) return true
    const added = this.#added
    if (added !== null) for (let i = 0; i < added.length; i += 2) if (added[i] === name) return true
    return false
  }

  set(name: string, value: string): void {
    this.delete(name)
    this.append(name, value)
  }

  append(name: string, value: string): void {
    if (this.#added === null) this.#added = [name, value]
    else this.#added.push(name, value)
  }

  delete(name: string): void {
    for (let line = this.#find(name, 0); line !== -1; line = this.#find(name, line + 1)) this.#drop(line)
    const added = this.#added
    if (added === null) return
    for (let i = added.length - 2; i >= 0; i -= 2) if (added[i] === name) added.splice(i, 2)
  }

  forEach(visit: (name: string, value: string) => void): void {
    const { octets, start, lines, first, count } = this.wire
    for (let i = 0; i < count; i++) {
      const at = first + i * LINE_INTS
      if (isHidden(lines[at + 4] as number) || this.#isDropped(i)) continue
      visit(latin1(octets, start + (lines[at] as number), start + (lines[at + 1] as number)).toLowerCase(), this.#value(i))
    }
    const added = this.#added
    if (added !== null) for (let i = 0; i < added.length; i += 2) visit(added[i] as string, added[i + 1] as string)
  }

  get listSize(): number {
    const { lines, first, count } = this.wire
    let size = 0
    for (let i = 0; i < count; i++) {
      const at = first + i * LINE_INTS
      if (isHidden(lines[at + 4] as number) || this.#isDropped(i)) continue
      size += (lines[at + 1] as number) - (lines[at] as number) + (lines[at + 3] as number) - (lines[at + 2] as number) + 32
    }
    const added = this.#added
    if (added !== null) for (let i = 0; i < added.length; i += 2) size += (added[i] as string).length + (added[i + 1] as string).length + 32
    return size
  }

  copy(): WireFields {
    const copy = new WireFields(this.wire)
    if (this.#dropped !== null) copy.#dropped = this.#dropped.slice()
    if (this.#added !== null) copy.#added = this.#added.slice()
    return copy
  }

  /** Content-Length as received, unless it was dropped: then, and where there is none, -1. */
  get contentLength(): number {
    if (this.#dropped === null || this.wire.contentLength === -1) return this.wire.contentLength
    return this.#find('content-length', 0) === -1 ? -1 : this.wire.contentLength
  }

  /** Octets that `writeTo` needs at most. */
  get maxWireBytes(): number {
    let size = this.wire.length
    const added = this.#added
    if (added !== null) for (let i = 0; i < added.length; i++) size += (added[i] as string).length + 4
    return size
  }

  /** Writes the lines: those that came, as they came, and then what was added. The caller has reserved `maxWireBytes`. */
  writeTo(out: Output, keepsHost: boolean, keepsContentLength: boolean): void {
    const { octets, start, lines, first, count, length, fieldsStart } = this.wire
    const hasDropped = this.#dropped !== null
    let from = fieldsStart
    for (let i = 0; i < count; i++) {
      const at = first + i * LINE_INTS
      const id = lines[at + 4] as number
      const isWritten = id === ID.OTHER || (id === ID.HOST ? keepsHost : id === ID.CONTENT_LENGTH ? keepsContentLength : !isHidden(id))
      if (isWritten && !(hasDropped && this.#isDropped(i))) continue
      copyOctets(out, octets, start + from, start + (lines[at] as number))
      from = i + 1 < count ? (lines[at + LINE_INTS] as number) : length - 2
    }
    copyOctets(out, octets, start + from, start + length - 2)
    if (this.#added !== null) writeAdded(out, this.#added, keepsContentLength)
  }

  #isDropped(line: number): boolean {
    return this.#dropped?.includes(line) ?? false
  }

  #drop(line: number): void {
    if (this.#dropped === null) this.#dropped = [line]
    else this.#dropped.push(line)
  }

  #value(line: number): string {
    const { octets, start, lines, first } = this.wire
    const at = first + line * LINE_INTS
    return latin1(octets, start + (lines[at + 2] as number), start + (lines[at + 3] as number))
  }

  /** Index of the next line of that name, from `from` on; -1: none. */
  #find(name: string, from: number): number {
    const { octets, start, lines, first, count } = this.wire
    const length = name.length
    const initial = name.charCodeAt(0)
    next: for (let i = from; i < count; i++) {
      const at = first + i * LINE_INTS
      const nameStart = lines[at] as number
      if ((lines[at + 1] as number) - nameStart !== length) continue
      const p = start + nameStart
      if (TOKEN[octets[p] as number] !== initial) continue
      for (let k = 1; k < length; k++) if (TOKEN[octets[p + k] as number] !== name.charCodeAt(k)) continue next
      if (isHidden(lines[at + 4] as number) || this.#isDropped(i)) continue
      return i
    }
    return -1
  }
}

function writeAdded(out: Output, added: readonly string[], keepsContentLength: boolean): void {
  for (let i = 0; i < added.length; i += 2) {
    const name = added[i] as string
    if (isHopByHop(name) || (name === 'content-length' && !keepsContentLength)) continue
    writeFieldLine(out, name, added[i + 1] as string)
  }
}
