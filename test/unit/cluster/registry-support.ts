import type { ClusterConfig } from '../../../proxy/cluster/config.ts'
import type { Endpoint } from '../../../proxy/cluster/endpoint.ts'
import type { EndpointCluster } from '../../../proxy/cluster/endpoint-cluster.ts'
import { Registry } from '../../../proxy/cluster/registry.ts'
import { config, world } from './support.ts'

export const NAME = 'default/orders:80'

/** A registry that takes snapshots of one service by hand. */
export function registryWorld() {
  const mesh = world()
  const registry = new Registry(mesh.environment)
  const eds = (more: Partial<ClusterConfig> = {}) => config([], { discovery: { kind: 'eds', serviceName: NAME }, ...more })
  const apply = (clusters: readonly ClusterConfig[], endpoints: readonly Endpoint[] | null = null) =>
    registry.reconcile({
      clusters: new Map(clusters.map(each => [each.name, each])),
      endpoints: new Map(endpoints === null ? [] : [[NAME, endpoints]]),
    })
  const get = (name = NAME) => registry.get(name) as EndpointCluster
  return { ...mesh, registry, eds, apply, get }
}
