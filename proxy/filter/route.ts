import { MeshError } from '../errors.ts'
import type { RequestHead } from '../http/head.ts'
import type { Response } from '../http/message.ts'
import { NO_ANSWER, redirectReply, textReply } from '../http/reply.ts'
import type { Route, VirtualHost, WeightedCluster } from '../route/route.ts'
import type { Random } from '../util/random.ts'
import type { Attempt, Exchange, Filter } from './exchange.ts'
import { redirectLocation } from './modify.ts'

/** What a route table found. */
export interface Found {
  readonly virtualHost: VirtualHost
  readonly route: Route
  /** Empty: it did not match by prefix. */
  readonly matchedPrefix: string
}

/** What this filter asks of a route table. */
export interface RouteLookup {
  /** The virtual host that serves an authority, whatever its routes; null: none. */
  virtualHost(authority: string): VirtualHost | null
  /** The first route that matches; null: no virtual host, or no route of it. */
  find(authority: string, head: RequestHead): Found | null
}

/** A weighted cluster of this name stands for backendRefs that are invalid. */
const INVALID_CLUSTER = 'invalid'

/** Finds each request's route in one table, and chooses its backend, once for all tries. Redirects and direct responses are answered here. */
export function route(table: RouteLookup, random: Random): Filter {
  return next => (exchange, attempt) => {
    const isConnect = exchange.incoming.head.method === 'CONNECT'
    const answer = isConnect ? connect(table, random, exchange) : choose(table, random, exchange, attempt)
    return answer === null ? next(exchange, attempt) : Promise.resolve(answer)
  }
}

/** Finds the route and carries out what it says here; null: the request goes to the backend that was chosen. */
function choose(table: RouteLookup, random: Random, exchange: Exchange, attempt: Attempt): Response | null {
  const { destination, head } = exchange.incoming
  const authority = destination.connect ?? head.authority
  const found = table.find(authority, attempt.head)
  if (found === null) throw new MeshError('NO_ROUTE', `${head.method} ${authority}${head.path ?? ''}`)
  const { action } = found.route
  exchange.route = found.route
  exchange.matchedPrefix = found.matchedPrefix
  if (action.kind === 'redirect') return redirectReply(action.status, redirectLocation(attempt.head, action, found.matchedPrefix))
  if (action.kind === 'respond') return textReply(action.status, head.method, action.body)
  exchange.backend = chooseBackend(action.clusters, random)
  return null
}

/**
 * CONNECT. To a service of the mesh: its octets are looked at first, and come again as requests or as one opaque stream, which goes to the
 * endpoints of the first route. To hosts outside: through the catch-all's cluster. `NO_ANSWER`: there is nothing to forward now.
 */
function connect(table: RouteLookup, random: Random, exchange: Exchange): Response | null {
  const { destination, head, isOpaque } = exchange.incoming
  const authority = destination.connect ?? head.authority
  if (destination.connect !== null && !isOpaque) throw new MeshError('FORBIDDEN_TARGET', `CONNECT ${head.authority} inside ${authority}`)
  const virtualHost = table.virtualHost(authority)
  const first = virtualHost?.routes.find(({ route: each }) => each.action.kind === 'forward')?.route
  if (virtualHost === null || first?.action.kind !== 'forward') throw new MeshError('NO_ROUTE', `CONNECT ${authority}`)
  exchange.route = first
  if (!virtualHost.domains.includes('*') && !isOpaque) {
    exchange.status = 200
    exchange.incoming.terminate()
    return NO_ANSWER
  }
  exchange.backend = chooseBackend(first.action.clusters, random)
  return null
}

function chooseBackend(clusters: readonly WeightedCluster[], random: Random): WeightedCluster {
  const chosen = clusters.length === 1 ? clusters[0] : weighted(clusters, random)
  if (chosen === undefined || chosen.cluster === '' || chosen.cluster === INVALID_CLUSTER) {
    throw new MeshError('INVALID_BACKEND', 'the rule names a backend that does not exist')
  }
  return chosen
}

function weighted(clusters: readonly WeightedCluster[], random: Random): WeightedCluster | undefined {
  let total = 0
  for (const { weight } of clusters) total += weight
  let ticket = total === 0 ? -1 : random.uint32() % total
  if (ticket === -1) return undefined
  return clusters.find(({ weight }) => {
    ticket -= weight
    return ticket < 0
  })
}
