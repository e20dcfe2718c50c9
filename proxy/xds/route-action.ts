/**
 * How the action of a `Route` becomes an action, timeouts and a retry policy:
 *
 * | field | here |
 * | --- | --- |
 * | route.cluster | forward to one cluster, weight 1 |
 * | route.weighted_clusters.clusters[] name, weight | forward; the name `invalid` becomes an empty one: its share is answered 500 |
 * | ... their header changes, host_rewrite_literal | the backendRef's modifiers |
 * | metadata dev.outrider backends[i], or its `path`: `{full}`, `{prefix}` or `{}` | the path's rewrite of backendRef i |
 * | route.timeout, idle_timeout | requestMs (0 or missing: off); idleMs (0: off; missing: 5 min) |
 * | route.retry_policy.num_retries, retry_on, retriable_status_codes | attempts (missing: 1, as in xDS), on (unknown words are left out), codes |
 * | ... per_try_timeout, retry_back_off | perTryMs; backoffMs, maxBackoffMs (missing: 25 ms, 250 ms) |
 * | metadata dev.outrider unsafe_methods, codes | unsafeMethods, codes where retriable_status_codes is empty |
 * | redirect | redirect; https_redirect is the scheme https; path_redirect is a full path |
 * | direct_response status, body.inline_string or inline_bytes | respond |
 */
import type { JsonObject, JsonValue } from '@bufbuild/protobuf'
import {
  type DirectResponseAction,
  type RedirectAction,
  RedirectAction_RedirectResponseCode,
  type RetryPolicy as RetryPolicyMessage,
  type RouteAction as RouteActionMessage,
  type WeightedCluster_ClusterWeight,
} from '../../protos/gen/envoy/config/route/v3/route_components_pb.ts'
import {
  DEFAULT_RETRY,
  DEFAULT_TIMEOUTS,
  type PathModifier,
  type RetryOn,
  type RetryPolicy,
  type RouteAction,
  type Timeouts,
  type WeightedCluster,
} from '../route/route.ts'
import type { Place } from './faults.ts'
import { durationMs, isObject } from './resource.ts'
import { checkPath, readModifiers, readPathModifier } from './route-modifiers.ts'

/** Stands for backendRefs that are invalid; exists nowhere. */
export const INVALID_CLUSTER = 'invalid'
/** More tries than these are a mistake. */
const MAX_ATTEMPTS = 100
const RETRY_ON: readonly RetryOn[] = [
  'connect-failure',
  'refused-stream',
  'reset',
  'gateway-error',
  '5xx',
  'retriable-status-codes',
  'per-try-timeout',
]
const REDIRECT_STATUS: Readonly<Record<number, number>> = {
  [RedirectAction_RedirectResponseCode.MOVED_PERMANENTLY]: 301,
  [RedirectAction_RedirectResponseCode.FOUND]: 302,
  [RedirectAction_RedirectResponseCode.SEE_OTHER]: 303,
  [RedirectAction_RedirectResponseCode.TEMPORARY_REDIRECT]: 307,
  [RedirectAction_RedirectResponseCode.PERMANENT_REDIRECT]: 308,
}

/** Reads where requests are forwarded to. `own` are the route's own settings. */
export function readForward(message: RouteActionMessage, own: JsonObject, place: Place): RouteAction {
  const { case: kind, value } = message.clusterSpecifier
  if (kind === 'cluster') {
    if (value === '') place.at('cluster').fault('is missing')
    return { kind: 'forward', clusters: [{ cluster: clusterName(value), weight: 1, modifiers: null }] }
  }
  const at = place.at('weighted_clusters')
  const paths = Array.isArray(own['backends']) ? own['backends'] : []
  const weights = kind === 'weightedClusters' ? value.clusters : []
  const clusters = weights.map((each, index) => readWeighted(each, paths[index], at.at('clusters').at(index)))
  if (clusters.length === 0) place.fault('has neither cluster nor weighted_clusters')
  else if (clusters.every(each => each.weight === 0)) at.fault('have weights that sum to 0')
  return { kind: 'forward', clusters }
}

function readWeighted(message: WeightedCluster_ClusterWeight, rewrite: JsonValue | undefined, place: Place): WeightedCluster {
  if (message.name === '') place.at('name').fault('is missing')
  if (message.weight === undefined) place.at('weight').fault('is missing')
  const path = backendPath(rewrite, place)
  const host = message.hostRewriteSpecifier.value ?? null
  return { cluster: clusterName(message.name), weight: message.weight ?? 0, modifiers: readModifiers(message, host, path, place) }
}

function backendPath(backend: JsonValue | undefined, place: Place): PathModifier | null {
  if (!isObject(backend)) return null
  const rewrite = isObject(backend['path']) ? backend['path'] : backend
  if (typeof rewrite['full'] === 'string') return checkPath({ kind: 'full', value: rewrite['full'] }, place.at('path'))
  return typeof rewrite['prefix'] === 'string' ? checkPath({ kind: 'prefix', value: rewrite['prefix'] }, place.at('path')) : null
}

function clusterName(name: string): string {
  return name === INVALID_CLUSTER ? '' : name
}

/** Reads how long is waited. */
export function readTimeouts(message: RouteActionMessage, place: Place): Timeouts {
  const perTry = message.retryPolicy?.perTryTimeout
  return {
    requestMs: durationMs(message.timeout, place.at('timeout')),
    perTryMs: durationMs(perTry, place.at('retry_policy').at('per_try_timeout')),
    idleMs: message.idleTimeout === undefined ? DEFAULT_TIMEOUTS.idleMs : durationMs(message.idleTimeout, place.at('idle_timeout')),
  }
}

/** Reads on what is tried again; null where nothing is. */
export function readRetry(message: RetryPolicyMessage | undefined, own: JsonObject, place: Place): RetryPolicy | null {
  if (message === undefined) return null
  const attempts = message.numRetries ?? 1
  if (attempts > MAX_ATTEMPTS) place.at('num_retries').fault(`${attempts} is more than ${MAX_ATTEMPTS}`)
  const words = message.retryOn.split(',').map(word => word.trim())
  const backoff = message.retryBackOff
  const backoffMs = durationMs(backoff?.baseInterval, place.at('retry_back_off').at('base_interval')) ?? DEFAULT_RETRY.backoffMs
  const maxBackoffMs = durationMs(backoff?.maxInterval, place.at('retry_back_off').at('max_interval'))
  if (maxBackoffMs !== null && maxBackoffMs < backoffMs) place.at('retry_back_off').fault('has max_interval below base_interval')
  return {
    attempts,
    on: RETRY_ON.filter(word => words.includes(word)),
    codes: message.retriableStatusCodes.length > 0 ? message.retriableStatusCodes : numbers(own['codes']),
    backoffMs,
    // As Envoy, ten times the base; the default where the base is the default.
    maxBackoffMs: maxBackoffMs ?? backoffMs * 10,
    unsafeMethods: own['unsafe_methods'] === true,
  }
}

function numbers(value: unknown): number[] {
  return Array.isArray(value) ? value.filter(item => typeof item === 'number') : []
}

/** Reads where a client is sent. */
export function readRedirect(message: RedirectAction, place: Place): RouteAction {
  const status = REDIRECT_STATUS[message.responseCode]
  if (status === undefined) place.at('response_code').fault(`${message.responseCode} is not known`)
  if (message.stripQuery) place.at('strip_query').fault('is not in effect in this version')
  if (message.portRedirect > 65_535) place.at('port_redirect').fault(`${message.portRedirect} is not from 1 to 65535`)
  return {
    kind: 'redirect',
    status: status ?? 302,
    scheme: redirectScheme(message, place),
    host: message.hostRedirect === '' ? null : message.hostRedirect,
    port: message.portRedirect === 0 ? null : message.portRedirect,
    path: redirectPath(message, place),
  }
}

function redirectScheme(message: RedirectAction, place: Place): 'http' | 'https' | null {
  const { case: kind, value } = message.schemeRewriteSpecifier
  if (kind === 'httpsRedirect') return value ? 'https' : null
  if (kind === undefined || value === '') return null
  if (value === 'http' || value === 'https') return value
  place.at('scheme_redirect').fault(`${JSON.stringify(value)} is neither http nor https`)
  return null
}

function redirectPath(message: RedirectAction, place: Place): PathModifier | null {
  const { case: kind, value } = message.pathRewriteSpecifier
  if (kind === 'pathRedirect') return value === '' ? null : checkPath({ kind: 'full', value }, place.at('path_redirect'))
  if (kind === 'prefixRewrite') return readPathModifier(value, undefined, place)
  return kind === 'regexRewrite' ? readPathModifier('', value, place) : null
}

/** Reads what is answered without asking anybody. */
export function readRespond(message: DirectResponseAction, place: Place): RouteAction {
  if (message.status < 200 || message.status > 599) place.at('status').fault(`${message.status} is not from 200 to 599`)
  const { case: kind, value } = message.body?.specifier ?? {}
  const body = kind === 'inlineBytes' ? new TextDecoder().decode(value) : (value ?? '')
  return { kind: 'respond', status: message.status, body }
}
