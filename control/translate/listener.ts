import type { MessageInitShape } from '@bufbuild/protobuf'
import { TrafficDirection } from '../../protos/gen/envoy/config/core/v3/base_pb.ts'
import { ListenerSchema } from '../../protos/gen/envoy/config/listener/v3/listener_pb.ts'
import { RouterSchema } from '../../protos/gen/envoy/extensions/filters/http/router/v3/router_pb.ts'
import { HttpConnectionManagerSchema } from '../../protos/gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.ts'
import type { Resource } from './resources.ts'
import { APP, type MeshView, type View } from './tables.ts'
import { BY_ADS, duration, encoded, metadata, packed } from './wire.ts'

/** Default ports of product.md. For our sidecars a formality: their flags decide. */
const OUTBOUND_PORT = 15001
const INBOUND_PORT = 15006

/** Longest silence of a stream, ms; a route's own `idle_timeout` beats it. */
const STREAM_IDLE_MS = 300_000

/** The listeners of one group. `inbound` leads to the sidecar's own cluster `app`, which other proxies do not have. */
export function listenerResources({ mesh, group }: View): Resource[] {
  // An Envoy obeys the address, and an outbound listener for everybody would be an open proxy.
  const outbound = listener(mesh, 'outbound', group.client === 'outrider' ? '0.0.0.0' : '127.0.0.1', OUTBOUND_PORT, {
    case: 'rds',
    value: { configSource: BY_ADS, routeConfigName: 'outbound' },
  })
  if (group.client !== 'outrider') return [outbound]
  return [outbound, listener(mesh, 'inbound', '0.0.0.0', INBOUND_PORT, { case: 'routeConfig', value: inboundRoutes() })]
}

function listener(
  mesh: MeshView,
  name: 'outbound' | 'inbound',
  address: string,
  portValue: number,
  routeSpecifier: NonNullable<MessageInitShape<typeof HttpConnectionManagerSchema>['routeSpecifier']>,
): Resource {
  const manager = packed(HttpConnectionManagerSchema, {
    statPrefix: name,
    routeSpecifier,
    httpFilters: [{ name: 'envoy.filters.http.router', configType: { case: 'typedConfig', value: packed(RouterSchema, {}) } }],
    upgradeConfigs: [...new Set(['websocket', ...mesh.upgrades])].map(upgradeType => ({ upgradeType })),
    streamIdleTimeout: duration(STREAM_IDLE_MS),
    tracing: { randomSampling: { value: mesh.telemetry.samplingPercent } },
  })
  return encoded(name, ListenerSchema, {
    name,
    address: { address: { case: 'socketAddress', value: { address, portSpecifier: { case: 'portValue', value: portValue } } } },
    trafficDirection: name === 'outbound' ? TrafficDirection.OUTBOUND : TrafficDirection.INBOUND,
    filterChains: [
      { filters: [{ name: 'envoy.filters.network.http_connection_manager', configType: { case: 'typedConfig', value: manager } }] },
    ],
    metadata: metadata({
      via: mesh.via,
      upgrades: [...mesh.upgrades],
      propagators: [...mesh.telemetry.propagators],
      access_log: { ...mesh.telemetry.accessLog },
    }),
  })
}

/** Everything goes to the local app. Idle only: the caller's sidecar owns the other timeouts. */
function inboundRoutes() {
  const action = {
    clusterSpecifier: { case: 'cluster' as const, value: APP },
    timeout: duration(null),
    idleTimeout: duration(STREAM_IDLE_MS),
  }
  const route = {
    name: 'inbound',
    match: { pathSpecifier: { case: 'prefix' as const, value: '/' } },
    action: { case: 'route' as const, value: action },
    metadata: metadata({ origin: 'inbound', origins: {} }),
  }
  return { name: 'inbound', virtualHosts: [{ name: 'inbound', domains: ['*'], routes: [route] }] }
}
