import { type FieldLine, fitValue } from '../hpack/line.ts'
import { lineOf } from '../hpack/lines.ts'
import { NAME, nameId } from '../hpack/names.ts'
import type { Fields } from '../http/fields.ts'

/**
 * Fields as header blocks carry them: lines that are shared with tables and other requests. A writer of HTTP/2 hands them to its encoder as they are,
 * which finds those of its table without looking at their text. A copy shares the list until one of both is changed.
 */
export class HeaderFields implements Fields {
  #lines: FieldLine[]
  #isShared = false

  /** @param lines in wire order; taken over. */
  constructor(lines: FieldLine[] = []) {
    this.#lines = lines
  }

  /** In wire order. Not to be changed. */
  get lines(): readonly FieldLine[] {
    return this.#lines
  }

  get(name: string): string | null {
    return this.#lines[this.#find(name, 0)]?.value ?? null
  }

  joined(name: string): string | null {
    let at = this.#find(name, 0)
    if (at === -1) return null
    let all = (this.#lines[at] as FieldLine).value
    for (at = this.#find(name, at + 1); at !== -1; at = this.#find(name, at + 1)) all += `, ${(this.#lines[at] as FieldLine).value}`
    return all
  }

  has(name: string): boolean {
    return this.#find(name, 0) !== -1
  }

  set(name: string, value: string): void {
    const at = this.#find(name, 0)
    if (at === -1) {
      this.append(name, value)
      return
    }
    if ((this.#lines[at] as FieldLine).value === fitValue(value) && this.#find(name, at + 1) === -1) return
    this.#own()
    this.#lines[at] = lineOf(name, value)
    this.#deleteFrom(at + 1, name)
  }

  append(name: string, value: string): void {
    this.#own()
    this.#lines.push(lineOf(name, value))
  }

  delete(name: string): void {
    this.#deleteFrom(0, name)
  }

  forEach(visit: (name: string, value: string) => void): void {
    for (const line of this.#lines) visit(line.name, line.value)
  }

  get listSize(): number {
    let size = 0
    for (const line of this.#lines) size += line.size
    return size
  }

  copy(): HeaderFields {
    this.#isShared = true
    const copy = new HeaderFields(this.#lines)
    copy.#isShared = true
    return copy
  }

  #own(): void {
    if (!this.#isShared) return
    this.#isShared = false
    this.#lines = this.#lines.slice()
  }

  #deleteFrom(start: number, name: string): void {
    if (this.#find(name, start) === -1) return
    this.#own()
    for (let at = this.#find(name, start); at !== -1; at = this.#find(name, at)) this.#lines.splice(at, 1)
  }

  /** Index of the next line of that name, from `from` on; -1: none. */
  #find(name: string, from: number): number {
    const lines = this.#lines
    const id = nameId(name)
    for (let at = from; at < lines.length; at++) {
      const line = lines[at] as FieldLine
      if (line.id === id && (id !== NAME.OTHER || line.name === name)) return at
    }
    return -1
  }
}
