import type { Snapshot } from '../config/snapshot.ts'

/** A snapshot as JSON. It holds no secrets. */
export function dump(snapshot: Snapshot, state: unknown): unknown {
  return {
    storeId: snapshot.storeId,
    revision: snapshot.revision,
    state,
    listeners: [...snapshot.listeners.values()],
    routes: Object.fromEntries(snapshot.routes),
    clusters: [...snapshot.clusters.values()],
    endpoints: Object.fromEntries(snapshot.endpoints),
  }
}
