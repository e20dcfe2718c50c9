import {
  DEFAULT_TIMEOUTS,
  type PathMatch,
  type RouteAction,
  type RouteEntry,
  type RouteMatch,
  type ValueMatch,
  type WeightedCluster,
} from '../../proxy/route/route.ts'
import {
  type Document,
  documentName,
  type HTTPRouteMatch,
  type HTTPRouteRule,
  type HTTPRouteSpec,
  ORIGIN_ANNOTATION,
} from '../model/document.ts'
import { modifiersOf, redirectOf } from './modifiers.ts'
import { type Layer, layersOfRule } from './policies.ts'
import { resolveBackend, type ServiceTable } from './services.ts'
import { type RouteSettings, routeSettings } from './settings.ts'

/** One match of one rule, with what decides its precedence (Gateway API, "HTTPRouteRule matches"). */
export interface Candidate {
  readonly match: RouteMatch
  /** RFC 3339; empty where nobody stored it. */
  readonly createdAt: string
  /** `default/orders`. */
  readonly namespacedName: string
  readonly ruleIndex: number
  readonly matchIndex: number
  readonly entry: RouteEntry
}

/** Gateway API, "backendRefs": a rule that has nowhere to send a request answers 500, as the share of an invalid reference does. */
const NOWHERE: readonly WeightedCluster[] = [{ cluster: '', weight: 1, modifiers: null }]

/** What is answered without asking anybody is neither waited for nor tried again. */
const NO_SETTINGS: RouteSettings = { timeouts: DEFAULT_TIMEOUTS, retry: null, origins: {} }

/** Matches every request; what a rule without matches means. */
export const MATCH_ALL: RouteMatch = { path: { kind: 'prefix', value: '/' }, method: null, headers: [], query: [] }

/**
 * The rules of one HTTPRoute, one candidate for each match.
 * @param routeLayers policies of the HTTPRoute itself, which beat `serviceLayers`, those of the service that it is attached to.
 */
export function candidatesOf(
  document: Document<HTTPRouteSpec>,
  services: ServiceTable,
  routeLayers: readonly Layer[],
  serviceLayers: readonly Layer[],
): Candidate[] {
  const { namespace, name, creationTimestamp } = document.metadata
  const place = document.metadata.annotations?.[ORIGIN_ANNOTATION]
  return document.spec.rules.flatMap((rule, ruleIndex) => {
    const action = actionOf(rule, services, namespace)
    const settings = action.kind !== 'forward' ? NO_SETTINGS : routeSettings(rule, [...layersOfRule(routeLayers, rule), ...serviceLayers])
    const route = {
      name: `${namespace}/${name}/${rule.name ?? ruleIndex + 1}`,
      origin: `${documentName(document)} rule ${ruleIndex + 1}${place === undefined ? '' : ` (${place})`}`,
      origins: settings.origins,
      action,
      modifiers: modifiersOf(rule.filters),
      timeouts: settings.timeouts,
      retry: settings.retry,
    }
    const matches = rule.matches === undefined || rule.matches.length === 0 ? [MATCH_ALL] : rule.matches.map(matchOf)
    return matches.map((match, matchIndex) => ({
      match,
      createdAt: creationTimestamp ?? '',
      namespacedName: `${namespace}/${name}`,
      ruleIndex,
      matchIndex,
      entry: { match, route },
    }))
  })
}

/** The clusters that an HTTPRoute's backendRefs mean, in one line: it changes when a service comes or goes that they name. */
export function backendSignature(document: Document<HTTPRouteSpec>, services: ServiceTable): string {
  let signature = ''
  for (const rule of document.spec.rules) {
    for (const reference of rule.backendRefs ?? [])
      signature += `${resolveBackend(services, reference, document.metadata.namespace) ?? '-'} `
  }
  return signature
}

function actionOf(rule: HTTPRouteRule, services: ServiceTable, namespace: string): RouteAction {
  const redirect = redirectOf(rule.filters)
  if (redirect !== null) return redirect
  const clusters: WeightedCluster[] = []
  for (const reference of rule.backendRefs ?? []) {
    const weight = reference.weight ?? 1
    if (weight === 0) continue
    clusters.push({ cluster: resolveBackend(services, reference, namespace) ?? '', weight, modifiers: modifiersOf(reference.filters) })
  }
  return { kind: 'forward', clusters: clusters.length === 0 ? NOWHERE : clusters }
}

function matchOf(match: HTTPRouteMatch): RouteMatch {
  return {
    path: pathOf(match.path),
    method: match.method ?? null,
    headers: valuesOf(match.headers, true),
    query: valuesOf(match.queryParams, false),
  }
}

function pathOf(path: HTTPRouteMatch['path']): PathMatch {
  const value = path?.value ?? '/'
  if (path?.type === 'Exact') return { kind: 'exact', value }
  if (path?.type === 'RegularExpression') return { kind: 'regex', value }
  // `/api/` and `/api` are the same prefix: it is matched by segments.
  return { kind: 'prefix', value: value.replace(/\/+$/, '') || '/' }
}

/** Of several matches of one name the first counts (Gateway API). */
function valuesOf(matches: HTTPRouteMatch['headers'], isHeader: boolean): ValueMatch[] {
  const seen = new Set<string>()
  const values: ValueMatch[] = []
  for (const each of matches ?? []) {
    const name = isHeader ? each.name.toLowerCase() : each.name
    if (seen.has(name)) continue
    seen.add(name)
    values.push({ name, kind: each.type === 'RegularExpression' ? 'regex' : 'exact', value: each.value })
  }
  return values
}
