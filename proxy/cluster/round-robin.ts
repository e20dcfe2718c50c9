import { fraction, type Random } from '../util/random.ts'
import type { PooledHost } from './pool.ts'
import type { Choose } from './weighted.ts'
import { areEqual } from './weighted.ts'

/** Each in turn, starting anywhere, so that a hundred sidecars that start together do not begin with the same host. By weight where they differ. */
export function roundRobin(hosts: readonly PooledHost[], random: Random): Choose {
  if (!areEqual(hosts.map(host => host.endpoint.weight))) return earliestDeadline(hosts, random)
  let next = random.uint32() % hosts.length
  return () => {
    const host = hosts[next] as PooledHost
    next = (next + 1) % hosts.length
    return host
  }
}

/**
 * Earliest deadline first, as in Envoy: each host is due every 1 / weight; whoever is due first is taken and moves back by that much.
 * A heap, so a pick costs log(hosts).
 */
function earliestDeadline(hosts: readonly PooledHost[], random: Random): Choose {
  const count = hosts.length
  const due = Float64Array.from(hosts, host => fraction(random) / host.endpoint.weight)
  /** Indexes of hosts; each is due no later than its two children. */
  const heap = Int32Array.from(hosts, (_, index) => index)
  const sink = (start: number) => {
    const moving = heap[start] as number
    let at = start
    for (;;) {
      let child = 2 * at + 1
      if (child >= count) break
      if (child + 1 < count && (due[heap[child + 1] as number] as number) < (due[heap[child] as number] as number)) child++
      if ((due[heap[child] as number] as number) >= (due[moving] as number)) break
      heap[at] = heap[child] as number
      at = child
    }
    heap[at] = moving
  }
  for (let i = (count >> 1) - 1; i >= 0; i--) sink(i)
  return () => {
    const first = heap[0] as number
    const host = hosts[first] as PooledHost
    due[first] = (due[first] as number) + 1 / host.endpoint.weight
    sink(0)
    return host
  }
}
