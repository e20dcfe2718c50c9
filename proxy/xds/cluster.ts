/**
 * How `Cluster` becomes a cluster's configuration:
 *
 * | field | here |
 * | --- | --- |
 * | name | name; empty and `app` (the sidecar's own) are faults |
 * | type EDS, eds_cluster_config.eds_config ads or self, service_name | discovery eds; without service_name the cluster's name |
 * | type STATIC, load_assignment | discovery static |
 * | type STRICT_DNS, load_assignment with one endpoint | discovery dns: its address is the name |
 * | type ORIGINAL_DST, original_dst_lb_config.use_http_header | discovery passthrough |
 * | connect_timeout | connectTimeoutMs; missing: 1 s |
 * | lb_policy ROUND_ROBIN, LEAST_REQUEST; CLUSTER_PROVIDED with ORIGINAL_DST | policy; others are faults |
 * | circuit_breakers.thresholds of priority DEFAULT | breaker; what is missing has its default |
 * | retry_budget.budget_percent there | budget.percent |
 * | metadata dev.outrider budget_min_per_second | budget.minPerSecond (retry_budget.min_retry_concurrency is for Envoy) |
 * | metadata dev.outrider protocol, origin | protocol, origin |
 * | typed_extension_protocol_options HttpProtocolOptions with HTTP/2 | protocol http2, where the metadata says none |
 */
import type { CircuitBreakers } from '../../protos/gen/envoy/config/cluster/v3/circuit_breaker_pb.ts'
import {
  type Cluster,
  Cluster_DiscoveryType,
  Cluster_LbPolicy,
  ClusterSchema,
} from '../../protos/gen/envoy/config/cluster/v3/cluster_pb.ts'
import { RoutingPriority } from '../../protos/gen/envoy/config/core/v3/base_pb.ts'
import { HttpProtocolOptionsSchema } from '../../protos/gen/envoy/extensions/upstreams/http/v3/http_protocol_options_pb.ts'
import {
  type BreakerThresholds,
  type BudgetConfig,
  type ClusterConfig,
  DEFAULT_BREAKER,
  DEFAULT_BUDGET,
  DEFAULT_CONNECT_TIMEOUT_MS,
  type Discovery,
  type LoadBalancerPolicy,
} from '../cluster/config.ts'
import { APP_CLUSTER } from '../config/snapshot.ts'
import { readAddress, readEndpoints } from './endpoint.ts'
import type { Place } from './faults.ts'
import { type Decoder, decoder, durationMs, settings, text, unpack } from './resource.ts'

const PROTOCOLS = ['http', 'http2', 'grpc', 'tcp', 'tls'] as const
const HTTP_OPTIONS = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions'

/** Reads a `Cluster`. */
export const decodeCluster: Decoder<ClusterConfig> = decoder(ClusterSchema, (message, root) => {
  const own = settings(message.metadata)
  const origin = text(own, 'origin')
  const place = root.writtenAt(origin)
  if (message.name === '') place.at('name').fault('is missing')
  if (message.name === APP_CLUSTER) place.at('name').fault(`${APP_CLUSTER} is the sidecar's own`)
  const threshold = defaultThreshold(message.circuitBreakers)
  return {
    name: message.name,
    discovery: discovery(message, place),
    protocol: protocol(message, place),
    policy: policy(message, place.at('lb_policy')),
    connectTimeoutMs: durationMs(message.connectTimeout, place.at('connect_timeout')) ?? DEFAULT_CONNECT_TIMEOUT_MS,
    breaker: breaker(threshold),
    budget: budget(threshold, own['budget_min_per_second'], place),
    origin,
  }
})

function discovery(message: Cluster, place: Place): Discovery {
  switch (message.clusterDiscoveryType.value ?? Cluster_DiscoveryType.STATIC) {
    case Cluster_DiscoveryType.EDS:
      if (message.edsClusterConfig?.edsConfig?.configSourceSpecifier.case === undefined)
        place.at('eds_cluster_config').at('eds_config').fault('is neither ads nor self')
      return { kind: 'eds', serviceName: message.edsClusterConfig?.serviceName || message.name }
    case Cluster_DiscoveryType.STATIC:
      return { kind: 'static', endpoints: inlineEndpoints(message, place) }
    case Cluster_DiscoveryType.STRICT_DNS:
      return dns(message, place.at('load_assignment'))
    case Cluster_DiscoveryType.ORIGINAL_DST:
      if (message.lbConfig.value?.useHttpHeader !== true) place.at('original_dst_lb_config').at('use_http_header').fault('is not true')
      return { kind: 'passthrough' }
    default:
      place.at('type').fault(`${nameOf(Cluster_DiscoveryType, message.clusterDiscoveryType.value)} is not in effect in this version`)
      return { kind: 'static', endpoints: [] }
  }
}

function inlineEndpoints(message: Cluster, place: Place) {
  const at = place.at('load_assignment')
  if (message.loadAssignment !== undefined) return readEndpoints(message.loadAssignment, at)
  at.fault('is missing')
  return []
}

function dns(message: Cluster, place: Place): Discovery {
  const names = message.loadAssignment?.endpoints.flatMap(each => each.lbEndpoints) ?? []
  if (names.length !== 1) place.fault(`has ${names.length} endpoints; STRICT_DNS takes one name`)
  const first = place.at('endpoints').at(0).at('lb_endpoints').at(0).at('endpoint').at('address')
  const { address, port } = readAddress(names[0]?.hostIdentifier.value?.address, first)
  return { kind: 'dns', host: address, port }
}

function policy(message: Cluster, place: Place): LoadBalancerPolicy {
  if (message.lbPolicy === Cluster_LbPolicy.ROUND_ROBIN) return 'roundRobin'
  if (message.lbPolicy === Cluster_LbPolicy.LEAST_REQUEST) return 'leastRequest'
  const isPassthrough = message.clusterDiscoveryType.value === Cluster_DiscoveryType.ORIGINAL_DST
  if (message.lbPolicy !== Cluster_LbPolicy.CLUSTER_PROVIDED || !isPassthrough)
    place.fault(`${nameOf(Cluster_LbPolicy, message.lbPolicy)} is not in effect in this version`)
  return 'roundRobin'
}

function protocol(message: Cluster, place: Place): ClusterConfig['protocol'] {
  const said = text(settings(message.metadata), 'protocol')
  const known = PROTOCOLS.find(each => each === said)
  if (known !== undefined) return known
  if (said !== '') place.at('metadata').fault(`protocol ${JSON.stringify(said)} is not one of ${PROTOCOLS.join(', ')}`)
  const any = message.typedExtensionProtocolOptions[HTTP_OPTIONS]
  if (any === undefined) return 'http'
  const options = unpack(HttpProtocolOptionsSchema, any, place.at('typed_extension_protocol_options').at(HTTP_OPTIONS))
  return options?.upstreamProtocolOptions.value?.protocolConfig.case === 'http2ProtocolOptions' ? 'http2' : 'http'
}

type Threshold = CircuitBreakers['thresholds'][number]

function defaultThreshold(breakers: CircuitBreakers | undefined): Threshold | undefined {
  return breakers?.thresholds.find(each => each.priority === RoutingPriority.DEFAULT)
}

function breaker(threshold: Threshold | undefined): BreakerThresholds {
  return {
    maxConnections: threshold?.maxConnections ?? DEFAULT_BREAKER.maxConnections,
    maxPending: threshold?.maxPendingRequests ?? DEFAULT_BREAKER.maxPending,
    maxRequests: threshold?.maxRequests ?? DEFAULT_BREAKER.maxRequests,
    maxRetries: threshold?.maxRetries ?? DEFAULT_BREAKER.maxRetries,
  }
}

function budget(threshold: Threshold | undefined, floor: unknown, place: Place): BudgetConfig {
  const percent = threshold?.retryBudget?.budgetPercent?.value ?? DEFAULT_BUDGET.percent
  // Written so that NaN is a fault too.
  if (!(percent >= 0 && percent <= 100))
    place.at('circuit_breakers').at('retry_budget').at('budget_percent').fault(`${percent} is not from 0 to 100`)
  const minPerSecond = typeof floor === 'number' ? floor : DEFAULT_BUDGET.minPerSecond
  if (!(minPerSecond >= 0)) place.at('metadata').fault(`budget_min_per_second ${minPerSecond} is less than 0`)
  return { percent, minPerSecond }
}

function nameOf(names: Readonly<Record<string, number>>, value: number | undefined): string {
  return Object.keys(names).find(name => names[name] === value) ?? String(value)
}
