import type { Random } from '../util/random.ts'
import type { PooledHost } from './pool.ts'
import type { Choose } from './weighted.ts'
import { areEqual, WeightedDraw } from './weighted.ts'

/**
 * Power of two choices: of two hosts drawn at random, the one with fewer requests in flight for its weight. Nearly as even as looking at all of them,
 * and callers that know nothing of each other do not all run to the same one (Mitzenmacher 2001).
 *
 * Between equals the first draw stands, so that a quiet service is shared by weight too: comparing (active + 1) / weight would send everything
 * to the heaviest host as long as nothing is in flight.
 */
export function leastRequest(hosts: readonly PooledHost[], random: Random): Choose {
  const count = hosts.length
  const only = hosts[0] as PooledHost
  if (count === 1) return () => only
  if (areEqual(hosts.map(host => host.endpoint.weight))) {
    return () => {
      const first = random.uint32() % count
      // One of the others, each equally likely.
      const second = (first + 1 + (random.uint32() % (count - 1))) % count
      return lessBusy(hosts[first] as PooledHost, hosts[second] as PooledHost)
    }
  }
  const weights = hosts.map(host => host.endpoint.weight)
  const draw = new WeightedDraw(weights, random)
  return () => lessBusy(hosts[draw.next()] as PooledHost, hosts[draw.next()] as PooledHost)
}

function lessBusy(one: PooledHost, other: PooledHost): PooledHost {
  return other.active * one.endpoint.weight < one.active * other.endpoint.weight ? other : one
}
