import type { ListedEndpoint } from '../model/document.ts'
import type { Lease } from '../store/store.ts'
import { isSame } from './memo.ts'
import type { EndpointView, ServiceEntry } from './tables.ts'

const OF_LEASE = new WeakMap<Lease, EndpointView>()
const OF_LISTED = new WeakMap<ListedEndpoint, EndpointView>()

/** Whether a service's endpoints come by discovery, so that it has an assignment. */
export function isDiscovered(service: ServiceEntry): boolean {
  return service.document?.spec.dns === undefined
}

/**
 * The endpoints of one service, sorted by address and port; the previous list itself where nothing changed.
 *
 * A lease that drains, or whose app is not ready, is no endpoint: readiness means here what it means in Kubernetes. One whose stream broke is UNHEALTHY.
 * A listed endpoint of weight 0 takes nothing, so it is none either: xDS has no such weight.
 * Two leases of one address (an instance that came back under another id) are one endpoint: the healthier one's, then the newer one's.
 */
export function endpointsOf(
  service: ServiceEntry,
  leases: readonly Lease[],
  previous: readonly EndpointView[] | undefined,
): readonly EndpointView[] {
  const listed = service.document?.spec.endpoints
  const endpoints = listed !== undefined ? listed.filter(each => each.weight !== 0).map(ofListed) : registered(service, leases).map(ofLease)
  endpoints.sort(byAddress)
  return previous !== undefined && isSame(previous, endpoints) ? previous : endpoints
}

function registered(service: ServiceEntry, leases: readonly Lease[]): Lease[] {
  const wanted = Object.entries(service.document?.spec.selector ?? { service: service.name })
  const byName = new Map<string, Lease>()
  for (const lease of leases) {
    if (lease.isDraining || !lease.isAppReady) continue
    if (!wanted.every(([key, value]) => (key === 'service' ? lease.service : lease.labels[key]) === value)) continue
    const name = `${lease.address} ${lease.port}`
    const other = byName.get(name)
    if (other === undefined || isBetter(lease, other)) byName.set(name, lease)
  }
  return [...byName.values()]
}

function isBetter(lease: Lease, other: Lease): boolean {
  if (lease.health !== other.health) return lease.health === 'healthy'
  return lease.registeredAt > other.registeredAt
}

function byAddress(a: EndpointView, b: EndpointView): number {
  if (a.address !== b.address) return a.address < b.address ? -1 : 1
  return a.port - b.port
}

function ofLease(lease: Lease): EndpointView {
  const known = OF_LEASE.get(lease)
  if (known !== undefined) return known
  const { address, port, health, node } = lease
  const view: EndpointView = { address, port, weight: 1, health, labels: { ...lease.labels, service: lease.service }, node }
  OF_LEASE.set(lease, view)
  return view
}

function ofListed(listed: ListedEndpoint): EndpointView {
  const known = OF_LISTED.get(listed)
  if (known !== undefined) return known
  const { address, port } = listed
  const view: EndpointView = { address, port, weight: listed.weight ?? 1, health: 'healthy', labels: listed.labels ?? {}, node: null }
  OF_LISTED.set(listed, view)
  return view
}

/** Leases by namespace; within one, services with a plain selector find theirs by name. */
export class LeaseIndex {
  readonly #byNamespace = new Map<string, Lease[]>()
  readonly #byService = new Map<string, Lease[]>()

  constructor(leases: readonly Lease[]) {
    for (const lease of leases) {
      push(this.#byNamespace, lease.namespace, lease)
      push(this.#byService, `${lease.namespace}/${lease.service}`, lease)
    }
  }

  /** `namespace/name` of each service that has a lease, draining ones included: a name stays known while its last instance leaves. Sorted. */
  get services(): string[] {
    return [...this.#byService.keys()].sort()
  }

  /** Those that may be endpoints of `service`. */
  candidates(service: ServiceEntry): readonly Lease[] {
    const selector = service.document?.spec.selector
    const name = selector === undefined ? service.name : selector['service']
    const found = name === undefined ? this.#byNamespace.get(service.namespace) : this.#byService.get(`${service.namespace}/${name}`)
    return found ?? []
  }
}

function push(table: Map<string, Lease[]>, key: string, lease: Lease): void {
  const list = table.get(key)
  if (list === undefined) table.set(key, [lease])
  else list.push(lease)
}
