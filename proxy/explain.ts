import type { ClusterState } from './cluster/inspect.ts'
import { OUTBOUND, type Snapshot } from './config/snapshot.ts'
import type { ExplainRequest } from './route/explain.ts'
import { type Destination, type Explanation, explanationOf } from './route/explanation.ts'

/** What an explanation is made from. */
export interface Explained {
  readonly snapshot: Snapshot
  readonly registry: { inspect(): readonly ClusterState[] }
}

/** Where a request of the app would go, and why: the answer of the admin page `/explain`, with each endpoint's state as this sidecar has learned it. */
export function explainRequest({ snapshot, registry }: Explained, request: ExplainRequest): Explanation {
  const states = new Map(registry.inspect().map(state => [state.name, state]))
  return explanationOf(snapshot.routes.get(OUTBOUND) ?? [], request, cluster => destinationOf(cluster, states, snapshot))
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
