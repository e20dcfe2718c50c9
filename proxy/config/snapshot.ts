import type { ClusterConfig } from '../cluster/config.ts'
import type { Endpoint } from '../cluster/endpoint.ts'
import type { VirtualHost } from '../route/route.ts'
import type { TelemetryConfig } from '../telemetry/config.ts'

/** What a listener does beyond its address, which is the sidecar's own flag. xDS: `Listener` with an HttpConnectionManager. */
export interface ListenerConfig {
  readonly name: 'outbound' | 'inbound'
  /** Name of its route table. */
  readonly routes: string
  /** `Via` is added (RFC 9110 section 7.6.3); `Mesh.via: off` switches it off. */
  readonly via: boolean
  /** Tokens besides `websocket` that `Upgrade` may ask for; lower case. */
  readonly upgrades: readonly string[]
  readonly telemetry: TelemetryConfig
}

/** One consistent configuration. The data path reads it through one reference, swapped whole. */
export interface Snapshot {
  /** Of the store that it came from; sidecars follow one store. */
  readonly storeId: string
  /** Grows with each change of that store. */
  readonly revision: number
  readonly listeners: ReadonlyMap<string, ListenerConfig>
  /** Route tables by name, each a list of virtual hosts. */
  readonly routes: ReadonlyMap<string, readonly VirtualHost[]>
  readonly clusters: ReadonlyMap<string, ClusterConfig>
  /** By EDS service name. A missing one has not been answered yet. */
  readonly endpoints: ReadonlyMap<string, readonly Endpoint[]>
}

/** Names that a reference in a snapshot may take: route tables, clusters. */
export const OUTBOUND = 'outbound'
export const INBOUND = 'inbound'
/** The static cluster of the local app; inbound routes name it. */
export const APP_CLUSTER = 'app'
/** The cluster of hosts outside the mesh. */
export const PASSTHROUGH_CLUSTER = 'passthrough'
