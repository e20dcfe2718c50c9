import type { AccessRecord } from './access-record.ts'

/** One failed exchange with all that is known of it: what `/failures` and `outrider why` show. Keys as in the access log; ms are from its start. */
export interface FailureRecord extends AccessRecord {
  /** The sidecar that carried it. */
  readonly node: FailureNode
  /** Why there was no other try, apart from the count: `budget`, `replay limit`, `retry overflow`. They end `details`, too. */
  readonly stops: readonly string[]
  /** The last tries, in order. */
  readonly tries: readonly FailedTry[]
  /** In force for it, ms; null: there was no route. */
  readonly timeouts: FailureTimeouts | null
  /** Null: no retries. */
  readonly retry: { readonly attempts: number; readonly on: readonly string[]; readonly codes: readonly number[] } | null
  /** Where timeouts and retries were written, if elsewhere than the rule: `{ 'timeouts.request': 'TrafficPolicy default/orders (policy.yaml:9)' }`. */
  readonly origins: Readonly<Record<string, string>>
}

/** Who a sidecar is. */
export interface FailureNode {
  readonly id: string
  readonly service: string
  readonly namespace: string
}

/** Null: there was none. */
export interface FailureTimeouts {
  readonly request_ms: number | null
  readonly per_try_ms: number | null
  readonly idle_ms: number | null
}

/** One try. */
export interface FailedTry {
  /** 1 for the first. */
  readonly number: number
  /** `IP:PORT`; null: none could be picked. */
  readonly endpoint: string | null
  /** Since the exchange began, ms. */
  readonly started_ms: number
  /** Until its answer's head or its failure, ms; null: it was given up before either. */
  readonly duration_ms: number | null
  /** Of its answer; 0: none. */
  readonly status: number
  /** Of `proxy/errors.ts`; where a sidecar made the answer, the code that it gave. Null: the answer is the app's own. */
  readonly code: string | null
  /** Null: there was an answer. */
  readonly message: string | null
}

/** Which failures are asked for. All conditions hold together. */
export interface FailureQuery {
  /** A request id, or a trace id of 32 hexadecimal digits; null: any. */
  readonly id: string | null
  /** At most so many requests, the latest, each with all its records. 1 to MAX_FAILURES. */
  readonly last: number
  /** That called or was called; null: any. */
  readonly service: string | null
  /** Of the service that called or was called; null: any. */
  readonly namespace: string | null
}
