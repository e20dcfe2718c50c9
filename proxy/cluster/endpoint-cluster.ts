import type { RequestHead } from '../http/head.ts'
import { ClusterCore } from './cluster-core.ts'
import type { ClusterConfig } from './config.ts'
import type { Environment } from './connect.ts'
import { DnsDiscovery } from './dns-discovery.ts'
import type { Endpoint, Host } from './endpoint.ts'
import { Picker } from './picker.ts'
import type { PooledHost } from './pool.ts'

/** A cluster whose endpoints are known beforehand: listed, registered, or all addresses of a name. */
export class EndpointCluster extends ClusterCore {
  #picker: Picker
  #endpoints: readonly Endpoint[] | null = null
  #dns: DnsDiscovery | null = null

  constructor(config: ClusterConfig, environment: Environment, isApp: boolean) {
    super(config, environment, isApp)
    this.#picker = new Picker(config.policy, [], environment.random)
    this.#discover()
  }

  override update(config: ClusterConfig): void {
    const old = this.config
    super.update(config)
    if (config.policy !== old.policy) this.#picker = new Picker(config.policy, this.hosts, this.environment.random)
    this.#discover()
  }

  /** Replaces the endpoints. What was learned of those that stay is kept. The same list again, as most snapshots bring it, costs nothing. */
  setEndpoints(endpoints: readonly Endpoint[]): void {
    if (endpoints === this.#endpoints) return
    this.#endpoints = endpoints
    this.#picker = new Picker(this.config.policy, this.place(endpoints), this.environment.random)
  }

  /** A promise only until a name has been looked up for the first time. */
  override pick(_head: RequestHead, tried: readonly Host[]): Host | null | Promise<Host | null> {
    const first = this.#dns?.first ?? null
    return first === null ? this.#pickNow(tried) : first.then(() => this.#pickNow(tried))
  }

  override stop(): void {
    this.#dns?.stop()
    this.#dns = null
  }

  override revive(): void {
    super.revive()
    this.#discover()
  }

  override describe(): string {
    const failure = this.#dns?.failure ?? null
    return failure === null ? super.describe() : `${super.describe()} (${failure})`
  }

  #pickNow(tried: readonly Host[]): PooledHost | null {
    const picker = this.#picker
    const host = picker.pick(tried)
    if (picker.isPanic && host !== null) this.environment.counters.add('panic_picks')
    return host
  }

  #discover(): void {
    const { discovery } = this.config
    const { host, port } = discovery.kind === 'dns' ? discovery : { host: null, port: 0 }
    if (this.#dns !== null && (this.#dns.host !== host || this.#dns.port !== port)) this.stop()
    if (discovery.kind === 'static') this.setEndpoints(discovery.endpoints)
    if (host !== null && this.#dns === null) {
      this.#dns = new DnsDiscovery(host, port, this.environment, endpoints => this.setEndpoints(endpoints))
    }
  }
}
