import { compareRules } from '../../proxy/route/precedence.ts'
import type { RouteEntry, VirtualHost } from '../../proxy/route/route.ts'
import type { Document, HTTPRouteSpec, Model, ServicePort } from '../model/document.ts'
import type { Lease } from '../store/store.ts'
import { type AttachmentTable, attachmentTable, routesOfPort } from './attachments.ts'
import { Canonical } from './canonical.ts'
import { otherPortDomains, portDomains } from './domains.ts'
import { endpointsOf, isDiscovered, LeaseIndex } from './endpoints.ts'
import { isSame, Memo } from './memo.ts'
import { meshView } from './mesh.ts'
import { type Layer, layersOfPort, NO_LAYERS, type PolicyTable, policyTable } from './policies.ts'
import type { NodeGroup } from './resources.ts'
import { backendSignature, type Candidate, candidatesOf, MATCH_ALL } from './rules.ts'
import { type ServiceTable, serviceTable } from './services.ts'
import { clusterSettings, routeSettings } from './settings.ts'
import { type ClusterView, clusterName, type EndpointView, type MeshView, PASSTHROUGH, type ServiceEntry, type View } from './tables.ts'

/** What does not depend on who asks. */
interface Shared {
  readonly mesh: MeshView
  readonly services: ServiceTable
  readonly attachments: AttachmentTable
  readonly policies: PolicyTable
  readonly clusters: ReadonlyMap<string, ClusterView>
}

/** Routes of one port in their order, kept so that the next sort finds them nearly sorted. */
interface Ordered {
  readonly candidates: readonly Candidate[]
  readonly entries: readonly RouteEntry[]
}

const NO_DOCUMENTS: readonly Document<HTTPRouteSpec>[] = []

/**
 * Model and leases to neutral tables. A pure function in what it answers; it remembers its last steps, so that a change costs what the change is worth.
 * One instance serves one store.
 */
export class Views {
  readonly #canonical = new Canonical()
  readonly #memo = new Memo<unknown>()
  #index: { readonly leases: readonly Lease[]; readonly table: LeaseIndex } = { leases: [], table: new LeaseIndex([]) }
  #raw: Model | null = null
  #model: Model | null = null
  #endpoints: ReadonlyMap<string, readonly EndpointView[]> = new Map()
  #endpointsFrom: readonly unknown[] = []

  /** @param leases unchanged ones are the same objects from one call to the next. */
  viewFor(model: Model, leases: readonly Lease[], group: NodeGroup): View {
    const shared = this.#shared(model, leases)
    const { services, clusters, mesh } = shared
    const hosts: VirtualHost[] = []
    for (const [key, service] of services) {
      for (const port of service.ports) hosts.push(this.#portHost(shared, key, service, port, group.namespace))
      hosts.push(this.#otherPorts(mesh, key, service, group.namespace))
    }
    return {
      revision: model.revision,
      group,
      mesh,
      virtualHosts: hosts,
      fallback: mesh.isEgressAllowed ? this.#fallback() : null,
      clusters,
      endpoints: this.#endpointsOf(services, leases),
    }
  }

  /** Forgets what none of the views since the last call needed. */
  sweep(): void {
    this.#memo.sweep()
  }

  #once<T>(key: string, inputs: readonly unknown[], make: () => T): T {
    return this.#memo.get(key, inputs, make) as T
  }

  #shared(raw: Model, leases: readonly Lease[]): Shared {
    if (this.#raw !== raw || this.#model === null) {
      this.#model = this.#canonical.model(raw)
      this.#raw = raw
    }
    const model = this.#model
    if (this.#index.leases !== leases) this.#index = { leases, table: new LeaseIndex(leases) }
    const registered = this.#index.table.services
    // A null between lists keeps them apart: no two pairs of lists look the same.
    const services = this.#once('services', [...model.services, null, ...registered], () => serviceTable(model.services, registered))
    const policies = this.#once('policies', model.trafficPolicies, () => policyTable(model.trafficPolicies))
    return {
      mesh: this.#once('mesh', [model.mesh], () => meshView(model.mesh)),
      services,
      attachments: this.#once('attachments', model.httpRoutes, () => attachmentTable(model.httpRoutes)),
      policies,
      clusters: this.#clusters(services, policies),
    }
  }

  #clusters(services: ServiceTable, policies: PolicyTable): ReadonlyMap<string, ClusterView> {
    const views: ClusterView[] = []
    for (const [key, service] of services) {
      const layers = policies.get(`Service ${key}`) ?? NO_LAYERS
      for (const port of service.ports) {
        const name = clusterName(service.namespace, service.name, port.port)
        const inputs = [service.document, port, service.origin, ...layers.map(each => each.document)]
        views.push(this.#once(`cluster ${name}`, inputs, () => clusterView(name, service, port, layersOfPort(layers, port))))
      }
    }
    return this.#once('clusters', views, () => new Map(views.map(view => [view.name, view])))
  }

  #endpointsOf(services: ServiceTable, leases: readonly Lease[]): ReadonlyMap<string, readonly EndpointView[]> {
    const from = [services, leases]
    if (isSame(this.#endpointsFrom, from)) return this.#endpoints
    const next = new Map<string, readonly EndpointView[]>()
    for (const service of services.values()) {
      if (!isDiscovered(service)) continue
      const previous = this.#endpoints.get(clusterName(service.namespace, service.name, service.ports[0]?.port ?? 80))
      const endpoints = endpointsOf(service, this.#index.table.candidates(service), previous)
      for (const { port } of service.ports) next.set(clusterName(service.namespace, service.name, port), endpoints)
    }
    this.#endpoints = next
    this.#endpointsFrom = from
    return next
  }

  #portHost(shared: Shared, key: string, service: ServiceEntry, port: ServicePort, from: string): VirtualHost {
    const isHTTP = port.protocol !== 'tcp' && port.protocol !== 'tls'
    const attached = isHTTP ? (shared.attachments.get(key) ?? []) : []
    const documents = attached.length === 0 ? NO_DOCUMENTS : routesOfPort(attached, service, port, from)
    const routes = documents.length === 0 ? this.#ownRoute(shared, key, service, port) : this.#rules(shared, key, service, port, documents)
    const scope = from === service.namespace ? 'near' : 'far'
    const consumer = documents[0] !== undefined && documents[0].metadata.namespace !== service.namespace ? from : ''
    const name = `outbound/${key}:${port.port}`
    return this.#once(`host ${scope} ${consumer} ${name}`, [routes, service.document, shared.mesh], () => ({
      name,
      domains: portDomains(service, port.port, from, shared.mesh.trustDomain),
      routes,
    }))
  }

  /** Without an HTTPRoute every request goes to the service's own endpoints. */
  #ownRoute(shared: Shared, key: string, service: ServiceEntry, port: ServicePort): readonly RouteEntry[] {
    const layers = shared.policies.get(`Service ${key}`) ?? NO_LAYERS
    const inputs = [service.document, service.origin, port, ...layers.map(each => each.document)]
    return this.#once(`own ${key}:${port.port}`, inputs, () => {
      const cluster = clusterName(service.namespace, service.name, port.port)
      const route = {
        name: `${cluster}/default`,
        origin: service.origin,
        ...routeSettings(null, layersOfPort(layers, port)),
        action: { kind: 'forward' as const, clusters: [{ cluster, weight: 1, modifiers: null }] },
        modifiers: null,
      }
      return [{ match: MATCH_ALL, route }]
    })
  }

  #rules(
    shared: Shared,
    key: string,
    service: ServiceEntry,
    port: ServicePort,
    documents: readonly Document<HTTPRouteSpec>[],
  ): readonly RouteEntry[] {
    const place = `${key}:${port.port}`
    const all = shared.policies.get(`Service ${key}`) ?? NO_LAYERS
    const layers = layersOfPort(all, port)
    const lists = documents.map(document => this.#candidates(shared, place, document, layers))
    const side = documents[0]?.metadata.namespace === service.namespace ? '' : documents[0]?.metadata.namespace
    const memoKey = `rules ${side} ${place}`
    const before = this.#memo.peek(memoKey) as Ordered | undefined
    return this.#once(memoKey, lists, () => {
      const candidates = sortedAgain(before?.candidates ?? [], lists.flat())
      return { candidates, entries: candidates.map(each => each.entry) }
    }).entries
  }

  #candidates(shared: Shared, place: string, document: Document<HTTPRouteSpec>, serviceLayers: readonly Layer[]): readonly Candidate[] {
    const name = `${document.metadata.namespace}/${document.metadata.name}`
    const own = shared.policies.get(`HTTPRoute ${name}`) ?? NO_LAYERS
    const policies = own.length + serviceLayers.length === 0 ? NO_DOCUMENTS : [...own, null, ...serviceLayers].map(each => each?.document)
    const signature = this.#once(`backends ${name}`, [document, shared.services], () => backendSignature(document, shared.services))
    return this.#once(`candidates ${place} ${name}`, [document, signature, ...policies], () =>
      candidatesOf(document, shared.services, own, serviceLayers),
    )
  }

  #otherPorts(mesh: MeshView, key: string, service: ServiceEntry, from: string): VirtualHost {
    const scope = from === service.namespace ? 'near' : 'far'
    return this.#once(`host ${scope} ${key}:*`, [service.document, mesh], () => ({
      name: `outbound/${key}:*`,
      domains: otherPortDomains(service, from, mesh.trustDomain),
      routes: [],
    }))
  }

  #fallback(): VirtualHost {
    return this.#once('fallback', [], () => {
      const action = { kind: 'forward' as const, clusters: [{ cluster: PASSTHROUGH, weight: 1, modifiers: null }] }
      const route = {
        name: PASSTHROUGH,
        origin: 'Mesh egress.unknownHosts: allow',
        action,
        modifiers: null,
        ...routeSettings(null, NO_LAYERS),
      }
      return { name: PASSTHROUGH, domains: ['*'], routes: [{ match: MATCH_ALL, route }] }
    })
  }
}

/** A view made from nothing: for tests, dry runs and explanations. Cost: that of the whole model. */
export function viewFor(model: Model, leases: readonly Lease[], group: NodeGroup): View {
  return new Views().viewFor(model, leases, group)
}

function clusterView(name: string, service: ServiceEntry, port: ServicePort, layers: readonly Layer[]): ClusterView {
  const dns = service.document?.spec.dns
  return {
    name,
    namespace: service.namespace,
    service: service.name,
    port: port.port,
    protocol: port.protocol,
    discovery: dns === undefined ? { kind: 'eds' } : { kind: 'dns', host: dns.name, port: dns.port },
    origin: service.origin,
    ...clusterSettings(layers),
  }
}

/** Sorts by precedence. What was sorted before comes first and in its order: a sort of two runs is next to a merge. */
function sortedAgain(before: readonly Candidate[], now: readonly Candidate[]): readonly Candidate[] {
  const fresh = new Set(now)
  const kept: Candidate[] = []
  for (const each of before) if (fresh.delete(each)) kept.push(each)
  return [...kept, ...[...fresh].sort(compareRules)].sort(compareRules)
}
