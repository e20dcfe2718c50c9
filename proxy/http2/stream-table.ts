/** Places of a new table; it doubles when half of them are taken. */
const FIRST_PLACES = 16

/**
 * The open streams of a connection, by id. Not a `Map`: with streams that come and go it makes new tables all the time, and each old one points to the
 * next and to the streams of its time, so that the collector copies what is long dead (a third of a proxy's CPU).
 *
 * Open addressing by the id, which counts up in twos, with backward shift at a deletion.
 */
export class StreamTable<T> {
  size = 0
  #ids = new Int32Array(FIRST_PLACES)
  #values: (T | null)[] = new Array(FIRST_PLACES).fill(null)

  get(id: number): T | undefined {
    return this.#values[this.#placeOf(id)] ?? undefined
  }

  /** @param id above 0, and not in the table yet. */
  add(id: number, value: T): void {
    if (this.size * 2 >= this.#ids.length) this.#grow()
    const place = this.#placeOf(id)
    this.#ids[place] = id
    this.#values[place] = value
    this.size++
  }

  delete(id: number): boolean {
    const mask = this.#ids.length - 1
    let hole = this.#placeOf(id)
    if (this.#ids[hole] !== id) return false
    this.size--
    for (let place = (hole + 1) & mask; this.#ids[place] !== 0; place = (place + 1) & mask) {
      const home = ((this.#ids[place] as number) >> 1) & mask
      // One whose home lies behind the hole stays: it would no longer be found before it.
      if (((place - home) & mask) < ((place - hole) & mask)) continue
      this.#ids[hole] = this.#ids[place] as number
      this.#values[hole] = this.#values[place] as T
      hole = place
    }
    this.#ids[hole] = 0
    this.#values[hole] = null
    return true
  }

  /** All of them, as they are now. */
  all(): T[] {
    return this.#values.filter(value => value !== null)
  }

  clear(): void {
    this.size = 0
    this.#ids.fill(0)
    this.#values.fill(null)
  }

  /** Where the id is, or would be. */
  #placeOf(id: number): number {
    const ids = this.#ids
    const mask = ids.length - 1
    let place = (id >> 1) & mask
    while (ids[place] !== 0 && ids[place] !== id) place = (place + 1) & mask
    return place
  }

  #grow(): void {
    const ids = this.#ids
    const values = this.#values
    this.#ids = new Int32Array(ids.length * 2)
    this.#values = new Array(ids.length * 2).fill(null)
    this.size = 0
    for (let place = 0; place < ids.length; place++) if (ids[place] !== 0) this.add(ids[place] as number, values[place] as T)
  }
}
