/**
 * How `Listener` becomes what a listener does:
 *
 * | field | here |
 * | --- | --- |
 * | name `outbound`, `inbound` | name; any other is a fault |
 * | address | not read: the sidecar's flags decide |
 * | filter_chains[0].filters[0].typed_config | an HttpConnectionManager; exactly one chain with one filter |
 * | rds.route_config_name | routes; only `outbound` is asked for |
 * | route_config | routes (its name), and the table itself; inbound forwards to `app` only |
 * | http_filters | not read: a sidecar's filters are its own |
 * | tracing.random_sampling (missing: 0) | telemetry.samplingPercent |
 * | metadata dev.outrider via (missing: true), upgrades, origin | via, upgrades in lower case, origin of its faults |
 * | metadata dev.outrider propagators, access_log | telemetry.propagators, telemetry.accessLog; what is missing or unknown: the defaults |
 */
import { type Listener, ListenerSchema } from '../../protos/gen/envoy/config/listener/v3/listener_pb.ts'
import {
  type HttpConnectionManager,
  HttpConnectionManagerSchema,
} from '../../protos/gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.ts'
import { APP_CLUSTER, INBOUND, type ListenerConfig, OUTBOUND } from '../config/snapshot.ts'
import type { Place } from './faults.ts'
import { readTelemetry } from './listener-telemetry.ts'
import { type Decoder, decoder, settings, text, texts, unpack } from './resource.ts'
import { type RouteTableSource, readRoutes } from './route.ts'

/** A listener, and its route table where it has it inline. */
export interface ListenerSource {
  readonly listener: ListenerConfig
  readonly inline: RouteTableSource | null
}

/** Reads a `Listener`. */
export const decodeListener: Decoder<ListenerSource> = decoder(ListenerSchema, (message, root) => {
  const own = settings(message.metadata)
  const place = root.writtenAt(text(own, 'origin'))
  const name = message.name === INBOUND ? INBOUND : OUTBOUND
  if (message.name !== name) place.at('name').fault(`${JSON.stringify(message.name)} is neither ${OUTBOUND} nor ${INBOUND}`)
  const manager = readManager(message, place.at('filter_chains'))
  const at = place.at('filter_chains').at(0).at('filters').at(0).at('typed_config')
  const inline = readInline(manager, at)
  if (name === INBOUND) checkInbound(inline, at)
  const upgrades = texts(own, 'upgrades').map(each => each.toLowerCase())
  const telemetry = readTelemetry(manager, own, at)
  return { listener: { name, routes: tableName(manager, at), via: own['via'] !== false, upgrades, telemetry }, inline }
})

function readManager(message: Listener, place: Place): HttpConnectionManager | null {
  const filters = message.filterChains.flatMap(chain => chain.filters)
  if (message.filterChains.length !== 1 || filters.length !== 1) {
    place.fault(
      `are ${message.filterChains.length} with ${filters.length} filters; a listener takes one chain with one HttpConnectionManager`,
    )
    return null
  }
  return unpack(HttpConnectionManagerSchema, filters[0]?.configType.value, place.at(0).at('filters').at(0).at('typed_config'))
}

function tableName(manager: HttpConnectionManager | null, place: Place): string {
  if (manager === null) return ''
  const { case: kind, value } = manager.routeSpecifier
  if (kind === 'routeConfig') return value.name
  if (kind === undefined) place.fault('has neither rds nor route_config')
  else if (value.routeConfigName !== OUTBOUND)
    place
      .at('rds')
      .at('route_config_name')
      .fault(`${JSON.stringify(value.routeConfigName)} is not ${OUTBOUND}`)
  return value?.routeConfigName ?? ''
}

function readInline(manager: HttpConnectionManager | null, place: Place): RouteTableSource | null {
  if (manager?.routeSpecifier.case !== 'routeConfig') return null
  const at = place.at('route_config')
  const table = readRoutes(manager.routeSpecifier.value, at)
  if (table.hasMore) at.at('vhds').fault('is only for a table that comes by rds')
  return table
}

/** Inbound dials nothing but the app, whatever it is told. */
function checkInbound(inline: RouteTableSource | null, place: Place): void {
  if (inline === null) place.fault('has no route_config; inbound has its route table inline')
  for (const [index, host] of (inline?.virtualHosts ?? []).entries())
    for (const [number, { route }] of host.routes.entries()) {
      const names = route.action.kind === 'forward' ? route.action.clusters.map(each => each.cluster) : []
      const other = names.find(each => each !== APP_CLUSTER)
      if (other === undefined) continue
      const at = place.at('route_config').at('virtual_hosts').at(index).at('routes').at(number)
      at.fault(`forwards to ${other || 'nothing'}; inbound forwards to ${APP_CLUSTER} only`)
    }
}
