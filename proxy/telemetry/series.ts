/**
 * Series of requests and destinations that one sidecar keeps at once. One with 100 destinations, each with one route, stays below, and a scrape of all takes a
 * few ms. What is more goes into `_overflow`.
 */
export const MAX_SERIES = 5_000
/** A series that nothing was added to for so long goes, ms: twice what dashboards look back on. One that comes back begins at 0, which Prometheus takes for a restart. */
export const SERIES_IDLE_MS = 1_800_000

/** Values by label. */
export type Labels = Readonly<Record<string, string>>

/** There is no room for another row. */
export const NO_ROW = -1

/** What tables share: how many series they may have together. */
export class SeriesLimit {
  readonly max: number
  taken = 0

  constructor(max = MAX_SERIES) {
    this.max = max
  }

  tryTake(count: number): boolean {
    if (this.taken + count > this.max) return false
    this.taken += count
    return true
  }

  give(count: number): void {
    this.taken -= count
  }
}

/** One combination of labels, with where its numbers are. */
export interface Row {
  readonly labels: Labels
  /** Number of the row: its columns begin at `at * columns` of `values`. */
  readonly at: number
}

interface Kept extends Row {
  readonly key: string
  /** It takes nothing of the limit and never goes. */
  readonly isReserved: boolean
  /** Sum of its numbers when it was last looked at, and since when that stands, monotonic ms; null: it was not looked at yet. */
  sum: number
  idleSince: number | null
}

/**
 * Numbers by combinations of labels: a row each, whose columns lie side by side in one typed array that grows with the rows. The numbers only grow.
 * Adding is `table.values[row * table.columns + column] += n`, by whoever remembers the row.
 */
export class SeriesTable {
  readonly columns: number
  values: Float64Array
  /** Combinations that were looked up by their labels: what adding to a row that is remembered never does. */
  lookups = 0
  readonly #names: readonly string[]
  readonly #limit: SeriesLimit
  readonly #seriesPerRow: number
  readonly #keys = new Map<string, Kept>()
  readonly #free: number[] = []
  #rows = 0

  /** @param seriesPerRow what a row takes of the limit: the series that Prometheus sees of it. */
  constructor(names: readonly string[], limit: SeriesLimit, { columns, seriesPerRow }: { columns: number; seriesPerRow: number }) {
    this.#names = names
    this.#limit = limit
    this.#seriesPerRow = seriesPerRow
    this.columns = columns
    this.values = new Float64Array(columns * 8)
  }

  get size(): number {
    return this.#keys.size
  }

  /** The row of these values, in the order of the names. NO_ROW: it is not there, and there is no room for it. */
  row(values: readonly string[]): number {
    this.lookups++
    const key = values.join('\0')
    const known = this.#keys.get(key)
    if (known !== undefined) return known.at
    return this.#limit.tryTake(this.#seriesPerRow) ? this.#add(key, values, false) : NO_ROW
  }

  /** The same, beyond the limit: for `_overflow` itself. It never goes. */
  reserve(values: readonly string[]): number {
    const key = values.join('\0')
    return this.#keys.get(key)?.at ?? this.#add(key, values, true)
  }

  has(values: readonly string[]): boolean {
    return this.#keys.has(values.join('\0'))
  }

  rows(): Iterable<Row> {
    return this.#keys.values()
  }

  /**
   * Removes rows that nothing was added to for `idleMs`. The first look at a row begins its time, so that adding need not note when it was.
   *
   * @returns how many went. Their numbers are given to others: who remembers rows must forget them all.
   */
  expire(now: number, idleMs: number = SERIES_IDLE_MS): number {
    return this.#remove(kept => {
      const sum = this.#sum(kept.at)
      if (sum !== kept.sum || kept.idleSince === null) {
        kept.sum = sum
        kept.idleSince = now
      }
      return now - kept.idleSince >= idleMs
    })
  }

  /** Removes rows by their labels. @returns as `expire`. */
  removeWhere(isGone: (labels: Labels) => boolean): number {
    return this.#remove(kept => isGone(kept.labels))
  }

  #remove(isGone: (kept: Kept) => boolean): number {
    let count = 0
    for (const kept of this.#keys.values()) {
      if (kept.isReserved || !isGone(kept)) continue
      this.#keys.delete(kept.key)
      this.values.fill(0, kept.at * this.columns, (kept.at + 1) * this.columns)
      this.#free.push(kept.at)
      this.#limit.give(this.#seriesPerRow)
      count++
    }
    return count
  }

  #add(key: string, values: readonly string[], isReserved: boolean): number {
    const at = this.#free.pop() ?? this.#grow()
    const labels = Object.fromEntries(this.#names.map((name, index) => [name, values[index] as string]))
    this.#keys.set(key, { labels, at, key, isReserved, sum: 0, idleSince: null })
    return at
  }

  #grow(): number {
    const at = this.#rows++
    if (this.#rows * this.columns > this.values.length) {
      const wider = new Float64Array(this.values.length * 2)
      wider.set(this.values)
      this.values = wider
    }
    return at
  }

  #sum(at: number): number {
    let sum = 0
    for (let column = at * this.columns; column < (at + 1) * this.columns; column++) sum += this.values[column] as number
    return sum
  }
}
