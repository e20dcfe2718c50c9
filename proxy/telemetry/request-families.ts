import type { Family, Sample } from './exposition.ts'
import { METRICS } from './metric-names.ts'
import { DURATION_MS_BOUNDS, DURATION_OVER, DURATION_SUM, REQUEST_COLUMNS, type RequestSeries } from './request-series.ts'
import type { Labels, SeriesTable } from './series.ts'

/** `le` of each bucket: always with a decimal point, as OpenMetrics writes them, so that both formats give the same series. */
const BUCKETS: readonly Labels[] = [...DURATION_MS_BOUNDS.map(ms => ({ le: decimal(ms / 1_000) })), { le: '+Inf' }]

/** What is counted of requests, as a scrape reads it. */
export function requestFamilies(series: RequestSeries): Family[] {
  const { requests, durations, retries, timeouts } = series
  return [
    ...REQUEST_COLUMNS.map((key, column) => ({ metric: METRICS[key], samples: () => samplesOf(requests, column) })),
    { metric: METRICS.duration, samples: () => histogram(durations, METRICS.duration.name) },
    { metric: METRICS.retries, samples: () => samplesOf(retries, 0) },
    { metric: METRICS.timeouts, samples: () => samplesOf(timeouts, 0) },
    { metric: METRICS.series, samples: () => [{ value: series.limit.taken }] },
  ]
}

function samplesOf(table: SeriesTable, column: number): Sample[] {
  const samples: Sample[] = []
  for (const { labels, at } of table.rows())
    samples.push({ sharedLabels: labels, value: table.values[at * table.columns + column] as number })
  return samples
}

function histogram(table: SeriesTable, name: string): Sample[] {
  const samples: Sample[] = []
  const [bucket, sum, count] = [`${name}_bucket`, `${name}_sum`, `${name}_count`]
  for (const { labels: sharedLabels, at } of table.rows()) {
    const from = at * table.columns
    let below = 0
    for (let column = 0; column <= DURATION_OVER; column++) {
      below += table.values[from + column] as number
      samples.push({ metricName: bucket, sharedLabels, labels: BUCKETS[column] as Labels, value: below })
    }
    samples.push({ metricName: sum, sharedLabels, value: (table.values[from + DURATION_SUM] as number) / 1_000 })
    samples.push({ metricName: count, sharedLabels, value: below })
  }
  return samples
}

function decimal(value: number): string {
  return Number.isInteger(value) ? value.toFixed(1) : String(value)
}
