import type { Counters } from '../util/counters.ts'
import { METRICS } from './metric-names.ts'
import { NO_ROW, SeriesLimit, SeriesTable } from './series.ts'

/**
 * Upper bounds of the duration's buckets, ms. OpenTelemetry's for HTTP, and three below them: a hop through two sidecars on one machine takes half a ms, and a
 * histogram whose lowest bucket ends at 5 ms would show nothing of it.
 */
export const DURATION_MS_BOUNDS = [0.5, 1, 2.5, 5, 10, 25, 50, 75, 100, 250, 500, 750, 1_000, 2_500, 5_000, 7_500, 10_000] as const
/** Columns of a row of `durations`: one for each bound, one for what is above, and the sum in ms. */
export const DURATION_OVER = DURATION_MS_BOUNDS.length
export const DURATION_SUM = DURATION_OVER + 1
/** Columns of a row of `requests`. */
export const REQUEST_COLUMNS = ['requests', 'requestBytes', 'responseBytes'] as const

/** Gauges of one destination: 4 states of endpoints, 4 of connections, 4 breakers twice. */
export const STATES_PER_DESTINATION = 16

/** What labels say in the series that takes what there is no room for. */
export const OVERFLOW = '_overflow'

/** All that is counted of requests, under one limit. */
export class RequestSeries {
  readonly limit: SeriesLimit
  readonly requests: SeriesTable
  readonly durations: SeriesTable
  readonly retries: SeriesTable
  readonly timeouts: SeriesTable
  /** Destinations whose states are shown: those that requests go to. A mesh may have thousands of services that this app never calls. */
  readonly destinations: SeriesTable
  readonly #counters: Counters

  constructor(counters: Counters, maxSeries?: number) {
    this.#counters = counters
    this.limit = new SeriesLimit(maxSeries)
    const table = (names: readonly string[], columns: number, seriesPerRow: number) =>
      new SeriesTable(names, this.limit, { columns, seriesPerRow })
    this.requests = table(METRICS.requests.labels, REQUEST_COLUMNS.length, REQUEST_COLUMNS.length)
    // Prometheus sees a series for each bucket, the infinite one too, the sum and the count.
    this.durations = table(METRICS.duration.labels, DURATION_SUM + 1, DURATION_SUM + 2)
    this.retries = table(METRICS.retries.labels, 1, 1)
    this.timeouts = table(METRICS.timeouts.labels, 1, 1)
    this.destinations = table(METRICS.endpoints.labels.slice(0, 2), 1, STATES_PER_DESTINATION)
  }

  /**
   * The row of a combination of labels, or `_overflow`'s, which is counted.
   *
   * @param common begins with direction and source, which `_overflow` keeps.
   */
  row(table: SeriesTable, common: readonly string[], own: readonly string[]): number {
    const row = table.row([...common, ...own])
    if (row !== NO_ROW) return row
    this.#counters.add('metric_series_overflow')
    const [direction, source, ...others] = common as [string, string, ...string[]]
    return table.reserve([direction, source, ...others.map(() => OVERFLOW), ...own.map(() => OVERFLOW)])
  }

  /** The row of a destination. Null: there is no room, and its states are not shown. */
  destination(direction: string, destination: string): number | null {
    const row = this.destinations.row([direction, destination])
    if (row !== NO_ROW) return row
    this.#counters.add('metric_series_overflow')
    return null
  }

  /** Removes what is idle. @returns how many rows went; see `SeriesTable.expire`. */
  expire(now: number): number {
    let count = 0
    for (const table of [this.requests, this.durations, this.retries, this.timeouts, this.destinations]) count += table.expire(now)
    return count
  }

  /** Removes the series of routes that are not among `names`. @returns as `expire`. */
  retainRoutes(names: Iterable<string>): number {
    const tables = [this.requests, this.retries, this.timeouts]
    const gone = new Set<string>()
    for (const table of tables) for (const { labels } of table.rows()) gone.add(labels['route'] as string)
    gone.delete('')
    for (const name of names) gone.delete(name)
    let count = 0
    for (const table of tables) count += table.removeWhere(labels => gone.has(labels['route'] as string))
    return count
  }
}

/** Adds to a number of a row. */
export function addTo(table: SeriesTable, row: number, column: number, count: number): void {
  const at = row * table.columns + column
  table.values[at] = (table.values[at] as number) + count
}
