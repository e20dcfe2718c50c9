import type { MeshError } from '../errors.ts'
import type { Cluster, ClusterRegistry } from './cluster.ts'
import type { ClusterCore } from './cluster-core.ts'
import type { ClusterConfig } from './config.ts'
import type { Environment } from './connect.ts'
import type { Endpoint } from './endpoint.ts'
import { EndpointCluster } from './endpoint-cluster.ts'
import { type ClusterState, inspectCluster } from './inspect.ts'
import { PassthroughCluster } from './passthrough-cluster.ts'
import { type ClusterTotals, totalsOf } from './totals.ts'

/** The part of a snapshot that clusters are made of. */
export interface ClusterResources {
  readonly clusters: ReadonlyMap<string, ClusterConfig>
  /** By EDS service name. A missing one has not been answered yet: what was known stays. */
  readonly endpoints: ReadonlyMap<string, readonly Endpoint[]>
}

/** All clusters of one direction of the sidecar. */
export class Registry implements ClusterRegistry {
  readonly #environment: Environment
  readonly #clusters = new Map<string, ClusterCore>()
  /** Names that no snapshot removes. */
  readonly #own = new Set<string>()
  /** Removed, and not yet idle. */
  readonly #leaving = new Set<ClusterCore>()

  constructor(environment: Environment) {
    this.#environment = environment
  }

  get clusters(): Iterable<Cluster> {
    return this.#clusters.values()
  }

  /** Removed clusters whose exchanges are still under way. */
  get leavingCount(): number {
    return this.#leaving.size
  }

  get(name: string): Cluster | null {
    return this.#clusters.get(name) ?? null
  }

  /** Adds the sidecar's own cluster of the local app, which snapshots neither change nor remove, and which may be one of our own addresses. */
  addApp(config: ClusterConfig): Cluster {
    this.#own.add(config.name)
    return this.#place(config, true)
  }

  /** Makes the clusters what a snapshot says. Hosts, pools, counts and budgets of those that stay are kept. */
  reconcile(resources: ClusterResources): void {
    for (const config of resources.clusters.values()) {
      if (this.#own.has(config.name)) continue
      const cluster = this.#place(config, false)
      if (config.discovery.kind !== 'eds' || !(cluster instanceof EndpointCluster)) continue
      const endpoints = resources.endpoints.get(config.discovery.serviceName)
      if (endpoints !== undefined) cluster.setEndpoints(endpoints)
    }
    for (const [name, cluster] of this.#clusters) if (!resources.clusters.has(name) && !this.#own.has(name)) this.#retire(name, cluster)
  }

  /** Every cluster's state, the leaving ones last. */
  inspect(): readonly ClusterState[] {
    return [...this.#clusters.values(), ...this.#leaving].map(inspectCluster)
  }

  /** The same in numbers, of those clusters that are asked for. */
  *totals(isWanted: (name: string, isApp: boolean) => boolean): Generator<ClusterTotals> {
    for (const clusters of [this.#clusters.values(), this.#leaving])
      for (const cluster of clusters) if (isWanted(cluster.config.name, cluster.isApp)) yield totalsOf(cluster)
  }

  /** Ends every connection at once; the end of a drain. */
  destroy(error: MeshError): void {
    for (const cluster of [...this.#clusters.values(), ...this.#leaving]) cluster.destroy(error)
  }

  #place(config: ClusterConfig, isApp: boolean): ClusterCore {
    const isPassthrough = config.discovery.kind === 'passthrough'
    const known = this.#clusters.get(config.name)
    if (known !== undefined && known instanceof PassthroughCluster === isPassthrough) {
      known.update(config)
      return known
    }
    if (known !== undefined) this.#retire(config.name, known)
    const cluster = this.#returned(config, isPassthrough) ?? this.#make(config, isPassthrough, isApp)
    this.#clusters.set(config.name, cluster)
    return cluster
  }

  #make(config: ClusterConfig, isPassthrough: boolean, isApp: boolean): ClusterCore {
    return isPassthrough ? new PassthroughCluster(config, this.#environment, isApp) : new EndpointCluster(config, this.#environment, isApp)
  }

  /** A cluster that is still leaving comes back as it was. */
  #returned(config: ClusterConfig, isPassthrough: boolean): ClusterCore | null {
    for (const cluster of this.#leaving) {
      if (cluster.config.name !== config.name || cluster instanceof PassthroughCluster !== isPassthrough) continue
      this.#leaving.delete(cluster)
      cluster.revive()
      cluster.update(config)
      return cluster
    }
    return null
  }

  #retire(name: string, cluster: ClusterCore): void {
    this.#clusters.delete(name)
    this.#leaving.add(cluster)
    cluster.retire(() => {
      if (cluster.isIdle) this.#leaving.delete(cluster)
    })
  }
}
