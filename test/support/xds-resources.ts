import { create, type MessageInitShape } from '@bufbuild/protobuf'
import { type Any, anyPack } from '@bufbuild/protobuf/wkt'
import { Cluster_DiscoveryType, ClusterSchema } from '../../protos/gen/envoy/config/cluster/v3/cluster_pb.ts'
import { ClusterLoadAssignmentSchema } from '../../protos/gen/envoy/config/endpoint/v3/endpoint_pb.ts'
import { ListenerSchema } from '../../protos/gen/envoy/config/listener/v3/listener_pb.ts'
import { VirtualHostSchema } from '../../protos/gen/envoy/config/route/v3/route_components_pb.ts'
import { RouteConfigurationSchema } from '../../protos/gen/envoy/config/route/v3/route_pb.ts'
import { HttpConnectionManagerSchema } from '../../protos/gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.ts'

type ManagerInit = MessageInitShape<typeof HttpConnectionManagerSchema>
/** What a message is made from, not a message. */
type Init<T> = Exclude<T, { $typeName: string }>
export type RouteInit = Init<NonNullable<MessageInitShape<typeof VirtualHostSchema>['routes']>[number]>
type ClusterInit = Init<MessageInitShape<typeof ClusterSchema>>

const ADS = { configSourceSpecifier: { case: 'ads' as const, value: {} } }

/** Our own settings of a resource. */
export function own(settings: Record<string, unknown>) {
  return { filterMetadata: { 'dev.outrider': settings as never } }
}

/** A route for everything to one cluster. */
export function routeTo(cluster: string, origin = ''): RouteInit {
  return {
    name: `to ${cluster}`,
    match: { pathSpecifier: { case: 'prefix', value: '/' } },
    action: { case: 'route', value: { clusterSpecifier: { case: 'cluster', value: cluster } } },
    metadata: own({ origin }),
  }
}

export function listener(
  name: string,
  routeSpecifier: NonNullable<ManagerInit['routeSpecifier']>,
  settings: Record<string, unknown> = {},
  change: Omit<Init<ManagerInit>, 'routeSpecifier'> = {},
): Any {
  const init: Init<ManagerInit> = { statPrefix: name, routeSpecifier, ...change }
  const manager = anyPack(HttpConnectionManagerSchema, create(HttpConnectionManagerSchema, init))
  const filters = [{ name: 'http', configType: { case: 'typedConfig' as const, value: manager } }]
  return anyPack(ListenerSchema, create(ListenerSchema, { name, filterChains: [{ filters }], metadata: own(settings) }))
}

/** `outbound`, with its routes by RDS. */
export function outbound(settings: Record<string, unknown> = {}, change: Omit<Init<ManagerInit>, 'routeSpecifier'> = {}): Any {
  return listener('outbound', { case: 'rds', value: { configSource: ADS, routeConfigName: 'outbound' } }, settings, change)
}

/** `inbound`, with its one route inline. */
export function inbound(cluster = 'app'): Any {
  const virtualHosts = [{ name: 'inbound', domains: ['*'], routes: [routeTo(cluster)] }]
  return listener('inbound', { case: 'routeConfig', value: { name: 'inbound', virtualHosts } })
}

/** The route table `outbound`, whose virtual hosts come one by one. */
export function routes(): Any {
  return anyPack(RouteConfigurationSchema, create(RouteConfigurationSchema, { name: 'outbound', vhds: { configSource: ADS } }))
}

export function virtualHost(name: string, domains: string[], entries: RouteInit[]): Any {
  return anyPack(VirtualHostSchema, create(VirtualHostSchema, { name, domains, routes: entries }))
}

/** A cluster whose endpoints come by EDS; `change` replaces fields. */
export function cluster(name: string, change: ClusterInit = {}): Any {
  const init: ClusterInit = {
    name,
    clusterDiscoveryType: { case: 'type', value: Cluster_DiscoveryType.EDS },
    edsClusterConfig: { edsConfig: ADS },
    ...change,
  }
  return anyPack(ClusterSchema, create(ClusterSchema, init))
}

/** Addresses with ports, such as `10.0.0.1:80`. */
export function endpoints(name: string, addresses: readonly string[]): Any {
  const lbEndpoints = addresses.map(each => {
    const [address = '', port = '0'] = each.split(':')
    const socket = { address, portSpecifier: { case: 'portValue' as const, value: Number(port) } }
    return {
      hostIdentifier: { case: 'endpoint' as const, value: { address: { address: { case: 'socketAddress' as const, value: socket } } } },
    }
  })
  const init = { clusterName: name, endpoints: [{ locality: { region: 'r', zone: 'z' }, lbEndpoints }] }
  return anyPack(ClusterLoadAssignmentSchema, create(ClusterLoadAssignmentSchema, init))
}
