/**
 * How `ClusterLoadAssignment` becomes endpoints:
 *
 * | field | here |
 * | --- | --- |
 * | cluster_name | name; empty is a fault |
 * | endpoints[].locality region, zone, sub_zone | locality, joined by `/`; empty parts at the end are left out |
 * | endpoints[].priority | priority |
 * | endpoints[].load_balancing_weight | not read: endpoints carry their own weight |
 * | lb_endpoints[].endpoint.address.socket_address | address (an IP address) and port (1 to 65535) |
 * | lb_endpoints[].health_status UNKNOWN, HEALTHY; UNHEALTHY, TIMEOUT, DEGRADED; DRAINING | healthy; unhealthy; draining |
 * | lb_endpoints[].load_balancing_weight | weight; missing: 1; 0 is a fault |
 * | lb_endpoints[].metadata dev.outrider labels | labels |
 */
import { isIP } from 'node:net'
import type { Address } from '../../protos/gen/envoy/config/core/v3/address_pb.ts'
import { HealthStatus } from '../../protos/gen/envoy/config/core/v3/health_check_pb.ts'
import type { LbEndpoint, LocalityLbEndpoints } from '../../protos/gen/envoy/config/endpoint/v3/endpoint_components_pb.ts'
import { type ClusterLoadAssignment, ClusterLoadAssignmentSchema } from '../../protos/gen/envoy/config/endpoint/v3/endpoint_pb.ts'
import type { Endpoint } from '../cluster/endpoint.ts'
import type { Place } from './faults.ts'
import { type Decoder, decoder, settings, textMap } from './resource.ts'

/** Endpoints of one service's port, under the name that its cluster asks by. */
export interface EndpointAssignment {
  readonly name: string
  readonly endpoints: readonly Endpoint[]
}

/** Reads a `ClusterLoadAssignment`. */
export const decodeEndpoints: Decoder<EndpointAssignment> = decoder(ClusterLoadAssignmentSchema, (message, place) => {
  if (message.clusterName === '') place.at('cluster_name').fault('is missing')
  return { name: message.clusterName, endpoints: readEndpoints(message, place) }
})

/** All endpoints of an assignment, which are IP addresses. Also for those that a cluster has inline. */
export function readEndpoints(assignment: ClusterLoadAssignment, place: Place): Endpoint[] {
  const seen = new Set<string>()
  return assignment.endpoints.flatMap((locality, index) => readLocality(locality, place.at('endpoints').at(index), seen))
}

function readLocality(locality: LocalityLbEndpoints, place: Place, seen: Set<string>): Endpoint[] {
  const { region = '', zone = '', subZone = '' } = locality.locality ?? {}
  const name = [region, zone, subZone].join('/').replace(/\/+$/, '')
  return locality.lbEndpoints.map((each, index) => readEndpoint(each, name, locality.priority, place.at('lb_endpoints').at(index), seen))
}

function readEndpoint(each: LbEndpoint, locality: string, priority: number, place: Place, seen: Set<string>): Endpoint {
  const at = place.at('endpoint').at('address')
  const { address, port } = readAddress(each.hostIdentifier.value?.address, at)
  if (address !== '' && isIP(address) === 0) at.fault(`${JSON.stringify(address)} is not an IP address`)
  const key = `${address} ${port}`
  if (seen.has(key)) at.fault(`${address} port ${port} stands here twice`)
  seen.add(key)
  const weight = each.loadBalancingWeight ?? 1
  if (weight === 0) place.at('load_balancing_weight').fault('0 is less than 1')
  const labels = textMap(settings(each.metadata)['labels'])
  return { address, port, weight, locality, priority, health: health(each.healthStatus), labels, transport: { kind: 'plaintext' } }
}

/** Address, which may be a name, and port of a socket address; faults where one is missing. */
export function readAddress(message: Address | undefined, place: Place): { readonly address: string; readonly port: number } {
  const socket = message?.address.value
  if (socket === undefined || socket.address === '') {
    place.fault('is missing')
    return { address: '', port: 0 }
  }
  const port = socket.portSpecifier.value ?? 0
  if (port < 1 || port > 65_535) place.fault(`port ${port} is not from 1 to 65535`)
  return { address: socket.address, port }
}

function health(status: HealthStatus): Endpoint['health'] {
  if (status === HealthStatus.UNKNOWN || status === HealthStatus.HEALTHY) return 'healthy'
  return status === HealthStatus.DRAINING ? 'draining' : 'unhealthy'
}
