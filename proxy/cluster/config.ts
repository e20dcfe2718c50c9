import type { Endpoint } from './endpoint.ts'

/** What requests of one service's port share: how its endpoints are found, chosen and guarded. xDS: `Cluster`. Immutable. */
export interface ClusterConfig {
  /** Such as `default/orders:80`. */
  readonly name: string
  readonly discovery: Discovery
  /** What the endpoints speak. */
  readonly protocol: 'http' | 'http2' | 'grpc' | 'tcp' | 'tls'
  readonly policy: LoadBalancerPolicy
  readonly connectTimeoutMs: number
  readonly breaker: BreakerThresholds
  readonly budget: BudgetConfig
  /** Where the operator wrote it. */
  readonly origin: string
}

export type Discovery =
  /** Endpoints come by EDS under this name. */
  | { readonly kind: 'eds'; readonly serviceName: string }
  | { readonly kind: 'static'; readonly endpoints: readonly Endpoint[] }
  /** All addresses of a name (Envoy's STRICT_DNS). */
  | { readonly kind: 'dns'; readonly host: string; readonly port: number }
  /** Hosts outside the mesh: the request's own authority, by DNS. */
  | { readonly kind: 'passthrough' }

/** Policies that this version balances by. */
export type LoadBalancerPolicy = 'roundRobin' | 'leastRequest'

/** Envoy's circuit-breaker thresholds; over one the request is answered at once (UO). */
export interface BreakerThresholds {
  readonly maxConnections: number
  readonly maxPending: number
  readonly maxRequests: number
  readonly maxRetries: number
}

export interface BudgetConfig {
  /** Retries for 100 first tries. */
  readonly percent: number
  readonly minPerSecond: number
}

export const DEFAULT_CONNECT_TIMEOUT_MS = 1_000
/** Envoy's defaults, except for retries, which the budget limits (Envoy: 3). */
export const DEFAULT_BREAKER: BreakerThresholds = { maxConnections: 1024, maxPending: 1024, maxRequests: 1024, maxRetries: 1024 }
export const DEFAULT_BUDGET: BudgetConfig = { percent: 20, minPerSecond: 1 }
