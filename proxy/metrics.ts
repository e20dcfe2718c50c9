import type { Registry } from './cluster/registry.ts'
import type { ClusterTotals } from './cluster/totals.ts'
import type { RequestMetrics } from './filter/observe-metrics.ts'
import { Exposition, type ExpositionPage, type Family, type Sample } from './telemetry/exposition.ts'
import { COUNTER_METRICS, METRICS, type MetricKey } from './telemetry/metric-names.ts'
import { processFamilies } from './telemetry/process-metrics.ts'
import { requestFamilies } from './telemetry/request-families.ts'
import type { Labels } from './telemetry/series.ts'
import { COUNTERS, type Counters } from './util/counters.ts'

type ByDirection = { readonly outbound: number; readonly inbound: number }

/** Where the numbers of a scrape come from. */
export interface MetricsSource {
  readonly requests: RequestMetrics
  readonly counters: Counters
  readonly registry: Registry
  readonly build: string
  /** Exchanges in flight. */
  active(): ByDirection
  /** Connections that are open to the listeners. */
  connections(): ByDirection
  configuration(): {
    readonly isConnected: boolean
    readonly storeId: string
    readonly revision: number
    /** Null before the first configuration. */
    readonly ageMs: number | null
  }
}

/** Everything that `/metrics` shows, in the order of the page. @returns the page for a request's Accept. */
export function metricsPage(source: MetricsSource): (accept: string) => Promise<ExpositionPage> {
  const states = new DestinationStates(source)
  const families = [...requestFamilies(source.requests.series), ...stateFamilies(source), ...states.families()]
  const exposition = new Exposition(inOrder([...families, ...counterFamilies(source.counters), ...processFamilies()]))
  return async accept => {
    states.refresh()
    const page = await exposition.page(accept)
    source.requests.shown()
    return page
  }
}

function stateFamilies(source: MetricsSource): Family[] {
  const configuration = () => source.configuration()
  const byDirection = ({ outbound, inbound }: ByDirection) => [
    { labels: { direction: 'outbound' }, value: outbound },
    { labels: { direction: 'inbound' }, value: inbound },
  ]
  return [
    { metric: METRICS.active, samples: () => byDirection(source.active()) },
    { metric: METRICS.downstreamConnections, samples: () => byDirection(source.connections()) },
    { metric: METRICS.build, samples: () => [{ labels: { version: source.build }, value: 1 }] },
    {
      metric: METRICS.config,
      samples: () => {
        const { storeId, revision } = configuration()
        return storeId === '' ? [] : [{ labels: { store: storeId, revision: String(revision) }, value: 1 }]
      },
    },
    {
      metric: METRICS.configAge,
      samples: () => {
        const { ageMs } = configuration()
        return ageMs === null ? [] : [{ value: ageMs / 1_000 }]
      },
    },
    { metric: METRICS.connected, samples: () => [{ value: configuration().isConnected ? 1 : 0 }] },
  ]
}

/** States of the clusters that requests go to. Ports of one service, and a cluster that is leaving, are one destination. */
class DestinationStates {
  readonly #requests: RequestMetrics
  readonly #registry: Registry
  #totals: readonly ClusterTotals[] = []

  constructor({ requests, registry }: MetricsSource) {
    this.#requests = requests
    this.#registry = registry
  }

  /** Sums the hosts up once for all families of a scrape. */
  refresh(): void {
    const { destinations } = this.#requests.series
    this.#totals = [...this.#registry.totals((name, isApp) => destinations.has(this.#labelsOf(name, isApp)))]
  }

  families(): Family[] {
    return [
      { metric: METRICS.endpoints, samples: () => this.#read('state', sum, ({ endpoints }) => endpoints) },
      { metric: METRICS.upstreamConnections, samples: () => this.#read('state', sum, ({ connections }) => connections) },
      { metric: METRICS.breakerOpen, samples: () => this.#read('breaker', Math.max, ({ open }) => open) },
      { metric: METRICS.breakerRemaining, samples: () => this.#read('breaker', Math.min, ({ remaining }) => remaining) },
    ]
  }

  #read(
    label: string,
    join: (a: number, b: number) => number,
    numbers: (totals: ClusterTotals) => Readonly<Record<string, number>>,
  ): Sample[] {
    const found = new Map<string, { readonly labels: Labels; value: number }>()
    for (const totals of this.#totals) {
      const [direction, destination] = this.#labelsOf(totals.name, totals.isApp)
      for (const [state, value] of Object.entries(numbers(totals))) {
        const key = `${direction} ${destination} ${state}`
        const known = found.get(key)
        if (known !== undefined) known.value = join(known.value, value)
        else found.set(key, { labels: { direction, destination, [label]: state }, value })
      }
    }
    return [...found.values()]
  }

  #labelsOf(name: string, isApp: boolean): [direction: 'inbound' | 'outbound', destination: string] {
    const direction = isApp ? 'inbound' : 'outbound'
    return [direction, this.#requests.destinationOf(direction, name)]
  }
}

const sum = (a: number, b: number) => a + b

/** Counts of the layers below, each under the metric that the table gives it. */
function counterFamilies(counters: Counters): Family[] {
  const families: Family[] = []
  for (const name of COUNTERS) {
    const key = COUNTER_METRICS[name] ?? null
    if (key !== null) families.push({ metric: METRICS[key], samples: () => [{ value: counters.get(name) }] })
  }
  const limits = COUNTERS.filter(name => COUNTER_METRICS[name] === undefined)
  const samples = (): Sample[] => limits.map(limit => ({ labels: { limit }, value: counters.get(limit) }))
  return [...families, { metric: METRICS.limits, samples }]
}

function inOrder(families: readonly Family[]): Family[] {
  const position = new Map((Object.keys(METRICS) as MetricKey[]).map((key, index) => [METRICS[key].name as string, index]))
  return families.toSorted((a, b) => (position.get(a.metric.name) as number) - (position.get(b.metric.name) as number))
}
