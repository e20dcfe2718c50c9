import type { Endpoint } from '../cluster/endpoint.ts'
import { namedClusters } from '../config/check.ts'
import { INBOUND, OUTBOUND, type Snapshot } from '../config/snapshot.ts'
import type { VirtualHost } from '../route/route.ts'
import type { Parts } from './parts.ts'
import type { TypeName } from './resource.ts'

/** Why a snapshot is not put into force yet. */
export interface Missing {
  /** Without these there is nothing to put into force: listeners and their route tables. */
  readonly needed: readonly string[]
  /** Waited for, but not for long: clusters that routes name, and their endpoints; the first virtual hosts. */
  readonly awaited: readonly string[]
}

/**
 * Puts snapshots together from what is held: make before break. Pure but for its memory of what did not change: maps of a
 * snapshot whose parts are the same are the same objects, and so are virtual hosts, clusters and endpoint lists.
 */
export class Assembler {
  readonly #parts: Parts
  readonly #base: Snapshot
  #listeners: Snapshot['listeners'] | null = null
  #routes: Snapshot['routes'] | null = null
  #named: ReadonlySet<string> | null = null
  #clusters: Snapshot['clusters'] | null = null
  #endpoints: Snapshot['endpoints'] | null = null

  /** @param base what is there whatever comes: the cluster of the app. */
  constructor(parts: Parts, base: Snapshot) {
    this.#parts = parts
    this.#base = base
  }

  /** Parts of a type have changed. */
  changed(type: TypeName): void {
    if (type === 'listener') this.#listeners = null
    if (type === 'cluster') this.#clusters = null
    if (type === 'endpoint') this.#endpoints = null
    if (type === 'listener' || type === 'routes' || type === 'virtualHost') this.#routes = this.#named = null
  }

  /** The snapshot of what is held now, complete or not. */
  build(storeId: string, revision: number): Snapshot {
    this.#listeners ??= new Map([...this.#parts.listener.held].map(([name, { value }]) => [name, value.listener]))
    this.#routes ??= this.#buildRoutes()
    this.#clusters ??= new Map([
      ...[...this.#parts.cluster.held].map(([name, { value }]) => [name, value] as const),
      ...this.#base.clusters,
    ])
    this.#endpoints ??= this.#buildEndpoints()
    return { storeId, revision, listeners: this.#listeners, routes: this.#routes, clusters: this.#clusters, endpoints: this.#endpoints }
  }

  #buildRoutes(): ReadonlyMap<string, readonly VirtualHost[]> {
    const tables = new Map<string, VirtualHost[]>()
    for (const { value } of this.#parts.listener.held.values())
      if (value.inline !== null) tables.set(value.inline.name, [...value.inline.virtualHosts])
    const open = new Set<string>()
    for (const { value } of this.#parts.routes.held.values()) {
      tables.set(value.name, [...value.virtualHosts])
      if (value.hasMore) open.add(value.name)
    }
    for (const [name, { value }] of this.#parts.virtualHost.held) {
      const table = name.slice(0, Math.max(name.indexOf('/'), 0))
      if (open.has(table)) tables.get(table)?.push(value)
    }
    return tables
  }

  #buildEndpoints(): ReadonlyMap<string, readonly Endpoint[]> {
    const { held, absent } = this.#parts.endpoint
    const endpoints = new Map<string, readonly Endpoint[]>([...absent].map(name => [name, NONE]))
    for (const [name, { value }] of held) endpoints.set(name, value.endpoints)
    return endpoints
  }

  /** Names of the endpoints that the clusters ask for. */
  wantedEndpoints(): Set<string> {
    const names = new Set<string>()
    for (const { value } of this.#parts.cluster.held.values()) if (value.discovery.kind === 'eds') names.add(value.discovery.serviceName)
    return names
  }

  /**
   * What a swap has to wait for.
   *
   * @param hasVirtualHosts the control plane has answered for virtual hosts at all.
   */
  missing(hasVirtualHosts: boolean): Missing {
    this.#routes ??= this.#buildRoutes()
    this.#named ??= namedClusters([...this.#routes.values()].flat())
    const awaited: string[] = []
    const isOpen = [...this.#parts.routes.held.values()].some(({ value }) => value.hasMore)
    if (isOpen && !hasVirtualHosts) awaited.push('virtual hosts')
    for (const name of this.#named) {
      const what = this.#missingOf(name)
      if (what !== null) awaited.push(what)
    }
    return { needed: this.#needed(this.#routes), awaited }
  }

  #needed(routes: Snapshot['routes']): string[] {
    const needed: string[] = []
    for (const name of [OUTBOUND, INBOUND]) {
      const listener = this.#parts.listener.held.get(name)?.value.listener
      if (listener === undefined) needed.push(`listener ${name}`)
      else if (!routes.has(listener.routes)) needed.push(`route table ${listener.routes}`)
    }
    return needed
  }

  /** What is missing of one cluster. A refused one is known to be invalid, and nothing is waited for. */
  #missingOf(name: string): string | null {
    if (this.#base.clusters.has(name)) return null
    const { cluster, endpoint } = this.#parts
    const config = cluster.held.get(name)?.value
    if (config === undefined) return cluster.refused.has(name) ? null : `cluster ${name}`
    if (config.discovery.kind !== 'eds') return null
    const { serviceName } = config.discovery
    const isAnswered = endpoint.held.has(serviceName) || endpoint.absent.has(serviceName) || endpoint.refused.has(serviceName)
    return isAnswered ? null : `endpoints ${serviceName}`
  }
}

const NONE: readonly Endpoint[] = []
