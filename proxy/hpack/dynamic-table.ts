import type { FieldLine } from './line.ts'

/** Octets of a dynamic table, either role: the protocol's default, enough for the hundred lines that one service's calls have in common. */
export const DEFAULT_TABLE_BYTES = 4_096

/** The dynamic table of one direction (RFC 7541 section 2.3.2): newest line first, its size bounded in octets as section 4.1 counts. */
export class DynamicTable {
  /** Lines that were ever inserted: a line's serial number is what this was before. */
  inserted = 0
  length = 0
  size = 0
  maxSize: number
  /** By serial number, wrapped. */
  #lines: FieldLine[] = new Array(16)
  readonly #evicted: ((line: FieldLine, serial: number) => void) | null

  /** @param evicted told of each line that leaves, before its place is taken. */
  constructor(maxSize: number, evicted: ((line: FieldLine, serial: number) => void) | null = null) {
    this.maxSize = maxSize
    this.#evicted = evicted
  }

  /** The line at `offset` from the newest; undefined when there is none. */
  at(offset: number): FieldLine | undefined {
    if (offset >= this.length) return undefined
    return this.#lines[(this.inserted - 1 - offset) & (this.#lines.length - 1)]
  }

  /** Inserts a line, and evicts what it needs the room of. One that is larger than the table empties it (section 4.4). False: it is not in. */
  insert(line: FieldLine): boolean {
    this.#evictTo(this.maxSize - line.size)
    if (line.size > this.maxSize) return false
    if (this.length === this.#lines.length) this.#grow()
    this.#lines[this.inserted & (this.#lines.length - 1)] = line
    this.inserted++
    this.length++
    this.size += line.size
    return true
  }

  resize(maxSize: number): void {
    this.maxSize = maxSize
    this.#evictTo(maxSize)
  }

  #evictTo(size: number): void {
    while (this.length > 0 && this.size > size) {
      const serial = this.inserted - this.length
      const line = this.#lines[serial & (this.#lines.length - 1)] as FieldLine
      this.length--
      this.size -= line.size
      this.#evicted?.(line, serial)
    }
  }

  #grow(): void {
    const larger: FieldLine[] = new Array(this.#lines.length * 2)
    for (let serial = this.inserted - this.length; serial < this.inserted; serial++) {
      larger[serial & (larger.length - 1)] = this.#lines[serial & (this.#lines.length - 1)] as FieldLine
    }
    this.#lines = larger
  }
}
