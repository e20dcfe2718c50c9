import { MeshError } from '../errors.ts'
import type { Response } from '../http/message.ts'
import { NO_ANSWER, redirectReply, textReply } from '../http/reply.ts'
import { redirectLocation } from '../route/modify.ts'
import type { WeightedCluster } from '../route/route.ts'
import type { RouteTable } from '../route/table.ts'
import { chooseCluster } from '../route/weighted.ts'
import type { Random } from '../util/random.ts'
import type { Attempt, Exchange, Filter } from './exchange.ts'

/** A weighted cluster of this name stands for backendRefs that are invalid. */
const INVALID_CLUSTER = 'invalid'

/**
 * Finds each request's route in one table, and chooses its backend, once for all tries. Redirects and direct responses are answered here.
 * What was matched is what is forwarded: the path goes on normalised.
 */
export function route(table: RouteTable, random: Random): Filter {
  return next => (exchange, attempt) => {
    const isConnect = exchange.incoming.head.method === 'CONNECT'
    const answer = isConnect ? connect(table, random, exchange) : choose(table, random, exchange, attempt)
    return answer === null ? next(exchange, attempt) : Promise.resolve(answer)
  }
}

/** Stands in for `route` before there is a configuration: what nobody has told yet must not be answered as if it did not exist. */
export function unconfigured(): Filter {
  return () => () => {
    throw new MeshError('NO_CLUSTER', 'there is no configuration yet')
  }
}

/** Finds the route and carries out what it says here; null: the request goes to the backend that was chosen. */
function choose(table: RouteTable, random: Random, exchange: Exchange, attempt: Attempt): Response | null {
  const { destination, head } = exchange.incoming
  const found = table.find(destination.connect ?? head.authority, head)
  if (!found.ok) throw new MeshError(found.reason === 'path' ? 'DOWNSTREAM_PROTOCOL' : 'NO_ROUTE', found.message)
  const { action } = found.route
  exchange.route = found.route
  exchange.matchedPrefix = found.matchedPrefix
  attempt.head.path = found.target
  if (action.kind === 'redirect') return redirectReply(action.status, redirectLocation(action, attempt.head, found.matchedPrefix))
  if (action.kind === 'respond') return textReply(action.status, head.method, action.body)
  exchange.backend = chooseBackend(action.clusters, random)
  return null
}

/**
 * CONNECT. To a service of the mesh: its octets are looked at first, and come again as requests or as one opaque stream, which goes to the
 * endpoints of the first route. To hosts outside: through the catch-all's cluster. `NO_ANSWER`: there is nothing to forward now.
 */
function connect(table: RouteTable, random: Random, exchange: Exchange): Response | null {
  const { destination, head, isOpaque } = exchange.incoming
  const authority = destination.connect ?? head.authority
  if (destination.connect !== null && !isOpaque) throw new MeshError('FORBIDDEN_TARGET', `CONNECT ${head.authority} inside ${authority}`)
  const domain = table.findHost(authority)
  const routes = domain?.host.routes ?? []
  const first = routes.find(({ route: each }) => each.action.kind === 'forward')?.route ?? null
  if (routes.length > 0 && domain?.kind !== 'any' && !isOpaque) {
    // Nowhere to forward to is no failure yet: HTTP may be answered by a redirect.
    exchange.route = first
    exchange.status = 200
    exchange.incoming.terminate()
    return NO_ANSWER
  }
  if (first?.action.kind !== 'forward') throw new MeshError('NO_ROUTE', `CONNECT ${authority}`)
  exchange.route = first
  exchange.backend = chooseBackend(first.action.clusters, random)
  return null
}

function chooseBackend(clusters: readonly WeightedCluster[], random: Random): WeightedCluster {
  const chosen = chooseCluster(clusters, random)
  if (chosen === null || chosen.cluster === '' || chosen.cluster === INVALID_CLUSTER) {
    throw new MeshError('INVALID_BACKEND', 'the rule has no backend, or this share of it goes to one that does not exist')
  }
  return chosen
}
