import type { ClusterConfig } from '../cluster/config.ts'
import type { VirtualHost } from '../route/route.ts'
import { decodeCluster } from './cluster.ts'
import { decodeEndpoints, type EndpointAssignment } from './endpoint.ts'
import { Holdings } from './holdings.ts'
import { decodeListener, type ListenerSource } from './listener.ts'
import { decodeRoutes, type RouteTableSource } from './route.ts'
import { decodeVirtualHost } from './virtual-host.ts'

/** What a snapshot is put together from: all resources that are held, by type. */
export interface Parts {
  readonly cluster: Holdings<ClusterConfig>
  readonly endpoint: Holdings<EndpointAssignment>
  readonly listener: Holdings<ListenerSource>
  readonly routes: Holdings<RouteTableSource>
  readonly virtualHost: Holdings<VirtualHost>
}

/** Nothing held yet. */
export function emptyParts(): Parts {
  return {
    cluster: new Holdings(decodeCluster, value => value.name),
    endpoint: new Holdings(decodeEndpoints, value => value.name),
    listener: new Holdings(decodeListener, value => value.listener.name),
    routes: new Holdings(decodeRoutes, value => value.name),
    // Named `<table>/<service>` as a resource, and what it likes as a virtual host.
    virtualHost: new Holdings(decodeVirtualHost, () => null),
  }
}
