import type { ExplainRequest } from './admin/pages.ts'
import type { ClusterState } from './cluster/inspect.ts'
import { OUTBOUND, PASSTHROUGH_CLUSTER, type Snapshot } from './config/snapshot.ts'
import { explainRoute } from './route/explain.ts'
import type { Route } from './route/route.ts'

/** What an explanation is made from. */
export interface Explained {
  readonly snapshot: Snapshot
  readonly registry: { inspect(): readonly ClusterState[] }
}

/**
 * Where a request of the app would go, and why: the answer of the admin page `/explain`. The same shape as the control API's, which
 * `outrider explain` prints; here with each endpoint's state as this sidecar has learned it.
 */
export function explainRequest({ snapshot, registry }: Explained, request: ExplainRequest): unknown {
  const hosts = snapshot.routes.get(OUTBOUND) ?? []
  const { path, virtualHost, reason, rejected, omitted, match } = explainRoute(hosts, request)
  const matched = match === null ? null : hosts.find(host => host.name === virtualHost?.name)?.routes[match.position - 1]
  const states = new Map(registry.inspect().map(state => [state.name, state]))
  const clusters = match === null ? [] : clustersOf(match.route, states, snapshot)
  return {
    request,
    path,
    virtualHost,
    reason,
    verdict: verdictOf(request, reason, virtualHost, match?.route ?? null, clusters),
    route: match === null ? null : { ...match.route, match: matched?.match },
    earlier: rejected.map(each => ({ name: each.name, origin: each.origin, match: `needs ${each.expected}`, why: each.message })),
    earlierOmitted: omitted,
    clusters,
  }
}

interface ExplainedCluster {
  readonly name: string
  readonly share: number
  readonly config: unknown
  readonly endpoints: readonly unknown[]
  readonly note: string
}

function verdictOf(
  request: ExplainRequest,
  reason: string,
  virtualHost: { readonly name: string; readonly routes: number } | null,
  route: Route | null,
  clusters: readonly ExplainedCluster[],
): string {
  if (virtualHost === null) return `${reason}: 404, flag NR`
  if (route !== null) return actionOf(route, clusters)
  if (virtualHost.routes === 0) return `${request.authority} names a port that the service does not have: 404, flag NR`
  return `none of the ${virtualHost.routes} routes of ${virtualHost.name} matches: 404, flag NR`
}

function actionOf(route: Route, clusters: readonly ExplainedCluster[]): string {
  const { action } = route
  if (action.kind === 'redirect') return `is answered with a redirect, ${action.status}`
  if (action.kind === 'respond') return `is answered ${action.status} by the sidecar itself`
  if (clusters.length === 1) return `goes to ${clusters[0]?.name}`
  return `goes to ${clusters.map(({ name, share }) => `${name} (${share} %)`).join(', ')}`
}

function clustersOf({ action }: Route, states: ReadonlyMap<string, ClusterState>, snapshot: Snapshot): ExplainedCluster[] {
  if (action.kind !== 'forward') return []
  const total = action.clusters.reduce((sum, { weight }) => sum + weight, 0)
  return action.clusters.map(({ cluster, weight }) => {
    const state = states.get(cluster) ?? null
    const config = snapshot.clusters.get(cluster) ?? null
    return {
      name: cluster === '' ? 'invalid' : cluster,
      share: total === 0 ? 0 : Math.round((weight / total) * 1_000) / 10,
      config: config === null ? null : { ...config, origins: {} },
      endpoints: (state?.hosts ?? []).map(host => ({ ...host, health: healthOf(host), node: null })),
      note: noteOf(cluster, state),
    }
  })
}

/** As this sidecar sees it, with the last failure while it holds. */
function healthOf({ state, failure, avoidedForMs }: ClusterState['hosts'][number]): string {
  return state === 'avoided' ? `avoided for ${Math.round(avoidedForMs)} ms${failure === null ? '' : ` (${failure})`}` : state
}

function noteOf(name: string, state: ClusterState | null): string {
  if (name === PASSTHROUGH_CLUSTER) return 'a host outside the mesh: by DNS'
  if (state === null) return 'the reference leads nowhere: 500, flag NC'
  return state.hosts.length === 0 ? 'no endpoints: 503, flag UH' : ''
}
