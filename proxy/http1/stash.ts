/** Octets that wait: a part of a head, or pipelined requests. Grows by doubling; its owner limits it by not reading on. */
export class Stash {
  #octets: Buffer | null = null
  #start = 0
  #end = 0

  get length(): number {
    return this.#end - this.#start
  }

  /** Copies `octets[start..end)` behind what is there. Octets that `take` gave last and that come back whole or as a tail are not copied. */
  append(octets: Buffer, start: number, end: number): void {
    if (start === end) return
    if (this.#octets === octets && this.length === 0 && end === this.#end) {
      this.#start = start
      return
    }
    const length = this.length
    const needed = length + end - start
    let into = this.#octets
    if (into === null || length === 0 || this.#start + needed > into.length) {
      into = Buffer.allocUnsafeSlow(Math.max(1024, needed * 2))
      if (this.#octets !== null) this.#octets.copy(into, 0, this.#start, this.#end)
      this.#octets = into
      this.#start = 0
      this.#end = length
    }
    octets.copy(into, this.#end, start, end)
    this.#end += end - start
  }

  /** All of it; the stash is empty then, until what could not be used is appended again. */
  take(): { octets: Buffer; start: number; end: number } {
    const taken = { octets: this.#octets as Buffer, start: this.#start, end: this.#end }
    this.#start = this.#end
    return taken
  }

  /** What is there with `octets[start..end)` behind it; the stash is empty then. */
  join(octets: Buffer, start: number, end: number): { octets: Buffer; start: number; end: number } {
    this.append(octets, start, end)
    return this.take()
  }

  clear(): void {
    this.#octets = null
    this.#start = this.#end = 0
  }
}
