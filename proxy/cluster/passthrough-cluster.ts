import { MeshError } from '../errors.ts'
import type { RequestHead } from '../http/head.ts'
import { ClusterCore } from './cluster-core.ts'
import { resolvedEndpoints } from './dns-discovery.ts'
import type { Host } from './endpoint.ts'
import { type OutsideName, parseOutsideName } from './outside-name.ts'
import { Picker } from './picker.ts'
import type { PooledHost } from './pool.ts'

/** Names outside the mesh that are known at once. More than an app talks to; a crawler's thousands must not stay for ever. */
export const MAX_OUTSIDE_NAMES = 1_024

/** One name outside the mesh, with the hosts that it resolves to. */
interface Outside {
  readonly key: string
  readonly name: OutsideName
  hosts: readonly PooledHost[]
  picker: Picker | null
  /** Monotonic, ms: the addresses hold until then. */
  expiresAt: number
  lastUsedAt: number
  inFlight: Promise<void> | null
}

/** Hosts outside the mesh: each request goes where its own authority says. */
export class PassthroughCluster extends ClusterCore {
  readonly #outside = new Map<string, Outside>()
  /** How many names lead to a host. */
  readonly #uses = new Map<PooledHost, number>()

  /** Names that are known. */
  get size(): number {
    return this.#outside.size
  }

  /** Rejects with UPSTREAM_DNS, naming the host; DOWNSTREAM_PROTOCOL for an authority that is none; UPSTREAM_OVERFLOW when too many names are being looked up. */
  override pick(head: RequestHead, tried: readonly Host[]): Host | null | Promise<Host | null> {
    const isTls = head.scheme === 'https' && head.method !== 'CONNECT'
    const key = isTls ? `https ${head.authority}` : head.authority
    const now = this.environment.timers.clock.now()
    const known = this.#outside.get(key)
    if (known === undefined) return this.#meet(key, head.authority, isTls, tried, now)
    known.lastUsedAt = now
    if (known.picker !== null && now < known.expiresAt) return known.picker.pick(tried)
    return this.#pickResolved(known, tried)
  }

  override stop(): void {}

  #meet(key: string, authority: string, isTls: boolean, tried: readonly Host[], now: number): Promise<Host | null> {
    const name = parseOutsideName(authority, isTls ? 443 : 80)
    if (name === null) return Promise.reject(new MeshError('DOWNSTREAM_PROTOCOL', `${JSON.stringify(authority)} names no host`))
    if (this.#outside.size >= MAX_OUTSIDE_NAMES && !this.#evict()) {
      this.environment.counters.add('passthrough_names_overflow')
      return Promise.reject(new MeshError('UPSTREAM_OVERFLOW', `${MAX_OUTSIDE_NAMES} names outside the mesh are being looked up`))
    }
    const outside: Outside = { key, name, hosts: [], picker: null, expiresAt: 0, lastUsedAt: now, inFlight: null }
    this.#outside.set(key, outside)
    return this.#pickResolved(outside, tried)
  }

  async #pickResolved(outside: Outside, tried: readonly Host[]): Promise<Host | null> {
    outside.inFlight ??= this.#resolve(outside)
    await outside.inFlight
    return outside.picker?.pick(tried) ?? null
  }

  async #resolve(outside: Outside): Promise<void> {
    const { host, port } = outside.name
    const answer = await this.environment.resolver.resolve(host)
    outside.inFlight = null
    if (answer.kind !== 'found') {
      this.#forget(outside)
      throw new MeshError('UPSTREAM_DNS', `${host} cannot be resolved: ${answer.reason}`)
    }
    outside.expiresAt = this.environment.timers.clock.now() + answer.ttlMs
    const isSame =
      outside.hosts.length === answer.addresses.length && outside.hosts.every(each => answer.addresses.includes(each.endpoint.address))
    if (isSame) return
    const transport = outside.key.startsWith('https ')
      ? ({ kind: 'tls', serverName: host, roots: null } as const)
      : ({ kind: 'plaintext' } as const)
    const hosts = resolvedEndpoints(answer.addresses, port, transport, host).map(endpoint => this.add(endpoint))
    for (const each of hosts) this.#uses.set(each, (this.#uses.get(each) ?? 0) + 1)
    this.#release(outside.hosts)
    outside.hosts = hosts
    outside.picker = new Picker(this.config.policy, hosts, this.environment.random)
  }

  /** Forgets the name that was used longest ago, one without requests in flight if there is one. False: all are being looked up. */
  #evict(): boolean {
    let victim: Outside | null = null
    let isVictimBusy = true
    for (const each of this.#outside.values()) {
      if (each.inFlight !== null) continue
      const isBusy = each.hosts.some(host => host.active > 0)
      const isBetter = victim === null || (isVictimBusy && !isBusy) || (isVictimBusy === isBusy && each.lastUsedAt < victim.lastUsedAt)
      if (!isBetter) continue
      victim = each
      isVictimBusy = isBusy
    }
    if (victim === null) return false
    this.environment.counters.add('passthrough_hosts_evicted')
    this.#forget(victim)
    return true
  }

  #forget(outside: Outside): void {
    this.#outside.delete(outside.key)
    this.#release(outside.hosts)
  }

  #release(hosts: readonly PooledHost[]): void {
    for (const host of hosts) {
      const uses = (this.#uses.get(host) ?? 1) - 1
      if (uses > 0) this.#uses.set(host, uses)
      else {
        this.#uses.delete(host)
        this.remove(host)
      }
    }
  }
}
