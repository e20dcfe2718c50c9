import { type ExplainRequest, explainRoute } from './explain.ts'
import type { Route, RouteMatch, VirtualHost } from './route.ts'

/** Where a request would go, and why: what a sidecar's `/explain` and the control API's `/v1/explain` both answer, and `outrider explain` prints. Plain JSON. */
export interface Explanation {
  readonly request: ExplainRequest
  /** Path as it is matched and forwarded; null where it is refused. */
  readonly path: string | null
  /** Whose name the authority is; null: nobody's. */
  readonly virtualHost: { readonly name: string; readonly domain: string } | null
  /** Why this virtual host, or none, or why the path is refused: a sentence. */
  readonly reason: string
  /** One sentence: what happens. */
  readonly verdict: string
  /** The rule that matches; null where none does. */
  readonly route: ExplainedRoute | null
  /** Routes before it in the order of precedence (all, where none matches), at most MAX_REJECTIONS. */
  readonly earlier: readonly Passed[]
  readonly earlierOmitted: number
  readonly clusters: readonly ExplainedCluster[]
}

export interface ExplainedRoute extends Route {
  readonly match: RouteMatch
}

/** A route that was not taken. */
export interface Passed {
  readonly name: string
  readonly origin: string
  readonly match: string
  readonly why: string
}

/** What a side knows of one cluster. */
export interface Destination {
  /** Null: it does not exist. */
  readonly config: ExplainedConfig | null
  readonly endpoints: readonly ExplainedEndpoint[]
  /** Anything that a reader must know; empty: nothing. */
  readonly note: string
}

/** One destination with its share and its endpoints. */
export interface ExplainedCluster extends Destination {
  readonly name: string
  /** Percent of the requests. */
  readonly share: number
}

export interface ExplainedConfig {
  readonly policy: string
  readonly connectTimeoutMs: number
  readonly origin: string
  readonly origins: Readonly<Record<string, string>>
}

export interface ExplainedEndpoint {
  readonly address: string
  readonly port: number
  readonly weight: number
  readonly labels: Readonly<Record<string, string>>
  /** As the side that answers sees it. */
  readonly health: string
  /** Which sidecar registered it; null: not known here, or it is listed or resolved. */
  readonly node: string | null
}

/** The cluster of hosts outside the mesh, of which neither side has endpoints to show. */
const PASSTHROUGH = 'passthrough'

/** What backends are called that do not exist. */
const INVALID = 'invalid'

/** Answers by the data path's own matcher. @param destination says what is known of a cluster. */
export function explanationOf(
  hosts: readonly VirtualHost[],
  request: ExplainRequest,
  destination: (cluster: string) => Destination,
): Explanation {
  const { path, virtualHost, reason, rejected, omitted, match } = explainRoute(hosts, request)
  const routes = hosts.find(host => host.name === virtualHost?.name)?.routes ?? []
  const matchAt = (position: number) => routes[position - 1]?.match as RouteMatch
  const clusters = match === null ? [] : clustersOf(match.route, destination)
  return {
    request: { ...request, headers: [...request.headers] },
    path,
    virtualHost,
    reason,
    verdict: path === null ? `${reason}, flag DPE` : verdictOf(request, reason, virtualHost, match?.route ?? null, clusters),
    route: match === null ? null : { ...match.route, match: matchAt(match.position) },
    earlier: rejected.map(each => ({
      name: each.name,
      origin: each.origin,
      match: matchText(matchAt(each.position)),
      why: each.message,
    })),
    earlierOmitted: omitted,
    clusters,
  }
}

/** A match in words: `path below /api, method GET, header x-user = "7"`. */
export function matchText(match: RouteMatch): string {
  const { kind, value } = match.path
  const parts = [kind === 'exact' ? `path ${value}` : kind === 'prefix' ? `path below ${value}` : `path ~ ${value}`]
  if (match.method !== null) parts.push(`method ${match.method}`)
  for (const each of match.headers) parts.push(`header ${each.name} ${each.kind === 'exact' ? '=' : '~'} ${JSON.stringify(each.value)}`)
  for (const each of match.query) parts.push(`query ${each.name} ${each.kind === 'exact' ? '=' : '~'} ${JSON.stringify(each.value)}`)
  return parts.join(', ')
}

function verdictOf(
  request: ExplainRequest,
  reason: string,
  virtualHost: { readonly name: string; readonly routes: number } | null,
  route: Route | null,
  clusters: readonly ExplainedCluster[],
): string {
  if (virtualHost === null) return `${reason}, and hosts outside the mesh are refused: 404, flag NR`
  if (route !== null) return actionOf(route, clusters)
  if (virtualHost.routes === 0) return `${request.authority} names a port that the service does not have: 404, flag NR`
  return `none of the ${virtualHost.routes} routes of ${virtualHost.name} matches: 404, flag NR`
}

function actionOf({ action }: Route, clusters: readonly ExplainedCluster[]): string {
  if (action.kind === 'redirect') return `is answered with a redirect, ${action.status}`
  if (action.kind === 'respond') return `is answered ${action.status} by the sidecar itself`
  if (clusters.every(({ name }) => name === INVALID)) return 'is answered 500, flag NC: the rule has no backend that exists'
  if (clusters.length === 1) return `goes to ${clusters[0]?.name}`
  return `goes to ${clusters.map(({ name, share }) => `${name} (${share} %)`).join(', ')}`
}

function clustersOf({ action }: Route, destination: (cluster: string) => Destination): ExplainedCluster[] {
  if (action.kind !== 'forward') return []
  const total = action.clusters.reduce((sum, { weight }) => sum + weight, 0)
  return action.clusters.map(({ cluster, weight }) => {
    const share = total === 0 ? 0 : Math.round((weight / total) * 1_000) / 10
    const known = destination(cluster)
    return { ...known, name: cluster === '' ? INVALID : cluster, share, note: noteOf(cluster, known) }
  })
}

function noteOf(cluster: string, { config, endpoints, note }: Destination): string {
  if (cluster === PASSTHROUGH) return 'a host outside the mesh: by DNS'
  if (config === null) return 'the reference leads nowhere: 500, flag NC'
  if (note !== '') return note
  if (endpoints.length === 0) return 'no endpoints: 503, flag UH'
  return endpoints.every(each => each.health === 'unhealthy') ? 'no healthy endpoint: all are used' : ''
}
