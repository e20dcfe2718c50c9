import type { CounterName, Counters } from '../util/counters.ts'
import type { BreakerThresholds } from './config.ts'

/**
 * The four counts of one cluster that xDS calls circuit breakers. Each `try...` takes one and says whether it was to be had; each true is given back once.
 * A threshold that a new snapshot lowers ends nothing: what is above it runs out.
 */
export class Breaker {
  thresholds: BreakerThresholds
  connections = 0
  pending = 0
  requests = 0
  retries = 0
  readonly #counters: Counters

  constructor(thresholds: BreakerThresholds, counters: Counters) {
    this.thresholds = thresholds
    this.#counters = counters
  }

  /** No connection may be opened and none is there to come free, so that waiting for one is in vain. */
  get isClosedToConnections(): boolean {
    return this.thresholds.maxConnections === 0 && this.connections === 0
  }

  /** A connection that is open or being opened. Over the limit nothing fails: the request waits. */
  tryConnection(): boolean {
    if (this.connections >= this.thresholds.maxConnections) return this.#overflow('breaker_connections_overflow')
    this.connections++
    return true
  }

  /** A request that waits for a connection. */
  tryPending(): boolean {
    if (this.pending >= this.thresholds.maxPending) return this.#overflow('breaker_pending_overflow')
    this.pending++
    return true
  }

  /** A request, waiting or sent. */
  tryRequest(): boolean {
    if (this.requests >= this.thresholds.maxRequests) return this.#overflow('breaker_requests_overflow')
    this.requests++
    return true
  }

  /** A retry in flight, its backoff included. */
  tryRetry(): boolean {
    if (this.retries >= this.thresholds.maxRetries) return this.#overflow('breaker_retries_overflow')
    this.retries++
    return true
  }

  #overflow(name: CounterName): false {
    this.#counters.add(name)
    return false
  }
}
