import { type Condition, Matcher, Subject } from '../../proxy/route/matcher.ts'
import { normalisePath } from '../../proxy/route/normalise.ts'
import type { Route, RouteMatch, VirtualHost } from '../../proxy/route/route.ts'
import { RouteTable } from '../../proxy/route/table.ts'
import type { ClusterView, EndpointView, View } from '../translate/tables.ts'

/** A request that somebody asks about. */
export interface Question {
  readonly method: string
  readonly authority: string
  /** With its query, as it would be sent. */
  readonly path: string
  /** Names in lower case. */
  readonly headers: readonly (readonly [string, string])[]
}

/** Where a request would go, and why. What `GET /v1/explain` answers. */
export interface Explanation {
  readonly request: Question
  /** Path as it is matched and forwarded; null where it is refused. */
  readonly path: string | null
  /** Whose name the authority is; null: nobody's. */
  readonly virtualHost: { readonly name: string; readonly domain: string } | null
  /** One sentence: what happens. */
  readonly verdict: string
  /** The rule that matches; null where none does. */
  readonly route: ExplainedRoute | null
  /** Routes before it in the order of precedence (all, where none matches), at most MAX_EARLIER. */
  readonly earlier: readonly Passed[]
  readonly earlierOmitted: number
  readonly clusters: readonly ExplainedCluster[]
}

export interface ExplainedRoute extends Pick<Route, 'name' | 'origin' | 'origins' | 'action' | 'modifiers' | 'timeouts' | 'retry'> {
  readonly match: RouteMatch
}

/** A route that was not taken. */
export interface Passed {
  readonly name: string
  readonly origin: string
  readonly match: string
  readonly why: string
}

/** One destination with its share and its endpoints. */
export interface ExplainedCluster {
  readonly name: string
  /** Percent of the requests. */
  readonly share: number
  /** Null: it does not exist. */
  readonly config: ClusterView | null
  readonly endpoints: readonly EndpointView[]
  readonly note: string
}

/** Routes that are listed with their reason: nobody reads more, and a service may have 10,000. */
export const MAX_EARLIER = 1_000

type Headers = ConstructorParameters<typeof Subject>[4]

/** Answers from what a group of sidecars is told, by the data path's own matcher. */
export function explain(view: View, question: Question): Explanation {
  const hosts = view.fallback === null ? view.virtualHosts : [...view.virtualHosts, view.fallback]
  const table = new RouteTable(hosts)
  const headers = headersOf(question.headers)
  const host = table.findHost(question.authority)
  const normalised = normalisePath(question.path)
  const base = {
    request: question,
    path: normalised.ok ? normalised.path : null,
    virtualHost: host === null ? null : { name: host.host.name, domain: host.domain },
  }
  const none = { route: null, earlier: [], earlierOmitted: 0, clusters: [] }
  if (host === null)
    return { ...base, ...none, verdict: `no service is called ${question.authority}, and hosts outside the mesh are refused: 404, flag NR` }
  if (!normalised.ok) return { ...base, ...none, verdict: `the path is malformed (${normalised.reason}): 400, flag DPE` }
  const found = table.find(question.authority, { method: question.method, path: question.path, headers })
  const subject = new Subject(question.method, question.authority, normalised.path, normalised.query, headers)
  const position = found.ok ? host.host.routes.indexOf(found.entry) : host.host.routes.length
  const earlier = host.host.routes.slice(0, Math.min(position, MAX_EARLIER)).map(({ match, route }) => {
    return { name: route.name, origin: route.origin, match: matchText(match), why: reasonsAgainst(match, subject) }
  })
  const passed = { earlier, earlierOmitted: position - earlier.length }
  if (!found.ok) return { ...base, ...none, ...passed, verdict: noRouteVerdict(host.host, question) }
  const { name, origin, origins, action, modifiers, timeouts, retry } = found.route
  const route = { name, origin, origins, action, modifiers, timeouts, retry, match: found.entry.match }
  const clusters = clustersOf(found.route, view)
  return { ...base, ...passed, route, clusters, verdict: verdictOf(found.route, clusters) }
}

/** A match in words: `path /api/* method GET header x-user = "7"`. */
export function matchText(match: RouteMatch): string {
  const { kind, value } = match.path
  const parts = [kind === 'exact' ? `path ${value}` : kind === 'prefix' ? `path below ${value}` : `path ~ ${value}`]
  if (match.method !== null) parts.push(`method ${match.method}`)
  for (const each of match.headers) parts.push(`header ${each.name} ${each.kind === 'exact' ? '=' : '~'} ${JSON.stringify(each.value)}`)
  for (const each of match.query) parts.push(`query ${each.name} ${each.kind === 'exact' ? '=' : '~'} ${JSON.stringify(each.value)}`)
  return parts.join(', ')
}

/** Every part of a match that does not hold, in words. */
function reasonsAgainst(match: RouteMatch, subject: Subject): string {
  const matcher = new Matcher(match)
  const reasons: string[] = []
  if (!matcher.matchesPath(subject.path)) {
    const { kind, value } = matcher.path
    const wanted = kind === 'exact' ? 'is not' : kind === 'prefix' ? 'is not below' : 'does not match'
    reasons.push(`the path ${wanted} ${value}`)
  }
  if (match.method !== null && match.method !== subject.method) reasons.push(`the method is not ${match.method}`)
  for (const each of matcher.headers) against(reasons, each, subject.header(each.match.name), 'header')
  for (const each of matcher.query) against(reasons, each, subject.parameter(each.match.name), 'query parameter')
  return reasons.join('; ')
}

function against(reasons: string[], condition: Condition, actual: string | null, what: string): void {
  if (condition.holds(actual)) return
  const { name, kind, value } = condition.match
  const wanted = `${kind === 'exact' ? 'not' : 'which does not match'} ${JSON.stringify(value)}`
  reasons.push(actual === null ? `there is no ${what} ${name}` : `the ${what} ${name} is ${JSON.stringify(actual)}, ${wanted}`)
}

function noRouteVerdict(host: VirtualHost, question: Question): string {
  if (host.routes.length === 0) return `${question.authority} names a port that the service does not have: 404, flag NR`
  return `none of the ${host.routes.length} routes of ${host.name} matches: 404, flag NR`
}

function verdictOf(route: Route, clusters: readonly ExplainedCluster[]): string {
  const { action } = route
  if (action.kind === 'redirect') return `is answered with a redirect, ${action.status}`
  if (action.kind === 'respond') return `is answered ${action.status} by the sidecar itself`
  const total = clusters.length
  if (total === 1) return `goes to ${clusters[0]?.name}`
  return `goes to ${clusters.map(each => `${each.name} (${each.share} %)`).join(', ')}`
}

function clustersOf(route: Route, view: View): readonly ExplainedCluster[] {
  if (route.action.kind !== 'forward') return []
  const { clusters } = route.action
  const total = clusters.reduce((sum, each) => sum + each.weight, 0)
  return clusters.map(({ cluster, weight }) => {
    const config = view.clusters.get(cluster) ?? null
    const endpoints = view.endpoints.get(cluster) ?? []
    const share = total === 0 ? 0 : Math.round((weight / total) * 1_000) / 10
    return { name: cluster === '' ? 'invalid' : cluster, share, config, endpoints, note: noteOf(cluster, config, endpoints) }
  })
}

function noteOf(cluster: string, config: ClusterView | null, endpoints: readonly EndpointView[]): string {
  if (cluster === 'passthrough') return 'a host outside the mesh: by DNS'
  if (config === null) return 'the reference leads nowhere: 500, flag NC'
  if (config.discovery.kind === 'dns') return `by DNS: ${config.discovery.host}:${config.discovery.port}`
  if (endpoints.length === 0) return 'no endpoints: 503, flag UH'
  return endpoints.every(each => each.health !== 'healthy') ? 'no healthy endpoint: all are used' : ''
}

/** Headers as the matcher reads them. */
function headersOf(lines: readonly (readonly [string, string])[]): Headers {
  const values = (name: string) => lines.filter(line => line[0] === name).map(line => line[1])
  const immutable = () => {
    throw new Error('a question does not change')
  }
  const fields: Headers = {
    get: name => values(name)[0] ?? null,
    joined: name => (values(name).length === 0 ? null : values(name).join(', ')),
    has: name => values(name).length > 0,
    forEach: visit => {
      for (const [name, value] of lines) visit(name, value)
    },
    set: immutable,
    append: immutable,
    delete: immutable,
    listSize: 0,
    copy: () => fields,
  }
  return fields
}
