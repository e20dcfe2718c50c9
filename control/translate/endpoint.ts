import { HealthStatus } from '../../protos/gen/envoy/config/core/v3/health_check_pb.ts'
import { ClusterLoadAssignmentSchema } from '../../protos/gen/envoy/config/endpoint/v3/endpoint_pb.ts'
import type { Resource } from './resources.ts'
import type { EndpointView } from './tables.ts'
import { encoded, metadata } from './wire.ts'

/** Encoded assignments by their endpoints, then by cluster: the ports of a service share one list. */
const KNOWN = new WeakMap<readonly EndpointView[], Map<string, Resource>>()

/** The endpoints of one cluster. An empty assignment is an answer too: there are none (503 UH). */
export function endpointResource(cluster: string, endpoints: readonly EndpointView[]): Resource {
  const byCluster = KNOWN.get(endpoints) ?? new Map<string, Resource>()
  KNOWN.set(endpoints, byCluster)
  const known = byCluster.get(cluster)
  if (known !== undefined) return known
  const resource = encoded(cluster, ClusterLoadAssignmentSchema, {
    clusterName: cluster,
    // A locality without weight is ignored by gRPC clients, silently.
    endpoints: endpoints.length === 0 ? [] : [{ locality: {}, loadBalancingWeight: 1, lbEndpoints: endpoints.map(endpointInit) }],
  })
  byCluster.set(cluster, resource)
  return resource
}

function endpointInit({ address, port, weight, health, labels }: EndpointView) {
  const sorted = Object.fromEntries(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)))
  return {
    hostIdentifier: {
      case: 'endpoint' as const,
      value: {
        address: {
          address: { case: 'socketAddress' as const, value: { address, portSpecifier: { case: 'portValue' as const, value: port } } },
        },
      },
    },
    healthStatus: health === 'healthy' ? HealthStatus.HEALTHY : HealthStatus.UNHEALTHY,
    loadBalancingWeight: weight,
    metadata: metadata({ labels: sorted }),
  }
}
