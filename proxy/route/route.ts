/** One service as callers name it: its domains, and the routes that are tried in order. xDS: `VirtualHost`. */
export interface VirtualHost {
  /** Unique in its route table, such as `default/orders:80`. */
  readonly name: string
  /** `orders`, `orders:80`, `*.example`, `orders:*` or `*`; lower case. Exact beats suffix (`*.x`), which beats prefix (`x:*`), which beats `*`. */
  readonly domains: readonly string[]
  /** In order of precedence: the first one whose match holds is taken. */
  readonly routes: readonly RouteEntry[]
}

export interface RouteEntry {
  readonly match: RouteMatch
  readonly route: Route
}

/** All parts must hold. */
export interface RouteMatch {
  /** Against the normalised path without its query. */
  readonly path: PathMatch
  readonly method: string | null
  readonly headers: readonly ValueMatch[]
  /** First value of each parameter counts, as the Gateway API says. */
  readonly query: readonly ValueMatch[]
}

export type PathMatch =
  | { readonly kind: 'exact'; readonly value: string }
  /** By segment: `/api` matches `/api` and `/api/x`, not `/apix`. No trailing slash, except `/` itself, which matches all. */
  | { readonly kind: 'prefix'; readonly value: string }
  /** RE2 syntax, against the whole path. */
  | { readonly kind: 'regex'; readonly value: string }

export interface ValueMatch {
  /** Header names in lower case; query parameters as they are. */
  readonly name: string
  readonly kind: 'exact' | 'regex'
  readonly value: string
}

/** What happens to a request that matched. */
export interface Route {
  readonly name: string
  /** Where the operator wrote it, such as `HTTPRoute default/orders rule 1 (routes.yaml:12)`. Carried into explain, logs and spans. */
  readonly origin: string
  /** Where single settings come from if elsewhere, by path: `{ 'retry.attempts': 'TrafficPolicy default/orders (policy.yaml:9)' }`. */
  readonly origins: Readonly<Record<string, string>>
  readonly action: RouteAction
  /** Of the whole rule; those of a backendRef come after it. */
  readonly modifiers: Modifiers | null
  readonly timeouts: Timeouts
  readonly retry: RetryPolicy | null
}

export type RouteAction =
  | { readonly kind: 'forward'; readonly clusters: readonly WeightedCluster[] }
  | {
      readonly kind: 'redirect'
      readonly status: number
      readonly scheme: 'http' | 'https' | null
      readonly host: string | null
      readonly port: number | null
      readonly path: PathModifier | null
    }
  | { readonly kind: 'respond'; readonly status: number; readonly body: string }

/** A backendRef: its share, and the filters that hold for it alone. */
export interface WeightedCluster {
  /** Empty: the backendRef is invalid, and its share is answered 500 (Gateway API). */
  readonly cluster: string
  readonly weight: number
  readonly modifiers: Modifiers | null
}

/** Changes to heads, in the Gateway API's order: set, add, remove. Names in lower case. */
export interface Modifiers {
  readonly request: HeaderModifier | null
  readonly response: HeaderModifier | null
  /** URLRewrite. */
  readonly host: string | null
  readonly path: PathModifier | null
}

export interface HeaderModifier {
  readonly set: readonly (readonly [string, string])[]
  readonly add: readonly (readonly [string, string])[]
  readonly remove: readonly string[]
}

export type PathModifier =
  | { readonly kind: 'full'; readonly value: string }
  /** Replaces what the rule's prefix matched. */
  | { readonly kind: 'prefix'; readonly value: string }

/** Milliseconds; null switches one off. */
export interface Timeouts {
  /** From the request's last octet to the response's last octet, all attempts together. */
  readonly requestMs: number | null
  /** From the attempt's start (after the body's last octet where it is streamed) to its response head. */
  readonly perTryMs: number | null
  /** Longest silence of a stream, both directions together. */
  readonly idleMs: number | null
}

/** On what a try is made again. Envoy's words, without `gateway-error` spelled out. */
export type RetryOn =
  | 'connect-failure'
  | 'refused-stream'
  | 'reset'
  | 'gateway-error'
  | '5xx'
  | 'retriable-status-codes'
  | 'per-try-timeout'

export interface RetryPolicy {
  /** Retries, not tries: 2 means at most 3 tries (Gateway API). 0: none. */
  readonly attempts: number
  readonly on: readonly RetryOn[]
  /** With `retriable-status-codes`. */
  readonly codes: readonly number[]
  /** Base of the full-jitter backoff, ms. */
  readonly backoffMs: number
  readonly maxBackoffMs: number
  /** Retry methods that are not idempotent too. */
  readonly unsafeMethods: boolean
}

/** What holds without any document: product.md, "Retries" and "Timeouts". */
export const DEFAULT_TIMEOUTS: Timeouts = { requestMs: null, perTryMs: null, idleMs: 300_000 }

export const DEFAULT_RETRY: RetryPolicy = {
  attempts: 2,
  on: ['connect-failure', 'refused-stream', 'reset', 'gateway-error'],
  codes: [],
  backoffMs: 25,
  maxBackoffMs: 250,
  unsafeMethods: false,
}
