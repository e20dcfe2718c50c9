import { latin1 } from '../util/latin1.ts'
import { DEFAULT_TABLE_BYTES, DynamicTable } from './dynamic-table.ts'
import { decodeHuffman, maxDecodedLength } from './huffman.ts'
import { type Cursor, readInteger } from './integer.ts'
import { type FieldLine, INDEXING, isNameFit, isValueFit } from './line.ts'
import { receivedLine } from './lines.ts'
import { LiteralCache } from './literal-cache.ts'
import { NAME, nameId } from './names.ts'
import { STATIC_COUNT, STATIC_LINES } from './static-table.ts'

/** Size updates that may stand at the start of a block (RFC 7541 section 4.2). */
const MAX_SIZE_UPDATES = 2

export interface DecoderOptions {
  /** Octets of a header list, as RFC 9113 section 6.5.2 counts. */
  readonly maxListBytes: number
  /** Lines of a header list. */
  readonly maxLines: number
  /** What we have announced by SETTINGS_HEADER_TABLE_SIZE, octets. */
  readonly maxTableBytes?: number
}

/** A name as it was read. */
interface ReadName {
  readonly id: number
  readonly text: string
  readonly isFit: boolean
}

const names = new LiteralCache<ReadName>()
const values = new LiteralCache<FieldLine>()
/** What Huffman code is decoded into; grows to the longest string that was met, which the limit of a block bounds. */
let scratch = Buffer.allocUnsafeSlow(4_096)

/**
 * Reads header blocks of one connection (RFC 7541). A block that is over a limit is read to its end all the same, so that the table stays in step;
 * its lines are then left out. A fault of the encoding itself can't be survived: COMPRESSION_ERROR.
 */
export class Decoder implements Cursor {
  octets: Buffer = scratch
  at = 0
  end = 0
  /** The lines of the last block, in order. The next `decode` empties it. */
  readonly lines: FieldLine[] = []
  /** Size of the last block's list. */
  listSize = 0
  /** The last block's list was over a limit. */
  isTooLarge = false
  /** A line of the last block must not stand in a message. */
  isMalformed = false
  /** Why the last `decode` was false. */
  fault = ''
  readonly #table: DynamicTable
  readonly #maxTableBytes: number
  readonly #maxListBytes: number
  readonly #maxLines: number

  constructor(options: DecoderOptions) {
    this.#maxTableBytes = options.maxTableBytes ?? DEFAULT_TABLE_BYTES
    this.#table = new DynamicTable(this.#maxTableBytes)
    this.#maxListBytes = options.maxListBytes
    this.#maxLines = options.maxLines
  }

  /** Octets that the dynamic table holds now. */
  get tableSize(): number {
    return this.#table.size
  }

  /** Reads the whole block `octets[start..end)` into `lines`. False: it can't be read, nor can any that follows on this connection. */
  decode(octets: Buffer, start: number, end: number): boolean {
    this.octets = octets
    this.at = start
    this.end = end
    this.lines.length = 0
    this.listSize = 0
    this.isTooLarge = this.isMalformed = false
    if (!this.#readSizeUpdates()) return false
    while (this.at < end) {
      const line = this.#readLine()
      if (line === null) return false
      this.#add(line)
    }
    return true
  }

  #add(line: FieldLine): void {
    this.listSize += line.size
    if (line.isMalformed) this.isMalformed = true
    if (this.listSize <= this.#maxListBytes && this.lines.length < this.#maxLines) {
      this.lines.push(line)
      return
    }
    this.isTooLarge = true
  }

  #readSizeUpdates(): boolean {
    for (let count = 0; this.at < this.end && ((this.octets[this.at] as number) & 0xe0) === 0x20; count++) {
      const size = readInteger(this, 31)
      if (count === MAX_SIZE_UPDATES || size === -1 || size > this.#maxTableBytes) {
        this.#fail('a table size that was not allowed')
        return false
      }
      this.#table.resize(size)
    }
    return true
  }

  #readLine(): FieldLine | null {
    const first = this.octets[this.at] as number
    if (first >= 0x80) return this.#lineAt(readInteger(this, 127))
    if (first >= 0x40) {
      const line = this.#readLiteral(63, INDEXING.INCREMENTAL)
      if (line !== null) this.#table.insert(line)
      return line
    }
    if (first >= 0x20) return this.#fail('a table size within a block')
    return this.#readLiteral(15, first >= 0x10 ? INDEXING.NEVER : INDEXING.NONE)
  }

  #lineAt(index: number): FieldLine | null {
    const line = index > STATIC_COUNT ? this.#table.at(index - STATIC_COUNT - 1) : index > 0 ? STATIC_LINES[index] : undefined
    return line ?? this.#fail('an index that no table has')
  }

  #readLiteral(mask: number, indexing: number): FieldLine | null {
    const index = readInteger(this, mask)
    if (index === -1) return this.#fail('a malformed index')
    if (index === 0) {
      const name = this.#readName()
      return name === null ? null : this.#readValue(name.id, name.text, name.isFit, indexing)
    }
    const line = this.#lineAt(index)
    // A malformed line's name may be sound; that a message with either is malformed is all that is of interest.
    return line === null ? null : this.#readValue(line.id, line.name, !line.isMalformed, indexing)
  }

  #readName(): ReadName | null {
    const { at, octets } = this
    const length = this.#stringLength()
    if (length === -1) return null
    const start = this.at
    const end = start + length
    this.at = end
    const isHuffman = (octets[at] as number) >>> 7
    const known = names.find('', isHuffman, octets, start, end)
    if (known !== null) return known
    const text = this.#text(isHuffman, start, end)
    if (text === null) return null
    const name = { id: nameId(text), text, isFit: isNameFit(text) }
    names.keep('', isHuffman, octets, start, end, name)
    return name
  }

  #readValue(id: number, name: string, isNameFit: boolean, indexing: number): FieldLine | null {
    const { at, octets } = this
    const length = this.#stringLength()
    if (length === -1) return null
    const start = this.at
    const end = start + length
    this.at = end
    const isHuffman = (octets[at] as number) >>> 7
    const isShared = isNameFit && indexing !== INDEXING.NEVER
    const flags = isHuffman | indexing | (id === NAME.OTHER ? 0 : id << 8)
    if (isShared) {
      const known = values.find(name, flags, octets, start, end)
      if (known !== null) return known
    }
    const text = this.#text(isHuffman, start, end)
    if (text === null) return null
    const line = receivedLine(id, name, text, indexing, !isNameFit || !isValueFit(text))
    if (isShared && line.indexing !== INDEXING.NEVER) values.keep(name, flags, octets, start, end, line)
    return line
  }

  /** Length of the string at the cursor, which then stands at its first octet; -1: there is less. */
  #stringLength(): number {
    const length = readInteger(this, 127)
    if (length !== -1 && length <= this.end - this.at) return length
    this.#fail('a string that is cut off')
    return -1
  }

  #text(isHuffman: number, start: number, end: number): string | null {
    const { octets } = this
    if (isHuffman === 0) return latin1(octets, start, end)
    const room = maxDecodedLength(end - start) + 1
    if (room > scratch.length) scratch = Buffer.allocUnsafeSlow(room)
    const length = decodeHuffman(octets, start, end, scratch)
    return length === -1 ? this.#fail('malformed Huffman code') : latin1(scratch, 0, length)
  }

  #fail(fault: string): null {
    this.fault = fault
    return null
  }
}
