import type { MeshError } from '../errors.ts'
import type { RequestHead } from '../http/head.ts'
import type { Connection } from '../http/message.ts'
import type { Cancellation } from '../util/cancellation.ts'
import { RetryBudget } from '../util/retry-budget.ts'
import { Breaker } from './breaker.ts'
import type { Cluster } from './cluster.ts'
import type { ClusterConfig } from './config.ts'
import type { Environment } from './connect.ts'
import { type Endpoint, endpointName, type Host } from './endpoint.ts'
import { describeHosts } from './inspect.ts'
import { type Pool, PooledHost, type PoolOwner } from './pool.ts'

/** What a retry budget looks back on. */
const BUDGET_WINDOW_MS = 10_000

/** One host for each address, port and way to reach it. */
function hostKey(endpoint: Endpoint): string {
  const name = endpointName(endpoint)
  return endpoint.transport.kind === 'plaintext' ? name : `${name} ${JSON.stringify(endpoint.transport)}`
}

/** What all kinds of clusters have: limits, budget, hosts and their pools. How hosts are found and picked is the subclass'. */
export abstract class ClusterCore implements Cluster, PoolOwner {
  config: ClusterConfig
  readonly environment: Environment
  readonly isApp: boolean
  readonly breaker: Breaker
  budget: RetryBudget
  readonly starved = new Set<Pool>()
  /** Called each time that a removed cluster may have become idle. */
  onIdle: (() => void) | null = null
  readonly #hosts = new Map<string, PooledHost>()
  /** Hosts that no endpoint names any more and that still have something in flight. */
  readonly #leaving = new Map<string, PooledHost>()
  /** Null: to be made again. */
  #list: readonly PooledHost[] | null = null

  /** @param isApp the local app's own cluster: it may lie behind an own listener's wildcard. */
  constructor(config: ClusterConfig, environment: Environment, isApp: boolean) {
    this.config = config
    this.environment = environment
    this.isApp = isApp
    this.breaker = new Breaker(config.breaker, environment.counters)
    this.budget = this.#makeBudget()
  }

  abstract pick(head: RequestHead, tried: readonly Host[]): Host | null | Promise<Host | null>

  /** Stops finding hosts; the cluster was removed. */
  abstract stop(): void

  get hosts(): readonly PooledHost[] {
    this.#list ??= [...this.#hosts.values()]
    return this.#list
  }

  /** Nothing is in flight and nothing is open. */
  get isIdle(): boolean {
    return this.breaker.requests === 0 && this.breaker.connections === 0 && this.breaker.pending === 0
  }

  /** Takes new settings; counts, pools and what the budget remembers stay, except that another budget begins anew. */
  update(config: ClusterConfig): void {
    const old = this.config
    this.config = config
    this.breaker.thresholds = config.breaker
    const isSameBudget = old.budget.percent === config.budget.percent && old.budget.minPerSecond === config.budget.minPerSecond
    if (!isSameBudget) this.budget = this.#makeBudget()
    // Raised limits let waiting requests go at once.
    for (const pool of [...this.starved]) pool.connectMore()
  }

  enter(): boolean {
    return this.breaker.tryRequest()
  }

  leave(): void {
    this.breaker.requests--
    if (this.onIdle !== null) this.onIdle()
  }

  deposit(): void {
    this.budget.deposit()
  }

  beginRetry(): 'granted' | 'budget' | 'overflow' {
    if (!this.breaker.tryRetry()) return 'overflow'
    if (this.budget.withdraw()) return 'granted'
    this.breaker.retries--
    this.environment.counters.add('retry_budget_exhausted')
    return 'budget'
  }

  endRetry(): void {
    this.breaker.retries--
  }

  acquire(host: Host, cancelled: Cancellation, fresh: boolean): Connection | Promise<Connection> {
    return (host as PooledHost).pool.acquire(cancelled, fresh)
  }

  tryTunnel(): boolean {
    return this.breaker.tryConnection() || (this.reclaim() && this.breaker.tryConnection())
  }

  tunnelClosed(): void {
    this.breaker.connections--
    this.connectionEnded()
    if (this.onIdle !== null) this.onIdle()
  }

  describe(): string {
    return describeHosts(this.config.name, this.hosts)
  }

  /** Drains everything: the cluster was removed. Its exchanges may still pick and acquire. */
  retire(onIdle: () => void): void {
    this.onIdle = onIdle
    this.stop()
    for (const host of this.#hosts.values()) host.pool.drain()
    onIdle()
  }

  /** The cluster is back before it was gone. */
  revive(): void {
    this.onIdle = null
    for (const host of this.#hosts.values()) host.pool.revive()
  }

  /** Ends every connection at once. */
  destroy(error: MeshError): void {
    this.stop()
    for (const host of [...this.#hosts.values(), ...this.#leaving.values()]) host.pool.destroy(error)
  }

  reclaim(): boolean {
    for (const host of this.#hosts.values()) if (host.pool.closeIdle()) return true
    return false
  }

  connectionEnded(): void {
    if (this.starved.size === 0) return
    const [pool] = this.starved
    // It goes to the end of the queue if it is still short.
    if (pool !== undefined && this.starved.delete(pool)) pool.connectMore()
  }

  emptied(): void {
    if (this.onIdle !== null) this.onIdle()
    for (const [key, host] of this.#leaving) if (host.pool.isEmpty) this.#leaving.delete(key)
  }

  /** Hosts of these endpoints, the known ones with what was learned; the others drain. @returns the new list, each address once. */
  protected place(endpoints: readonly Endpoint[]): readonly PooledHost[] {
    const named = new Set(endpoints.map(endpoint => this.add(endpoint)))
    for (const host of this.hosts) if (!named.has(host)) this.remove(host)
    return this.hosts
  }

  /** The host of an endpoint, whose settings replace the ones before. */
  protected add(endpoint: Endpoint): PooledHost {
    const key = hostKey(endpoint)
    let host = this.#hosts.get(key) ?? null
    if (host === null) {
      host = this.#return(key) ?? new PooledHost(endpoint, this)
      this.#hosts.set(key, host)
      this.#list = null
    }
    host.endpoint = endpoint
    return host
  }

  /** It is picked no more and drains. */
  protected remove(host: PooledHost): void {
    const key = hostKey(host.endpoint)
    this.#hosts.delete(key)
    this.#list = null
    if (!host.pool.isEmpty) this.#leaving.set(key, host)
    host.pool.drain()
  }

  #return(key: string): PooledHost | null {
    const host = this.#leaving.get(key) ?? null
    if (host === null) return null
    this.#leaving.delete(key)
    host.pool.revive()
    return host
  }

  #makeBudget(): RetryBudget {
    const { percent, minPerSecond } = this.config.budget
    return new RetryBudget({ ratio: percent / 100, minPerSecond, windowMs: BUDGET_WINDOW_MS }, this.environment.timers.clock)
  }
}
