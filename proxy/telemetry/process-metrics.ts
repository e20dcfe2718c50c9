import { type ELDHistogram, monitorEventLoopDelay } from 'node:perf_hooks'
import type { Family } from './exposition.ts'
import { METRICS, type MetricKey } from './metric-names.ts'

/**
 * The sidecar's own CPU, memory and event loop, under the names that prom-client gives them. Not by its `collectDefaultMetrics`: its timer for the event loop
 * wakes an idle sidecar 100 times a second (0.5 % of a core), its observer of the garbage collector costs some 8 % of the CPU of what makes garbage and misses
 * every collection but the first of a batch, and its count of open files reads a folder of 10,000 entries while requests wait (20 ms).
 */
export function processFamilies(): Family[] {
  const loop = new LoopDelay()
  const one = (key: MetricKey, read: () => number): Family => ({ metric: METRICS[key], samples: () => [{ value: read() }] })
  return [
    one('cpuUser', () => process.cpuUsage().user / 1e6),
    one('cpuSystem', () => process.cpuUsage().system / 1e6),
    one('cpu', () => {
      const { user, system } = process.cpuUsage()
      return (user + system) / 1e6
    }),
    one('started', () => performance.timeOrigin / 1e3),
    one('resident', () => process.memoryUsage.rss()),
    one('heapTotal', () => process.memoryUsage().heapTotal),
    one('heapUsed', () => process.memoryUsage().heapUsed),
    one('external', () => process.memoryUsage().external),
    one('lagMean', () => loop.read(({ mean }) => mean)),
    one('lagP50', () => loop.read(histogram => histogram.percentile(50))),
    one('lagP90', () => loop.read(histogram => histogram.percentile(90))),
    one('lagP99', () => loop.read(histogram => histogram.percentile(99))),
    one('lagMax', () => loop.readLast(({ max }) => max)),
    one('loopActive', () => performance.eventLoopUtilization().active / 1e3),
  ]
}

/** Times of the turns of the event loop since they were last read. Measured once a turn, without a timer, from the first scrape on. */
class LoopDelay {
  #histogram: ELDHistogram | null = null

  /** In seconds; 0 where there was no turn. */
  read(what: (histogram: ELDHistogram) => number): number {
    const histogram = this.#started()
    return histogram.count === 0 ? 0 : what(histogram) / 1e9
  }

  /** The last one that a scrape reads. */
  readLast(what: (histogram: ELDHistogram) => number): number {
    const value = this.read(what)
    this.#histogram?.reset()
    return value
  }

  #started(): ELDHistogram {
    if (this.#histogram === null) {
      this.#histogram = monitorEventLoopDelay({ samplePerIteration: true })
      this.#histogram.enable()
    }
    return this.#histogram
  }
}
