import { MeshError } from '../errors.ts'
import type { Route, WeightedCluster } from '../route/route.ts'
import { addTo, DURATION_MS_BOUNDS, DURATION_OVER, DURATION_SUM, REQUEST_COLUMNS, RequestSeries } from '../telemetry/request-series.ts'
import { NO_ROW } from '../telemetry/series.ts'
import type { Counters } from '../util/counters.ts'
import type { Timers } from '../util/timers.ts'
import type { Exchange } from './exchange.ts'
import { isTunnel } from './forward.ts'
import type { InForce, Observer, Refusal } from './observer.ts'
import { METHODS, methodIndex, STATUS_CLASSES, serviceOf, statusClassIndex } from './request-labels.ts'

/** Between two looks for series that are idle, ms: a thirtieth of the time that they may be. */
export const SWEEP_MS = 60_000
/** Combinations that are remembered, whether they have a row or not: twice as many as have room. Beyond it all are forgotten and met again. */
const MAX_REMEMBERED = 10_000

const UNKNOWN = 'unknown'

/** What counting needs of the process. */
export interface RequestMetricsOptions {
  /** This sidecar's own: `default/orders`. */
  readonly service: string
  /** The cluster of hosts outside the mesh, whose destination is `_passthrough`. */
  readonly passthrough: string
  readonly timers: Timers
  readonly counters: Counters
  readonly maxSeries?: number
}

/** What is remembered of one backend of one route: labels that all its requests share, and the rows of what came of them. */
interface Remembered {
  readonly route: Route | null
  readonly labels: readonly [direction: string, source: string, destination: string, route: string]
  /** By method, status and flags. */
  readonly requests: Map<number, number>
  /** By status class; NO_ROW: not met yet. */
  readonly durations: Int32Array
  /** Null: it did not get past routing, or its states are not shown. */
  readonly destination: number | null
}

/** Stands for the backend of what has neither backend nor route. */
const NOWHERE = {}

/**
 * Counts exchanges that are over. A combination of labels that was met before costs three look-ups by object or small integer and a few additions to typed
 * arrays: nothing is allocated and no text is made. A scrape reads `series`.
 */
export class RequestMetrics implements Observer {
  readonly series: RequestSeries
  readonly #options: RequestMetricsOptions
  #remembered = { outbound: new WeakMap<object, Remembered>(), inbound: new WeakMap<object, Remembered>() }
  #rememberedCount = 0
  #inForce: InForce | null = null

  constructor(options: RequestMetricsOptions) {
    this.#options = options
    this.series = new RequestSeries(options.counters, options.maxSeries)
    const timer = options.timers.timer(() => {
      if (this.series.expire(options.timers.clock.now()) > 0) this.#forget()
      timer.arm(SWEEP_MS)
    })
    timer.arm(SWEEP_MS)
  }

  done(exchange: Exchange): void {
    const { incoming, status, attempts } = exchange
    const { method } = incoming.head
    const known = this.#known(exchange)
    const key = (exchange.flags.bits * 1_024 + status) * 16 + methodIndex(method)
    const row = known.requests.get(key) ?? this.#meetRequest(known, key, method, status, String(exchange.flags))
    const { values } = this.series.requests
    const at = row * REQUEST_COLUMNS.length
    values[at] = (values[at] as number) + 1
    values[at + 1] = (values[at + 1] as number) + incoming.bytesIn
    values[at + 2] = (values[at + 2] as number) + incoming.bytesOut
    if (known.destination !== null) addTo(this.series.destinations, known.destination, 0, 1)
    if (!isTunnel(method, status)) this.#took(known, status, this.#options.timers.clock.now() - exchange.startedAt)
    if (attempts.length > 1 || exchange.error !== null) this.#countTries(exchange, known)
  }

  refused({ direction, error, head }: Refusal): void {
    const { series } = this
    const labels = this.#labels(direction, null, null)
    const own = [METHODS[methodIndex(head?.method ?? '')] as string, String(error.row.status), error.row.flag ?? '-']
    addTo(series.requests, series.row(series.requests, labels, own), 0, 1)
    if (error.code === 'DOWNSTREAM_SLOW_HEAD') addTo(series.timeouts, series.row(series.timeouts, labels, ['head']), 0, 1)
  }

  configured(inForce: InForce): void {
    this.#inForce = inForce
  }

  /** The series were shown: those of routes that were removed go now, so that what was counted since the scrape before is not lost. */
  shown(): void {
    const inForce = this.#inForce
    if (inForce === null) return
    this.#inForce = null
    if (this.series.retainRoutes(namesOf(inForce)) > 0) this.#forget()
  }

  /** How a cluster is called as a destination. */
  destinationOf(direction: 'inbound' | 'outbound', cluster: string | null): string {
    const { service, passthrough } = this.#options
    if (direction === 'inbound') return service
    if (cluster === null) return UNKNOWN
    return cluster === passthrough ? '_passthrough' : serviceOf(cluster)
  }

  #known(exchange: Exchange): Remembered {
    const { direction, backend, route } = exchange
    const known = this.#remembered[direction].get(backend ?? route ?? NOWHERE)
    return known !== undefined && known.route === route ? known : this.#meet(direction, route, backend)
  }

  #meet(direction: 'inbound' | 'outbound', route: Route | null, backend: WeightedCluster | null): Remembered {
    const labels = this.#labels(direction, route, backend)
    const met: Remembered = {
      route,
      labels,
      requests: new Map(),
      durations: new Int32Array(STATUS_CLASSES.length).fill(NO_ROW),
      destination: backend === null ? null : this.series.destination(direction, labels[2]),
    }
    this.#makeRoom()
    this.#remembered[direction].set(backend ?? route ?? NOWHERE, met)
    return met
  }

  #meetRequest(known: Remembered, key: number, method: string, status: number, flags: string): number {
    const own = [METHODS[methodIndex(method)] as string, String(status), flags]
    const row = this.series.row(this.series.requests, known.labels, own)
    this.#makeRoom()
    known.requests.set(key, row)
    return row
  }

  #took(known: Remembered, status: number, ms: number): void {
    const { durations } = this.series
    const statusClass = statusClassIndex(status)
    let row = known.durations[statusClass] as number
    if (row === NO_ROW) {
      row = this.series.row(durations, known.labels.slice(0, 3), [STATUS_CLASSES[statusClass] as string])
      known.durations[statusClass] = row
    }
    let column = 0
    while (column < DURATION_OVER && ms > (DURATION_MS_BOUNDS[column] as number)) column++
    addTo(durations, row, column, 1)
    addTo(durations, row, DURATION_SUM, ms)
  }

  /** Retries and timeouts: rare enough to be looked up by name. */
  #countTries({ attempts, error }: Exchange, { labels }: Remembered): void {
    const { series } = this
    const timeout = (which: string) => addTo(series.timeouts, series.row(series.timeouts, labels, [which]), 0, 1)
    if (attempts.length > 1) addTo(series.retries, series.row(series.retries, labels, []), 0, attempts.length - 1)
    for (const { error: failure } of attempts) {
      // Inbound says that its app is not available; what was wrong with it is the cause.
      const code = (failure?.cause instanceof MeshError ? failure.cause : failure)?.code
      if (code === 'PER_TRY_TIMEOUT') timeout('try')
      else if (code === 'UPSTREAM_CONNECT_TIMEOUT') timeout('connect')
    }
    if (error?.code === 'REQUEST_TIMEOUT') timeout('request')
    else if (error?.code === 'IDLE_TIMEOUT') timeout('idle')
  }

  #labels(direction: 'inbound' | 'outbound', route: Route | null, backend: WeightedCluster | null): Remembered['labels'] {
    const source = direction === 'outbound' ? this.#options.service : UNKNOWN
    return [direction, source, this.destinationOf(direction, backend?.cluster ?? null), route?.name ?? '']
  }

  #makeRoom(): void {
    if (this.#rememberedCount >= MAX_REMEMBERED) this.#forget()
    this.#rememberedCount++
  }

  /** Rows have new owners, or there is room again. */
  #forget(): void {
    this.#remembered = { outbound: new WeakMap(), inbound: new WeakMap() }
    this.#rememberedCount = 0
  }
}

function* namesOf(inForce: InForce): Generator<string> {
  for (const { name } of inForce.routes()) yield name
}
