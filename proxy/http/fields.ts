/**
 * Field lines of one message, in wire order. Names are lower case (RFC 9113 section 8.2).
 * How they are held is the codec's own business. `host` is never among them (it is the head's authority), nor are hop-by-hop
 * fields (RFC 9110 section 7.6.1); `content-length` is, because a response to HEAD keeps its value.
 */
export interface Fields {
  /** First value, or null. */
  get(name: string): string | null
  /** All values joined by ", " (RFC 9110 section 5.3); `set-cookie` must be read by forEach. */
  joined(name: string): string | null
  has(name: string): boolean
  /** Replaces all lines of that name, or appends one. */
  set(name: string, value: string): void
  append(name: string, value: string): void
  delete(name: string): void
  forEach(visit: (name: string, value: string) => void): void
  /** As RFC 9113 section 6.5.2 counts: octets of names and values, and 32 for each line. */
  readonly listSize: number
  /** An independent copy; cheap, because what was received is shared and only changes are copied. */
  copy(): Fields
}

/** Fields held as strings: what the sidecar makes itself (answers, trailers, heads in tests). */
export class FieldList implements Fields {
  readonly #names: string[]
  readonly #values: string[]

  /** @param lines names in lower case. */
  constructor(lines: Iterable<readonly [string, string]> = []) {
    this.#names = []
    this.#values = []
    for (const [name, value] of lines) this.append(name, value)
  }

  get(name: string): string | null {
    return this.#values[this.#names.indexOf(name)] ?? null
  }

  joined(name: string): string | null {
    const values = this.#values.filter((_, index) => this.#names[index] === name)
    return values.length === 0 ? null : values.join(', ')
  }

  has(name: string): boolean {
    return this.#names.includes(name)
  }

  set(name: string, value: string): void {
    const index = this.#names.indexOf(name)
    if (index === -1) {
      this.append(name, value)
      return
    }
    this.#values[index] = value
    this.#deleteFrom(index + 1, name)
  }

  append(name: string, value: string): void {
    this.#names.push(name)
    this.#values.push(value)
  }

  delete(name: string): void {
    this.#deleteFrom(0, name)
  }

  forEach(visit: (name: string, value: string) => void): void {
    for (let i = 0; i < this.#names.length; i++) visit(this.#names[i] as string, this.#values[i] as string)
  }

  get listSize(): number {
    let size = 0
    for (let i = 0; i < this.#names.length; i++) size += (this.#names[i] as string).length + (this.#values[i] as string).length + 32
    return size
  }

  copy(): FieldList {
    const copy = new FieldList()
    copy.#names.push(...this.#names)
    copy.#values.push(...this.#values)
    return copy
  }

  #deleteFrom(start: number, name: string): void {
    for (let i = this.#names.length - 1; i >= start; i--) {
      if (this.#names[i] !== name) continue
      this.#names.splice(i, 1)
      this.#values.splice(i, 1)
    }
  }
}
