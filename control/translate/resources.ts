import type { Any } from '@bufbuild/protobuf/wkt'

/** xDS types that are served, in the order in which a change must reach a proxy: make before break. */
export const TYPES = {
  cluster: 'type.googleapis.com/envoy.config.cluster.v3.Cluster',
  endpoint: 'type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment',
  listener: 'type.googleapis.com/envoy.config.listener.v3.Listener',
  routes: 'type.googleapis.com/envoy.config.route.v3.RouteConfiguration',
  virtualHost: 'type.googleapis.com/envoy.config.route.v3.VirtualHost',
} as const

export type TypeUrl = (typeof TYPES)[keyof typeof TYPES]

/** One encoded resource; its version is a hash of its content, so what did not change is not sent again. */
export interface Resource {
  readonly name: string
  readonly version: string
  readonly body: Any
}

/** All resources of one kind of proxy, by type and name. Immutable; unchanged resources are the same objects from one to the next. */
export interface ResourceSet {
  readonly revision: number
  readonly byType: ReadonlyMap<TypeUrl, ReadonlyMap<string, Resource>>
}

/** What proxies must have in common to be served the same resources. */
export interface NodeGroup {
  /** Short names resolve in it. */
  readonly namespace: string
  /** Our own sidecars take virtual hosts one by one (VHDS); others get them inline in the route configuration. */
  readonly client: 'outrider' | 'envoy'
}
