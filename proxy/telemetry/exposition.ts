import { createRequire } from 'node:module'
import type { Metric as PrometheusMetric, Registry, RegistryContentType } from 'prom-client'
import type { Metric } from './metric-names.ts'
import type { Labels } from './series.ts'

/** The registry alone takes 5 ms and 3 MB to load; the package's entry brings the OpenTelemetry API with it, which makes it 100 ms and 15 MB. */
const REGISTRY = 'prom-client/lib/registry.js'
const load = createRequire(import.meta.url)

type AnyRegistry = Registry<RegistryContentType>

/** One line of the page. */
export interface Sample {
  /** Of the whole name, where it is not the metric's own: `..._bucket`, `..._sum`, `..._count`. */
  readonly metricName?: string
  /** Kept by who gives it, so that its text is made once and not at each scrape. */
  readonly sharedLabels?: Labels
  /** Of this line alone. */
  readonly labels?: Labels
  readonly value: number
}

/** A metric, with how its lines are read. */
export interface Family {
  readonly metric: Metric
  samples(): Sample[]
}

/** A page as it goes out. */
export interface ExpositionPage {
  readonly contentType: string
  readonly text: string
}

/** What one registry of prom-client asks for. An object for each registry: OpenMetrics takes `_total` off the names of counters, in place. */
class Collector {
  name: string
  readonly help: string
  readonly type: Metric['type']
  readonly #samples: () => Sample[]

  constructor({ metric, samples }: Family) {
    this.name = metric.name
    this.help = metric.help
    this.type = metric.type
    this.#samples = samples
  }

  get(): object {
    return { name: this.name, help: this.help, type: this.type, values: this.#samples() }
  }
}

/**
 * The page of a scrape, in the Prometheus text format or in OpenMetrics. prom-client writes both; each has a registry of its own, because a registry's format is
 * a state of it, and two scrapes may run at once. Loaded and made by the first scrape: a sidecar that nobody scrapes has nothing of it.
 */
export class Exposition {
  readonly #families: readonly Family[]
  #registries: { readonly text: AnyRegistry; readonly openMetrics: AnyRegistry } | null = null

  constructor(families: readonly Family[]) {
    this.#families = families
  }

  /** @param accept the request's field, or an empty string. */
  async page(accept: string): Promise<ExpositionPage> {
    this.#registries ??= this.#makeRegistries()
    const { text, openMetrics } = this.#registries
    const registry = prefersOpenMetrics(accept) ? openMetrics : text
    return { contentType: registry.contentType, text: await registry.metrics() }
  }

  #makeRegistries(): { text: AnyRegistry; openMetrics: AnyRegistry } {
    const Registries = load(REGISTRY) as typeof Registry
    const registry = (contentType: RegistryContentType) => {
      const made = new Registries<RegistryContentType>()
      made.setContentType(contentType)
      for (const family of this.#families) made.registerMetric(new Collector(family) as unknown as PrometheusMetric)
      return made
    }
    return { text: registry(Registries.PROMETHEUS_CONTENT_TYPE), openMetrics: registry(Registries.OPENMETRICS_CONTENT_TYPE) }
  }
}

/** Whether OpenMetrics 1.0 is wanted at least as much as plain text, as Prometheus asks for it. Without a word of it: no. */
export function prefersOpenMetrics(accept: string): boolean {
  let plain = 0
  let open = 0
  for (const range of accept.split(',')) {
    const [type, ...parameters] = range.split(';').map(part => part.trim().toLowerCase())
    const parameter = (name: string) => parameters.find(each => each.startsWith(`${name}=`))?.slice(name.length + 1)
    const quality = Number(parameter('q') ?? 1)
    if (type === 'text/plain') plain = Math.max(plain, quality)
    else if (type === 'application/openmetrics-text' && (parameter('version') ?? '1.0.0') === '1.0.0') open = Math.max(open, quality)
  }
  return open > 0 && open >= plain
}
