import type { ClusterState } from './cluster/inspect.ts'
import { parseOutsideName } from './cluster/outside-name.ts'
import { OUTBOUND, PASSTHROUGH_CLUSTER, type Snapshot } from './config/snapshot.ts'
import type { OwnListeners } from './net/address.ts'
import type { ExplainRequest } from './route/explain.ts'
import { type Destination, type Explanation, explanationOf } from './route/explanation.ts'

/** What an explanation is made from. */
export interface Explained {
  readonly snapshot: Snapshot
  readonly registry: { inspect(): readonly ClusterState[] }
  readonly ownListeners: Pick<OwnListeners, 'includes'>
}

/** Where a request of the app would go, and why: the answer of the admin page `/explain`, with each endpoint's state as this sidecar has learned it. */
export function explainRequest({ snapshot, registry, ownListeners }: Explained, request: ExplainRequest): Explanation {
  const states = new Map(registry.inspect().map(state => [state.name, state]))
  const explanation = explanationOf(snapshot.routes.get(OUTBOUND) ?? [], request, cluster => destinationOf(cluster, states, snapshot))
  if (!snapshot.listeners.has(OUTBOUND)) return { ...explanation, verdict: 'is answered 503, flag NC: there is no configuration yet' }
  const isOutside = explanation.clusters.some(({ name }) => name === PASSTHROUGH_CLUSTER)
  if (!isOutside || !isOwn(request.authority, ownListeners)) return explanation
  return { ...explanation, verdict: `is answered 508: ${request.authority} is a listener of this sidecar` }
}

/** Of addresses, and of `localhost`: other names are looked up only when a request comes. */
function isOwn(authority: string, ownListeners: Pick<OwnListeners, 'includes'>): boolean {
  const outside = parseOutsideName(authority, 80)
  if (outside === null) return false
  return ownListeners.includes(outside.host === 'localhost' ? '127.0.0.1' : outside.host, outside.port)
}

function destinationOf(cluster: string, states: ReadonlyMap<string, ClusterState>, snapshot: Snapshot): Destination {
  const config = snapshot.clusters.get(cluster) ?? null
  const hosts = states.get(cluster)?.hosts ?? []
  return {
    config: config === null ? null : { ...config, origins: {} },
    endpoints: hosts.map(host => ({ ...host, health: healthOf(host), node: null })),
    note: '',
  }
}

/** As this sidecar sees it, with the last failure while it holds. */
function healthOf({ state, failure, avoidedForMs }: ClusterState['hosts'][number]): string {
  return state === 'avoided' ? `avoided for ${Math.round(avoidedForMs)} ms${failure === null ? '' : ` (${failure})`}` : state
}
