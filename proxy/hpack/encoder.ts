import { DEFAULT_TABLE_BYTES, DynamicTable } from './dynamic-table.ts'
import { encodeHuffman, huffmanLength } from './huffman.ts'
import { writeInteger } from './integer.ts'
import { type FieldLine, INDEXING } from './line.ts'
import type { Output } from './output.ts'
import { STATIC_COUNT, staticNameIndex } from './static-table.ts'

/** A line that would take more than this share of the table is not worth what it evicts. */
const MAX_TABLE_SHARE = 0.5
/** Octets of two size updates, which a block may begin with. */
const UPDATES_BYTES = 12

/** Writes header blocks of one connection (RFC 7541). Lines are found in the table as objects: see `lineOf`. */
export class Encoder {
  readonly #table: DynamicTable
  /** Serial number of each line in the table, and of each name's newest line. */
  readonly #serials = new Map<FieldLine, number>()
  readonly #names = new Map<string, number>()
  readonly #maxTableBytes: number
  /** Smallest size that the peer has asked for since the last block; -1: it has asked for nothing. */
  #smallest = -1

  /** @param maxTableBytes octets of our table, whatever more the peer allows. */
  constructor(maxTableBytes: number = DEFAULT_TABLE_BYTES) {
    this.#maxTableBytes = maxTableBytes
    this.#table = new DynamicTable(Math.min(maxTableBytes, DEFAULT_TABLE_BYTES), (line, serial) => {
      if (this.#serials.get(line) === serial) this.#serials.delete(line)
      if (this.#names.get(line.name) === serial) this.#names.delete(line.name)
    })
  }

  get tableSize(): number {
    return this.#table.size
  }

  /** The peer's SETTINGS_HEADER_TABLE_SIZE. Told to its decoder at the start of the next block (RFC 7541 section 4.2). */
  allowTable(bytes: number): void {
    const size = Math.min(bytes, this.#maxTableBytes)
    if (size === this.#table.maxSize && this.#smallest === -1) return
    this.#smallest = this.#smallest === -1 ? size : Math.min(this.#smallest, size)
    this.#table.resize(size)
  }

  /** Octets that `begin` and the lines need at most, when the lines' sizes are `listSize`. */
  static room(listSize: number): number {
    return listSize + UPDATES_BYTES
  }

  /** Begins a block. Room for the whole of it was reserved. */
  begin(out: Output): void {
    if (this.#smallest === -1) return
    if (this.#smallest < this.#table.maxSize) writeInteger(out, this.#smallest, 31, 0x20)
    writeInteger(out, this.#table.maxSize, 31, 0x20)
    this.#smallest = -1
  }

  /** Appends one line. */
  write(out: Output, line: FieldLine): void {
    if (line.staticIndex !== 0) {
      out.octets[out.end++] = 0x80 | line.staticIndex
      return
    }
    const serial = line.indexing === INDEXING.INCREMENTAL ? this.#serials.get(line) : undefined
    if (serial !== undefined) writeInteger(out, this.#index(serial), 127, 0x80)
    else if (line.indexing === INDEXING.INCREMENTAL && line.size <= this.#table.maxSize * MAX_TABLE_SHARE) this.#writeIndexed(out, line)
    else this.#writeLiteral(out, line)
  }

  #index(serial: number): number {
    return STATIC_COUNT + this.#table.inserted - serial
  }

  /** What goes into the table is sent once for many times: as short as it can be. */
  #writeIndexed(out: Output, line: FieldLine): void {
    this.#writeName(out, line, 63, INDEXING.INCREMENTAL)
    writeText(out, line.value)
    const serial = this.#table.inserted
    if (!this.#table.insert(line)) return
    this.#serials.set(line, serial)
    this.#names.set(line.name, serial)
  }

  /** What is sent each time anew is sent as it is: within a data centre an octet costs less than its code. */
  #writeLiteral(out: Output, line: FieldLine): void {
    this.#writeName(out, line, 15, line.indexing === INDEXING.NEVER ? INDEXING.NEVER : INDEXING.NONE)
    writePlain(out, line.value)
  }

  #writeName(out: Output, line: FieldLine, mask: number, pattern: number): void {
    let index = line.id === 0 ? 0 : staticNameIndex(line.id)
    if (index === 0) {
      const serial = this.#names.get(line.name)
      if (serial !== undefined) index = this.#index(serial)
    }
    writeInteger(out, index, mask, pattern)
    if (index === 0) writeText(out, line.name)
  }
}

/** A string in Huffman code where that is not longer (RFC 7541 section 5.2). */
function writeText(out: Output, text: string): void {
  const length = huffmanLength(text)
  if (length > text.length) {
    writePlain(out, text)
    return
  }
  writeInteger(out, length, 127, 128)
  encodeHuffman(out, text)
}

/** Up to this length a loop beats a call into the engine. */
const SHORT = 48

function writePlain(out: Output, text: string): void {
  const { length } = text
  writeInteger(out, length, 127, 0)
  const { octets } = out
  if (length > SHORT) {
    out.end += octets.write(text, out.end, length, 'latin1')
    return
  }
  let end = out.end
  for (let i = 0; i < length; i++) octets[end++] = text.charCodeAt(i)
  out.end = end
}
