import { DEFAULT_RETRY, DEFAULT_TIMEOUTS, type RetryOn, type RetryPolicy, type Timeouts } from '../../proxy/route/route.ts'
import type { HTTPRouteRule, TrafficPolicySpec } from '../model/document.ts'
import { parseDuration } from '../model/duration.ts'
import type { Layer } from './policies.ts'
import type { ClusterView } from './tables.ts'

const durationMs = (text: string | undefined): number | null => (text === undefined ? null : parseDuration(text))

/** Defaults of a cluster: product.md, "Timeouts" and "Retries"; Envoy's breaker defaults, except for retries, which the budget limits. */
export const CLUSTER_DEFAULTS = {
  policy: 'leastRequest',
  connectTimeoutMs: 1_000,
  breaker: { maxConnections: 1024, maxPending: 1024, maxRequests: 1024, maxRetries: 1024 },
  budget: { percent: 20, minPerSecond: 1 },
} as const

/** Conditions on a response's status: a rule that lists codes means those codes and no others. */
const STATUS_CONDITIONS: ReadonlySet<string> = new Set(['gateway-error', '5xx', 'retriable-status-codes'])

/** Merges settings field by field and notes where each comes from. */
class Merge {
  readonly origins: Record<string, string> = {}
  readonly #layers: readonly Layer[]

  constructor(layers: readonly Layer[]) {
    this.#layers = layers
  }

  /** The rule's value, else that of the first policy which has one, else undefined. Only a policy's origin is noted: the rule's is the route's own. */
  field<T>(path: string, own: T | undefined, read: (spec: TrafficPolicySpec) => T | undefined): T | undefined {
    if (own !== undefined) return own
    for (const layer of this.#layers) {
      const value = read(layer.document.spec)
      if (value === undefined) continue
      this.origins[path] = layer.origin
      return value
    }
    return undefined
  }
}

/** 0 switches a timeout off, and so does null. */
function timeout(text: string | undefined, otherwise: number | null): number | null {
  if (text === undefined) return otherwise
  return durationMs(text) || null
}

/** What a route's rule and the policies above it say together. */
export interface RouteSettings {
  readonly timeouts: Timeouts
  readonly retry: RetryPolicy | null
  readonly origins: Readonly<Record<string, string>>
}

/** @param layers those of the route, then those of the service. */
export function routeSettings(rule: HTTPRouteRule | null, layers: readonly Layer[]): RouteSettings {
  const merge = new Merge(layers)
  const timeouts = {
    requestMs: timeout(
      merge.field('timeouts.request', rule?.timeouts?.request, spec => spec.timeouts?.request),
      DEFAULT_TIMEOUTS.requestMs,
    ),
    perTryMs: timeout(
      merge.field('retry.perTryTimeout', rule?.timeouts?.backendRequest, spec => spec.retry?.perTryTimeout),
      DEFAULT_TIMEOUTS.perTryMs,
    ),
    idleMs: timeout(
      merge.field<string>('timeouts.idle', undefined, spec => spec.timeouts?.idle),
      DEFAULT_TIMEOUTS.idleMs,
    ),
  }
  const retry = retrySettings(rule?.retry, merge)
  return { timeouts, retry: retry.attempts === 0 ? null : retry, origins: merge.origins }
}

function retrySettings(own: HTTPRouteRule['retry'], merge: Merge): RetryPolicy {
  const codes = merge.field('retry.codes', own?.codes, spec => spec.retry?.codes) ?? DEFAULT_RETRY.codes
  const words = merge.field<readonly string[]>('retry.on', undefined, spec => spec.retry?.on) ?? DEFAULT_RETRY.on
  const backoff = merge.field('retry.backoff', own?.backoff, spec => spec.retry?.backoff)
  const maxBackoff = merge.field<string>('retry.maxBackoff', undefined, spec => spec.retry?.maxBackoff)
  const baseMs = durationMs(backoff) ?? DEFAULT_RETRY.backoffMs
  // A longer base lifts the default ceiling with it, or the base would never be reached; a ceiling that somebody wrote holds for every base.
  const maxBackoffMs = durationMs(maxBackoff) ?? Math.max(DEFAULT_RETRY.maxBackoffMs, baseMs * 10)
  return {
    attempts: merge.field('retry.attempts', own?.attempts, spec => spec.retry?.attempts) ?? DEFAULT_RETRY.attempts,
    on: conditions(words as readonly RetryOn[], codes, own?.codes !== undefined),
    codes: [...codes],
    backoffMs: Math.min(baseMs, maxBackoffMs),
    maxBackoffMs,
    unsafeMethods: merge.field<boolean>('retry.unsafeMethods', undefined, spec => spec.retry?.unsafeMethods) ?? DEFAULT_RETRY.unsafeMethods,
  }
}

function conditions(words: readonly RetryOn[], codes: readonly number[], isByRule: boolean): RetryOn[] {
  const kept = isByRule ? words.filter(each => !STATUS_CONDITIONS.has(each)) : [...words]
  if (codes.length > 0 && !kept.includes('retriable-status-codes')) kept.push('retriable-status-codes')
  return kept
}

/** What a cluster's policies say. */
export type ClusterSettings = Pick<ClusterView, 'policy' | 'connectTimeoutMs' | 'breaker' | 'budget' | 'origins'>

/** @param layers those of the service's port. */
export function clusterSettings(layers: readonly Layer[]): ClusterSettings {
  const merge = new Merge(layers)
  const number = (path: string, otherwise: number, read: (spec: TrafficPolicySpec) => number | undefined) =>
    merge.field<number>(path, undefined, read) ?? otherwise
  const { breaker, budget } = CLUSTER_DEFAULTS
  return {
    policy: merge.field('loadBalancer.policy', undefined, spec => spec.loadBalancer?.policy) ?? CLUSTER_DEFAULTS.policy,
    connectTimeoutMs:
      durationMs(merge.field<string>('timeouts.connect', undefined, spec => spec.timeouts?.connect)) ?? CLUSTER_DEFAULTS.connectTimeoutMs,
    breaker: {
      maxConnections: number('circuitBreaker.maxConnections', breaker.maxConnections, spec => spec.circuitBreaker?.maxConnections),
      maxPending: number('circuitBreaker.maxPending', breaker.maxPending, spec => spec.circuitBreaker?.maxPending),
      maxRequests: number('circuitBreaker.maxRequests', breaker.maxRequests, spec => spec.circuitBreaker?.maxRequests),
      maxRetries: number('circuitBreaker.maxRetries', breaker.maxRetries, spec => spec.circuitBreaker?.maxRetries),
    },
    budget: {
      percent: number('retry.budget.percent', budget.percent, spec => spec.retry?.budget?.percent),
      minPerSecond: number('retry.budget.minPerSecond', budget.minPerSecond, spec => spec.retry?.budget?.minPerSecond),
    },
    origins: merge.origins,
  }
}
