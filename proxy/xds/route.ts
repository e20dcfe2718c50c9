/**
 * How `RouteConfiguration` and `VirtualHost` become route tables:
 *
 * | field | here |
 * | --- | --- |
 * | RouteConfiguration.name | the table's name |
 * | virtual_hosts | those that the table has inline |
 * | vhds | more come one by one: `VirtualHost` resources whose names begin with the table's name and a slash |
 * | VirtualHost.name, domains | name; domains in lower case: `orders`, `orders:80`, `*.x`, `orders:*`, `*` |
 * | routes[].name, match, action | the route; the tables are in route-match, route-action and route-modifiers |
 * | routes[].metadata dev.outrider origin, origins | origin, origins |
 */
import type {
  Route as RouteMessage,
  VirtualHost as VirtualHostMessage,
} from '../../protos/gen/envoy/config/route/v3/route_components_pb.ts'
import { type RouteConfiguration, RouteConfigurationSchema } from '../../protos/gen/envoy/config/route/v3/route_pb.ts'
import { DEFAULT_TIMEOUTS, type Modifiers, type Route, type RouteAction, type RouteEntry, type VirtualHost } from '../route/route.ts'
import type { Place } from './faults.ts'
import { type Decoder, decoder, settings, text, textMap } from './resource.ts'
import { readForward, readRedirect, readRespond, readRetry, readTimeouts } from './route-action.ts'
import { readMatch } from './route-match.ts'
import { readModifiers, readPathModifier } from './route-modifiers.ts'

/** A route table, or the part of it that comes in one piece. */
export interface RouteTableSource {
  readonly name: string
  readonly virtualHosts: readonly VirtualHost[]
  /** Its other virtual hosts are resources of their own. */
  readonly hasMore: boolean
}

/** Reads a `RouteConfiguration`. */
export const decodeRoutes: Decoder<RouteTableSource> = decoder(RouteConfigurationSchema, readRoutes)

/** The same for one that a listener has inline. */
export function readRoutes(message: RouteConfiguration, place: Place): RouteTableSource {
  if (message.name === '') place.at('name').fault('is missing')
  const virtualHosts = message.virtualHosts.map((each, index) => readVirtualHost(each, place.at('virtual_hosts').at(index)))
  return { name: message.name, virtualHosts, hasMore: message.vhds !== undefined }
}

function readVirtualHost(message: VirtualHostMessage, root: Place): VirtualHost {
  const place = hostPlace(message, root)
  return { ...readHost(message, place), routes: message.routes.map((each, index) => readEntry(each, place.at('routes').at(index))) }
}

/** The place of a virtual host, with where the operator wrote it. */
export function hostPlace(message: VirtualHostMessage, root: Place): Place {
  return root.writtenAt(text(settings(message.metadata), 'origin'))
}

/** A virtual host without its routes. */
export function readHost(message: VirtualHostMessage, place: Place): VirtualHost {
  if (message.name === '') place.at('name').fault('is missing')
  if (message.domains.length === 0) place.at('domains').fault('are missing')
  const domains = message.domains.map((domain, index) => readDomain(domain, place.at('domains').at(index)))
  if (new Set(domains).size < domains.length) place.at('domains').fault('name one domain twice')
  return { name: message.name, domains, routes: [] }
}

/** A star stands for the first label, or for the port, or for all. */
const DOMAIN = /^(\*|(\*\.)?[^*\s/]+|[^*\s/:]+:\*|\[[0-9a-f:.]+\]:\*)$/

function readDomain(domain: string, place: Place): string {
  const lower = domain.toLowerCase()
  if (!DOMAIN.test(lower)) place.fault(`${JSON.stringify(domain)} is no domain: a name, *.name, name:port, name:* or *`)
  return lower
}

/** One route with its match. */
export function readEntry(message: RouteMessage, root: Place): RouteEntry {
  const own = settings(message.metadata)
  const origin = text(own, 'origin')
  const place = root.writtenAt(origin)
  const match = readMatch(message.match, place.at('match'))
  const forward = message.action.case === 'route' ? message.action.value : null
  const at = place.at('route')
  const route: Route = {
    name: message.name,
    origin,
    origins: textMap(own['origins']),
    action: readAction(message, place),
    modifiers: readRouteModifiers(message, place),
    timeouts: forward === null ? DEFAULT_TIMEOUTS : readTimeouts(forward, at),
    retry: forward === null ? null : readRetry(forward.retryPolicy, own, at.at('retry_policy')),
  }
  return { match, route }
}

function readAction(message: RouteMessage, place: Place): RouteAction {
  const { case: kind, value } = message.action
  if (kind === 'route') return readForward(value, settings(message.metadata), place.at('route'))
  if (kind === 'redirect') return readRedirect(value, place.at('redirect'))
  if (kind === 'directResponse') return readRespond(value, place.at('direct_response'))
  place.fault('has no route, redirect or direct_response')
  return { kind: 'respond', status: 500, body: '' }
}

function readRouteModifiers(message: RouteMessage, place: Place): Modifiers | null {
  if (message.action.case !== 'route') return readModifiers(message, null, null, place)
  const action = message.action.value
  const path = readPathModifier(action.prefixRewrite, action.regexRewrite, place.at('route'))
  return readModifiers(message, action.hostRewriteSpecifier.value ?? null, path, place)
}
