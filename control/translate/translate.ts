import type { Model } from '../model/document.ts'
import type { Lease } from '../store/store.ts'
import { clusterResource, PASSTHROUGH_RESOURCE } from './cluster.ts'
import { endpointResource } from './endpoint.ts'
import { listenerResources } from './listener.ts'
import { type NodeGroup, type Resource, type ResourceSet, TYPES, type TypeUrl } from './resources.ts'
import { routesResource, virtualHostResource } from './route.ts'
import type { View } from './tables.ts'
import { Views } from './view.ts'

/** `outrider default`: groups with equal keys are served the same resources. */
export function groupKey(group: NodeGroup): string {
  return `${group.client} ${group.namespace}`
}

/**
 * Model and leases to what each group of proxies is told. Equal inputs give equal resources, to the octet; what did not change since the last call is the
 * same object and is not encoded again.
 */
export class Translator {
  readonly #views = new Views()
  #sets = new Map<string, ResourceSet>()
  #used = new Set<string>()

  /** The neutral tables: what `explain` answers from. */
  viewFor(model: Model, leases: readonly Lease[], group: NodeGroup): View {
    return this.#views.viewFor(model, leases, group)
  }

  /** The encoded resources. @param leases unchanged ones are the same objects from one call to the next. */
  resourcesFor(model: Model, leases: readonly Lease[], group: NodeGroup): ResourceSet {
    const key = groupKey(group)
    const set = encode(this.viewFor(model, leases, group), this.#sets.get(key) ?? null)
    this.#sets.set(key, set)
    this.#used.add(key)
    return set
  }

  /** Forgets what no call since the last sweep needed. To be called after all groups in use were translated. */
  sweep(): void {
    this.#views.sweep()
    for (const key of this.#sets.keys()) if (!this.#used.has(key)) this.#sets.delete(key)
    this.#used = new Set()
  }
}

function encode(view: View, before: ResourceSet | null): ResourceSet {
  const clusters = [...view.clusters.values()].map(clusterResource)
  if (view.fallback !== null) clusters.push(PASSTHROUGH_RESOURCE)
  const endpoints: Resource[] = []
  for (const [cluster, list] of view.endpoints) endpoints.push(endpointResource(cluster, list))
  const hosts = view.group.client === 'outrider' ? view.virtualHosts.map(virtualHostResource) : []
  const byType = new Map<TypeUrl, ReadonlyMap<string, Resource>>()
  const put = (type: TypeUrl, resources: readonly Resource[]) => byType.set(type, table(resources, before?.byType.get(type)))
  put(TYPES.cluster, clusters)
  put(TYPES.endpoint, endpoints)
  put(TYPES.listener, listenerResources(view))
  put(TYPES.routes, [routesResource(view)])
  put(TYPES.virtualHost, hosts)
  return { revision: view.revision, byType }
}

/** By name; a resource whose content did not change stays the object that it was, and so does the whole table. */
function table(resources: readonly Resource[], before: ReadonlyMap<string, Resource> | undefined): ReadonlyMap<string, Resource> {
  const next = new Map<string, Resource>()
  let isChanged = before === undefined || before.size !== resources.length
  for (const resource of resources) {
    const known = before?.get(resource.name)
    const same = known?.version === resource.version
    if (!same) isChanged = true
    next.set(resource.name, same ? (known as Resource) : resource)
  }
  return isChanged || before === undefined ? next : before
}
