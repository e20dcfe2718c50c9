import { create, type JsonObject, type MessageInitShape, toBinary } from '@bufbuild/protobuf'
import {
  HeaderValueOption_HeaderAppendAction as Append,
  type HeaderValueOptionSchema,
} from '../../protos/gen/envoy/config/core/v3/base_pb.ts'
import {
  RedirectAction_RedirectResponseCode as RedirectCode,
  type RetryPolicySchema,
  type RouteActionSchema,
  type RouteMatchSchema,
  RouteSchema,
  VirtualHostSchema,
} from '../../protos/gen/envoy/config/route/v3/route_components_pb.ts'
import { RouteConfigurationSchema } from '../../protos/gen/envoy/config/route/v3/route_pb.ts'
import type { RegexMatchAndSubstituteSchema } from '../../protos/gen/envoy/type/matcher/v3/regex_pb.ts'
import type { StringMatcherSchema } from '../../protos/gen/envoy/type/matcher/v3/string_pb.ts'
import type {
  Modifiers,
  PathModifier,
  Route,
  RouteAction,
  RouteEntry,
  RouteMatch,
  ValueMatch,
  VirtualHost,
} from '../../proxy/route/route.ts'
import { type Resource, TYPES } from './resources.ts'
import type { View } from './tables.ts'
import { BY_ADS, duration, joined, metadata, resourceOf } from './wire.ts'

/** Name of the weighted cluster that takes the share of invalid backendRefs. It exists nowhere. */
const INVALID = 'invalid'

/** Field numbers of `VirtualHost.routes` and `RouteConfiguration.virtual_hosts`. */
const ROUTES_FIELD = 3
const VIRTUAL_HOSTS_FIELD = 2

const ENTRIES = new WeakMap<RouteEntry, Uint8Array>()
const HOSTS = new WeakMap<VirtualHost, Uint8Array>()
const RESOURCES = new WeakMap<VirtualHost, Resource>()

/** One virtual host, for sidecars that take them one by one. */
export function virtualHostResource(host: VirtualHost): Resource {
  const known = RESOURCES.get(host)
  if (known !== undefined) return known
  const resource = resourceOf(host.name, TYPES.virtualHost, hostOctets(host))
  RESOURCES.set(host, resource)
  return resource
}

/** The route table `outbound`: for our sidecars only what is no service of the mesh, for others everything. */
export function routesResource(view: View): Resource {
  const isOurs = view.group.client === 'outrider'
  const hosts = [...(isOurs ? [] : view.virtualHosts), ...(view.fallback === null ? [] : [view.fallback])]
  const head = create(RouteConfigurationSchema, { name: 'outbound', ...(isOurs ? { vhds: { configSource: BY_ADS } } : {}) })
  return resourceOf('outbound', TYPES.routes, joined(toBinary(RouteConfigurationSchema, head), VIRTUAL_HOSTS_FIELD, hosts.map(hostOctets)))
}

function hostOctets(host: VirtualHost): Uint8Array {
  const known = HOSTS.get(host)
  if (known !== undefined) return known
  const head = create(VirtualHostSchema, { name: host.name, domains: [...host.domains] })
  const octets = joined(toBinary(VirtualHostSchema, head), ROUTES_FIELD, host.routes.map(entryOctets))
  HOSTS.set(host, octets)
  return octets
}

function entryOctets(entry: RouteEntry): Uint8Array {
  const known = ENTRIES.get(entry)
  if (known !== undefined) return known
  const octets = toBinary(RouteSchema, create(RouteSchema, routeInit(entry)))
  ENTRIES.set(entry, octets)
  return octets
}

function routeInit({ match, route }: RouteEntry): MessageInitShape<typeof RouteSchema> {
  return {
    name: route.name,
    match: matchInit(match),
    action: actionInit(route),
    metadata: metadata(routeMetadata(route)),
    ...headerInit(route.modifiers),
  }
}

function routeMetadata({ origin, origins, action, retry }: Route): JsonObject {
  const fields: JsonObject = { origin, origins: { ...origins } }
  if (retry !== null) {
    fields['unsafe_methods'] = retry.unsafeMethods
    fields['codes'] = [...retry.codes]
  }
  if (action.kind !== 'forward') return fields
  const invalid = action.clusters.reduce((sum, each) => sum + (each.cluster === '' ? each.weight : 0), 0)
  if (invalid > 0) fields['invalid_weights'] = invalid
  // xDS rewrites paths for a whole route only; one entry for each weighted cluster, empty where it changes nothing.
  if (action.clusters.some(each => (each.modifiers?.path ?? null) !== null)) {
    fields['backends'] = action.clusters.map(each => pathFields(each.modifiers?.path ?? null))
  }
  return fields
}

function pathFields(path: PathModifier | null): JsonObject {
  return path === null ? {} : { path: { [path.kind]: path.value } }
}

function matchInit(match: RouteMatch): MessageInitShape<typeof RouteMatchSchema> {
  const headers = match.headers.map(each => ({
    name: each.name,
    headerMatchSpecifier: { case: 'stringMatch' as const, value: text(each) },
  }))
  if (match.method !== null) {
    const value = text({ name: ':method', kind: 'exact', value: match.method })
    headers.unshift({ name: ':method', headerMatchSpecifier: { case: 'stringMatch', value } })
  }
  return {
    pathSpecifier: pathInit(match.path),
    headers,
    queryParameters: match.query.map(each => ({
      name: each.name,
      queryParameterMatchSpecifier: { case: 'stringMatch', value: text(each) },
    })),
  }
}

function pathInit(path: RouteMatch['path']): NonNullable<MessageInitShape<typeof RouteMatchSchema>['pathSpecifier']> {
  if (path.kind === 'exact') return { case: 'path', value: path.value }
  if (path.kind === 'regex') return { case: 'safeRegex', value: { regex: path.value } }
  return path.value === '/' ? { case: 'prefix', value: '/' } : { case: 'pathSeparatedPrefix', value: path.value }
}

function text(match: ValueMatch): MessageInitShape<typeof StringMatcherSchema> {
  if (match.kind === 'regex') return { matchPattern: { case: 'safeRegex', value: { regex: match.value } } }
  return { matchPattern: { case: 'exact', value: match.value } }
}

type ActionInit = NonNullable<MessageInitShape<typeof RouteSchema>['action']>

function actionInit(route: Route): ActionInit {
  const { action } = route
  switch (action.kind) {
    case 'respond':
      return { case: 'directResponse', value: { status: action.status, body: { specifier: { case: 'inlineString', value: action.body } } } }
    case 'redirect':
      return redirectInit(action)
    case 'forward':
      return { case: 'route', value: forwardInit(route, action.clusters) }
  }
}

function forwardInit(
  route: Route,
  clusters: Extract<RouteAction, { kind: 'forward' }>['clusters'],
): MessageInitShape<typeof RouteActionSchema> {
  const only = clusters.length === 1 && clusters[0]?.modifiers === null && clusters[0].cluster !== '' ? clusters[0] : null
  return {
    clusterSpecifier:
      only !== null
        ? { case: 'cluster', value: only.cluster }
        : { case: 'weightedClusters', value: { clusters: clusters.map(weightInit) } },
    ...hostInit(route.modifiers?.host ?? null),
    ...rewriteInit(route.modifiers?.path ?? null),
    timeout: duration(route.timeouts.requestMs),
    idleTimeout: duration(route.timeouts.idleMs),
    ...retryInit(route),
  }
}

function weightInit({ cluster, weight, modifiers }: Extract<RouteAction, { kind: 'forward' }>['clusters'][number]) {
  return { name: cluster === '' ? INVALID : cluster, weight, ...headerInit(modifiers), ...hostInit(modifiers?.host ?? null) }
}

function hostInit(host: string | null) {
  return host === null ? {} : { hostRewriteSpecifier: { case: 'hostRewriteLiteral' as const, value: host } }
}

type Rewrite = { prefixRewrite?: string; regexRewrite?: MessageInitShape<typeof RegexMatchAndSubstituteSchema> }

/** A whole path is replaced by an expression that matches every path. */
function rewriteInit(path: PathModifier | null): Rewrite {
  if (path === null) return {}
  if (path.kind === 'prefix') return { prefixRewrite: path.value }
  return { regexRewrite: { pattern: { regex: '^.*$' }, substitution: path.value.replaceAll('\\', '\\\\') } }
}

function retryInit({ retry, timeouts }: Route): { retryPolicy?: MessageInitShape<typeof RetryPolicySchema> } {
  const perTry = timeouts.perTryMs === null ? {} : { perTryTimeout: duration(timeouts.perTryMs) }
  // A per-try timeout has no other place in xDS than a retry policy; one without conditions retries nothing.
  if (retry === null) return timeouts.perTryMs === null ? {} : { retryPolicy: { numRetries: 0, ...perTry } }
  return {
    retryPolicy: {
      retryOn: retry.on.join(','),
      numRetries: retry.attempts,
      retriableStatusCodes: [...retry.codes],
      retryBackOff: { baseInterval: duration(retry.backoffMs), maxInterval: duration(retry.maxBackoffMs) },
      ...perTry,
    },
  }
}

const REDIRECT_CODES: Readonly<Record<number, RedirectCode>> = {
  301: RedirectCode.MOVED_PERMANENTLY,
  302: RedirectCode.FOUND,
  303: RedirectCode.SEE_OTHER,
  307: RedirectCode.TEMPORARY_REDIRECT,
  308: RedirectCode.PERMANENT_REDIRECT,
}

function redirectInit(action: Extract<RouteAction, { kind: 'redirect' }>): ActionInit {
  const { path, scheme } = action
  return {
    case: 'redirect',
    value: {
      hostRedirect: action.host ?? '',
      portRedirect: action.port ?? 0,
      responseCode: REDIRECT_CODES[action.status] ?? RedirectCode.FOUND,
      ...(scheme === null ? {} : { schemeRewriteSpecifier: { case: 'schemeRedirect', value: scheme } }),
      ...(path === null
        ? {}
        : {
            pathRewriteSpecifier: {
              case: path.kind === 'full' ? ('pathRedirect' as const) : ('prefixRewrite' as const),
              value: path.value,
            },
          }),
    },
  }
}

function headerInit(modifiers: Modifiers | null) {
  const { request, response } = modifiers ?? { request: null, response: null }
  return {
    requestHeadersToAdd: additions(request),
    requestHeadersToRemove: [...(request?.remove ?? [])],
    responseHeadersToAdd: additions(response),
    responseHeadersToRemove: [...(response?.remove ?? [])],
  }
}

function additions(modifier: Modifiers['request']): MessageInitShape<typeof HeaderValueOptionSchema>[] {
  if (modifier === null) return []
  const option =
    (appendAction: Append) =>
    ([key, value]: readonly [string, string]) => ({ header: { key, value }, appendAction })
  return [...modifier.set.map(option(Append.OVERWRITE_IF_EXISTS_OR_ADD)), ...modifier.add.map(option(Append.APPEND_IF_EXISTS_OR_ADD))]
}
