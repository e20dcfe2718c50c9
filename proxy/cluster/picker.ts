import type { Random } from '../util/random.ts'
import type { LoadBalancerPolicy } from './config.ts'
import type { Host } from './endpoint.ts'
import { leastRequest } from './least-request.ts'
import type { PooledHost } from './pool.ts'
import { roundRobin } from './round-robin.ts'
import type { Choose } from './weighted.ts'

/** How often a policy is asked again when its choice cannot serve; then all hosts are looked at. */
const TRIES = 3
/** Below this share of healthy hosts, health is taken to be wrong about all of them (Envoy's panic threshold). */
export const PANIC_SHARE = 0.5

/**
 * The balancer's state at one moment: which hosts are good at all. Replaced when hosts come, go or change their health; what changes by the
 * second (failures to connect, load) is looked up on the hosts themselves.
 */
export class Picker {
  /** Less than half of the hosts are healthy: all are used. */
  readonly isPanic: boolean
  readonly #hosts: readonly PooledHost[]
  readonly #good: ReadonlySet<PooledHost>
  readonly #choose: Choose | null
  readonly #random: Random

  constructor(policy: LoadBalancerPolicy, hosts: readonly PooledHost[], random: Random) {
    this.#hosts = hosts
    this.#random = random
    const accepting = hosts.filter(host => host.endpoint.health !== 'draining')
    const healthy = accepting.filter(host => host.endpoint.health === 'healthy')
    this.isPanic = healthy.length < accepting.length * PANIC_SHARE
    const usable = this.isPanic ? accepting : healthy
    const priority = usable.reduce((least, host) => Math.min(least, host.endpoint.priority), Number.POSITIVE_INFINITY)
    const good = usable.filter(host => host.endpoint.priority === priority)
    this.#good = new Set(good)
    if (good.length === 0) this.#choose = null
    else this.#choose = policy === 'roundRobin' ? roundRobin(good, random) : leastRequest(good, random)
  }

  /** Null only where there is no host at all: the last resort is a host that is thought to be down. */
  pick(tried: readonly Host[]): PooledHost | null {
    if (this.#choose !== null) {
      for (let i = 0; i < TRIES; i++) {
        const host = this.#choose()
        if (host.canServe && (tried.length === 0 || !tried.includes(host))) return host
      }
    }
    return this.#leastBad(tried)
  }

  /** Looks at all hosts, from a random one on. */
  #leastBad(tried: readonly Host[]): PooledHost | null {
    const count = this.#hosts.length
    if (count === 0) return null
    const start = this.#random.uint32() % count
    let best: PooledHost | null = null
    let least = Number.POSITIVE_INFINITY
    for (let i = 0; i < count && least > 0; i++) {
      const host = this.#hosts[(start + i) % count] as PooledHost
      const badness = this.#badness(host, tried)
      if (badness >= least) continue
      best = host
      least = badness
    }
    return best
  }

  /** What counts for more is the higher bit. */
  #badness(host: PooledHost, tried: readonly Host[]): number {
    const isGood = this.#good.has(host)
    const { health } = host.endpoint
    return (
      (tried.includes(host) ? 1 : 0) |
      (isGood ? 0 : 2) |
      (health === 'draining' ? 4 : 0) |
      (host.canServe ? 0 : 8) |
      (health === 'unhealthy' && !isGood ? 16 : 0)
    )
  }
}
