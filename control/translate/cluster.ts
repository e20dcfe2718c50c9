import type { JsonObject } from '@bufbuild/protobuf'
import {
  ClusterSchema,
  Cluster_DiscoveryType as DiscoveryType,
  Cluster_LbPolicy as LbPolicy,
  Cluster_DnsLookupFamily as LookupFamily,
} from '../../protos/gen/envoy/config/cluster/v3/cluster_pb.ts'
import { HttpProtocolOptionsSchema } from '../../protos/gen/envoy/extensions/upstreams/http/v3/http_protocol_options_pb.ts'
import type { Resource } from './resources.ts'
import { CLUSTER_DEFAULTS } from './settings.ts'
import { type ClusterView, PASSTHROUGH } from './tables.ts'
import { BY_ADS, duration, encoded, metadata, packed } from './wire.ts'

/** Where Envoy looks for the protocol of an upstream. */
const PROTOCOL_OPTIONS = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions'

/** Retries that Envoy allows at once however little traffic there is; our own sidecars take `budget_min_per_second`. */
const MIN_RETRY_CONCURRENCY = 3

const KNOWN = new WeakMap<ClusterView, Resource>()

/** One service's port. */
export function clusterResource(view: ClusterView): Resource {
  const known = KNOWN.get(view)
  if (known !== undefined) return known
  const resource = encoded(view.name, ClusterSchema, {
    name: view.name,
    ...discovery(view),
    connectTimeout: duration(view.connectTimeoutMs),
    lbPolicy: view.policy === 'roundRobin' ? LbPolicy.ROUND_ROBIN : LbPolicy.LEAST_REQUEST,
    circuitBreakers: breakers(view),
    metadata: metadata(ourFields(view)),
    ...(view.protocol === 'http2' || view.protocol === 'grpc' ? { typedExtensionProtocolOptions: { [PROTOCOL_OPTIONS]: HTTP2 } } : {}),
  })
  KNOWN.set(view, resource)
  return resource
}

/** Hosts outside the mesh: wherever the request's own authority leads. */
export const PASSTHROUGH_RESOURCE: Resource = encoded(PASSTHROUGH, ClusterSchema, {
  name: PASSTHROUGH,
  clusterDiscoveryType: { case: 'type', value: DiscoveryType.ORIGINAL_DST },
  lbConfig: { case: 'originalDstLbConfig', value: { useHttpHeader: true } },
  lbPolicy: LbPolicy.CLUSTER_PROVIDED,
  connectTimeout: duration(CLUSTER_DEFAULTS.connectTimeoutMs),
  circuitBreakers: breakers(CLUSTER_DEFAULTS),
  metadata: metadata({
    origin: 'Mesh egress.unknownHosts: allow',
    budget_min_per_second: CLUSTER_DEFAULTS.budget.minPerSecond,
    protocol: 'http',
  }),
})

const HTTP2 = packed(HttpProtocolOptionsSchema, {
  upstreamProtocolOptions: {
    case: 'explicitHttpConfig',
    value: { protocolConfig: { case: 'http2ProtocolOptions', value: {} } },
  },
})

function ourFields({ origin, origins, budget, protocol }: ClusterView): JsonObject {
  return { origin, origins: { ...origins }, budget_min_per_second: budget.minPerSecond, protocol }
}

function breakers({ breaker, budget }: Pick<ClusterView, 'breaker' | 'budget'>) {
  return {
    thresholds: [
      {
        maxConnections: breaker.maxConnections,
        maxPendingRequests: breaker.maxPending,
        maxRequests: breaker.maxRequests,
        maxRetries: breaker.maxRetries,
        retryBudget: { budgetPercent: { value: budget.percent }, minRetryConcurrency: MIN_RETRY_CONCURRENCY },
      },
    ],
  }
}

function discovery({ discovery: found, name }: ClusterView) {
  if (found.kind === 'eds') {
    return {
      clusterDiscoveryType: { case: 'type' as const, value: DiscoveryType.EDS },
      edsClusterConfig: { edsConfig: BY_ADS, serviceName: name },
    }
  }
  const address = { address: { case: 'socketAddress' as const, value: socket(found.host, found.port) } }
  return {
    clusterDiscoveryType: { case: 'type' as const, value: DiscoveryType.STRICT_DNS },
    dnsLookupFamily: LookupFamily.ALL,
    loadAssignment: {
      clusterName: name,
      endpoints: [
        {
          locality: {},
          loadBalancingWeight: 1,
          lbEndpoints: [{ hostIdentifier: { case: 'endpoint' as const, value: { address } } }],
        },
      ],
    },
  }
}

function socket(address: string, port: number) {
  return { address, portSpecifier: { case: 'portValue' as const, value: port } }
}
