import type { VirtualHost } from '../route/route.ts'
import type { Snapshot } from './snapshot.ts'

/** Something that a snapshot names but does not have, or has twice. */
export interface Inconsistency {
  /** What names it, such as `route orders#1 of default/orders:80`. */
  readonly where: string
  readonly message: string
}

/** Clusters that the routes of these virtual hosts name; empty names, which stand for invalid backendRefs, are left out. */
export function namedClusters(hosts: Iterable<VirtualHost>): Set<string> {
  const names = new Set<string>()
  for (const host of hosts)
    for (const { route } of host.routes)
      if (route.action.kind === 'forward') for (const { cluster } of route.action.clusters) if (cluster !== '') names.add(cluster)
  return names
}

/**
 * Looks for references that lead nowhere. Requests that meet one are answered NC, so it is told and not refused: the rest of the snapshot is good.
 *
 * @param knownInvalid clusters whose absence has been told already, since they were refused.
 */
export function checkSnapshot(snapshot: Snapshot, knownInvalid: ReadonlySet<string>): Inconsistency[] {
  const found: Inconsistency[] = []
  for (const listener of snapshot.listeners.values())
    if (!snapshot.routes.has(listener.routes))
      found.push({ where: `listener ${listener.name}`, message: `route table ${listener.routes} does not exist` })
  for (const [table, hosts] of snapshot.routes) found.push(...checkTable(table, hosts, snapshot, knownInvalid))
  return found
}

function checkTable(table: string, hosts: readonly VirtualHost[], snapshot: Snapshot, knownInvalid: ReadonlySet<string>): Inconsistency[] {
  const found: Inconsistency[] = []
  const owners = new Map<string, string>()
  for (const host of hosts) {
    for (const domain of host.domains) {
      const owner = owners.get(domain)
      if (owner !== undefined)
        found.push({ where: `virtual host ${host.name} of ${table}`, message: `domain ${domain} is ${owner}'s already` })
      else owners.set(domain, host.name)
    }
    for (const cluster of namedClusters([host]))
      if (!snapshot.clusters.has(cluster) && !knownInvalid.has(cluster))
        found.push({ where: `virtual host ${host.name} of ${table}`, message: `cluster ${cluster} does not exist` })
  }
  return found
}
