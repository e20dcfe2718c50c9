import type { VirtualHost } from '../../proxy/route/route.ts'
import type { Document, ServicePort, ServiceSpec } from '../model/document.ts'
import type { NodeGroup } from './resources.ts'

/** A service that callers can name: by its document, or by registration alone. */
export interface ServiceEntry {
  readonly namespace: string
  readonly name: string
  /** At least one. */
  readonly ports: readonly ServicePort[]
  /** Null: sidecars have registered under the name, and that is all. */
  readonly document: Document<ServiceSpec> | null
  readonly origin: string
}

/** What requests of one port of a service share. The neutral form of `Cluster`. */
export interface ClusterView {
  /** `default/orders:80`. */
  readonly name: string
  readonly namespace: string
  readonly service: string
  readonly port: number
  readonly protocol: ServicePort['protocol']
  readonly discovery: { readonly kind: 'eds' } | { readonly kind: 'dns'; readonly host: string; readonly port: number }
  readonly policy: 'roundRobin' | 'leastRequest'
  readonly connectTimeoutMs: number
  readonly breaker: {
    readonly maxConnections: number
    readonly maxPending: number
    readonly maxRequests: number
    readonly maxRetries: number
  }
  readonly budget: { readonly percent: number; readonly minPerSecond: number }
  readonly origin: string
  /** Where single settings come from if elsewhere, by path. */
  readonly origins: Readonly<Record<string, string>>
}

/** One address of a cluster. */
export interface EndpointView {
  readonly address: string
  readonly port: number
  readonly weight: number
  readonly health: 'healthy' | 'unhealthy'
  readonly labels: Readonly<Record<string, string>>
  /** Id of the node that registered it; null: listed in the document. */
  readonly node: string | null
}

/** What holds for the whole mesh. */
export interface MeshView {
  readonly trustDomain: string
  readonly via: boolean
  /** Lower case, sorted. */
  readonly upgrades: readonly string[]
  /** Hosts that no service has are passed through. */
  readonly isEgressAllowed: boolean
  readonly telemetry: TelemetryView
}

/** What is to be seen of requests. */
export interface TelemetryView {
  readonly samplingPercent: number
  /** Sorted. */
  readonly propagators: readonly ('tracecontext' | 'b3' | 'b3multi')[]
  readonly accessLog: { readonly mode: 'off' | 'errors' | 'all'; readonly format: 'json' | 'text' }
}

/** All that one group of proxies is told, before it is encoded. Immutable; unchanged parts are the same objects from one view to the next. */
export interface View {
  readonly revision: number
  readonly group: NodeGroup
  readonly mesh: MeshView
  /** One for each port of a service, and one for each service that catches its unknown ports. Sorted by name. */
  readonly virtualHosts: readonly VirtualHost[]
  /** The virtual host `*`, for hosts outside the mesh; null when they are refused. */
  readonly fallback: VirtualHost | null
  /** By name. */
  readonly clusters: ReadonlyMap<string, ClusterView>
  /** By cluster name, for those that are discovered; possibly empty. */
  readonly endpoints: ReadonlyMap<string, readonly EndpointView[]>
}

/** Name of the cluster of hosts outside the mesh. */
export const PASSTHROUGH = 'passthrough'

/** Name of the sidecar's own cluster for its app. */
export const APP = 'app'

/** `default/orders:80`. */
export function clusterName(namespace: string, service: string, port: number): string {
  return `${namespace}/${service}:${port}`
}
