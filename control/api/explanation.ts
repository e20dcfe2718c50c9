import type { ExplainRequest } from '../../proxy/route/explain.ts'
import { type Destination, type Explanation, explanationOf } from '../../proxy/route/explanation.ts'
import type { View } from '../translate/tables.ts'

/** Where a request would go, from what a group of sidecars is told. What `GET /v1/explain` answers. */
export function explain(view: View, request: ExplainRequest): Explanation {
  const hosts = view.fallback === null ? view.virtualHosts : [...view.virtualHosts, view.fallback]
  return explanationOf(hosts, request, cluster => destinationOf(view, cluster))
}

function destinationOf(view: View, cluster: string): Destination {
  const config = view.clusters.get(cluster) ?? null
  const endpoints = view.endpoints.get(cluster) ?? []
  const note = config?.discovery.kind === 'dns' ? `by DNS: ${config.discovery.host}:${config.discovery.port}` : ''
  return { config, endpoints, note }
}
