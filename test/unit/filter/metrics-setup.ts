import { Exchange } from '../../../proxy/filter/exchange.ts'
import { RequestMetrics } from '../../../proxy/filter/observe-metrics.ts'
import type { InForce } from '../../../proxy/filter/observer.ts'
import type { Flag } from '../../../proxy/flags.ts'
import type { Route } from '../../../proxy/route/route.ts'
import { DEFAULT_TELEMETRY } from '../../../proxy/telemetry/config.ts'
import type { SeriesTable } from '../../../proxy/telemetry/series.ts'
import { Counters } from '../../../proxy/util/counters.ts'
import { HandClock } from '../../support/hand-clock.ts'
import { Call, requestHead, routeTo } from './setup.ts'

/** Metrics on a clock that the test turns. */
export function setup(maxSeries?: number) {
  const clock = new HandClock()
  const counters = new Counters()
  const options = { service: 'default/web', passthrough: 'passthrough', timers: clock.wheel, counters }
  const metrics = new RequestMetrics(maxSeries === undefined ? options : { ...options, maxSeries })
  return { clock, counters, metrics, series: metrics.series }
}

/** What became of an exchange. */
export interface Fate {
  readonly method?: string
  readonly status?: number
  readonly flags?: readonly Flag[]
  readonly direction?: 'inbound' | 'outbound'
  readonly cluster?: string | null
  readonly route?: Route | null
  readonly bytes?: readonly [inward: number, outward: number]
}

/** The route of most exchanges here. */
export const ORDERS = { ...routeTo('default/orders:80'), name: 'default/orders/1' }

/** An exchange that is over. */
export function over(fate: Fate = {}): Exchange {
  const {
    method = 'GET',
    status = 200,
    flags = [],
    direction = 'outbound',
    cluster = 'default/orders:80',
    route = ORDERS,
    bytes = [0, 0],
  } = fate
  const call = new Call(requestHead({ method }))
  call.bytesIn = bytes[0]
  call.bytesOut = bytes[1]
  const exchange = new Exchange(direction, call)
  exchange.route = route
  const forward = route?.action.kind === 'forward' ? route.action.clusters[0] : undefined
  exchange.backend = cluster === null ? null : forward?.cluster === cluster ? forward : { cluster, weight: 1, modifiers: null }
  exchange.status = status
  for (const flag of flags) exchange.flags.add(flag)
  return exchange
}

/** Label values of every row, joined, with its numbers. */
export function rowsOf(table: SeriesTable): Record<string, number[]> {
  const numbers = (at: number) => [...table.values.slice(at * table.columns, (at + 1) * table.columns)]
  return Object.fromEntries([...table.rows()].map(({ labels, at }) => [Object.values(labels).join(' '), numbers(at)]))
}

/** A configuration with these routes. */
export function inForce(...routes: readonly Route[]): InForce {
  return { telemetry: { inbound: DEFAULT_TELEMETRY, outbound: DEFAULT_TELEMETRY }, routes: () => routes }
}
