import type { Clock } from '../../proxy/util/clock.ts'
import type { Timer, Timers } from '../../proxy/util/timers.ts'
import type { Lease, Store } from '../store/store.ts'
import { LimitCounters } from './counters.ts'
import type { Log } from './log.ts'

/** Leases at once; one sidecar has one. */
export const MAX_LEASES = 10_000
/** A stream that breaks and is back within it changes nothing for anybody, ms. With it an endpoint is UNHEALTHY well within 2 s. */
export const BREAK_GRACE_MS = 1_000
/** A stream that says nothing for so long is taken for dead, ms: three heartbeats. */
export const SILENCE_MS = 10_000
/** An unhealthy lease, or one that left, is removed after it, ms. */
export const REMOVAL_MS = 30_000
/** After a restart stored leases are served unchanged for so long, ms: sidecars come back within it. */
export const RESTART_GRACE_MS = 60_000
/** Leases that vanish within this time vanish together, ms. */
export const TOGETHER_MS = 10_000
/** Leases that vanished together are kept so long, ms: that is rather the network, or we, than they. */
export const HOLD_MS = 600_000
/** One lease alone is never held. */
const MIN_HELD = 2

/** What a sidecar says of itself. */
export type Registered = Pick<Lease, 'node' | 'service' | 'namespace' | 'address' | 'port' | 'protocol' | 'labels' | 'build' | 'isAppReady'>

/** The stream that holds a lease. */
export interface Owner {
  /** Its lease is gone, or another stream has it. */
  end(reason: 'superseded' | 'silent'): void
}

/**
 * live ──stream ends──> grace ──1 s──> lost ──30 s──> removed
 *   └──10 s of silence──────────────────^ └─ held ──10 min──> removed
 *   └──draining, stream ends──> left ──30 s──> removed
 * restored (from the store) ──60 s──> lost.  A registration leads from each of them to live.
 */
type Phase = 'live' | 'grace' | 'lost' | 'held' | 'left' | 'restored'

interface Entry {
  lease: Lease
  phase: Phase
  owner: Owner | null
  readonly timer: Timer
  /** Monotonic, ms: when it was lost. */
  lostAt: number
}

/** All leases, each in its phase. What it answers is on disk, or on its way there. */
export class LeaseTable {
  readonly #entries = new Map<string, Entry>()
  readonly #store: Pick<Store, 'putLease' | 'deleteLease'>
  readonly #timers: Timers
  readonly #clock: Clock
  readonly #log: Log
  readonly #changed: () => void
  readonly #maxLeases: number
  readonly #limits: LimitCounters
  #list: readonly Lease[] | null = null

  /** @param clock wall clock. @param changed called after each change that others can see. */
  constructor(options: {
    readonly store: Pick<Store, 'putLease' | 'deleteLease'>
    readonly timers: Timers
    readonly clock: Clock
    readonly log: Log
    readonly changed: () => void
    readonly maxLeases?: number
    readonly limits?: LimitCounters
  }) {
    this.#store = options.store
    this.#timers = options.timers
    this.#clock = options.clock
    this.#log = options.log
    this.#changed = options.changed
    this.#maxLeases = options.maxLeases ?? MAX_LEASES
    this.#limits = options.limits ?? new LimitCounters()
  }

  /** All leases; unchanged ones are the same objects from one call to the next. */
  list(): readonly Lease[] {
    this.#list ??= [...this.#entries.values()].map(entry => entry.lease)
    return this.#list
  }

  get(node: string): Lease | null {
    return this.#entries.get(node)?.lease ?? null
  }

  /** Leases that are kept although their streams are gone, because most of their service's vanished together. */
  isHeld(node: string): boolean {
    return this.#entries.get(node)?.phase === 'held'
  }

  /** Whether a stream holds it. */
  isLive(node: string): boolean {
    return (this.#entries.get(node)?.owner ?? null) !== null
  }

  /** Takes the leases of an earlier process. */
  restore(leases: readonly Lease[]): void {
    for (const lease of leases) this.#arm(this.#add(lease, 'restored', null), RESTART_GRACE_MS)
    this.#touch()
  }

  /** Resolves when the lease is on disk and served; null: there are too many. Rejects if it can't be stored. A live stream of the same id is ended. */
  async register(said: Registered, owner: Owner): Promise<Lease | null> {
    const present = this.#entries.get(said.node)
    if (present === undefined && this.#entries.size >= this.#maxLeases) {
      this.#limits.reached('leases')
      return null
    }
    const lease: Lease = { ...said, isDraining: false, health: 'healthy', unhealthySince: null, registeredAt: this.#clock.now() }
    const former = present?.owner ?? null
    const entry = present ?? this.#add(lease, 'grace', owner)
    entry.owner = owner
    entry.timer.disarm()
    if (former !== null && former !== owner) former.end('superseded')
    try {
      await this.#store.putLease(lease)
    } catch (error) {
      if (this.#owned(said.node, owner) !== null) this.#lose(entry, 'grace')
      throw error
    }
    if (entry.owner !== owner || this.#entries.get(said.node) !== entry) return lease
    entry.lease = lease
    entry.phase = 'live'
    this.#arm(entry, SILENCE_MS)
    this.#touch()
    return lease
  }

  /** The stream lives; after a silence its lease is healthy again. */
  heard(node: string, owner: Owner): void {
    const entry = this.#owned(node, owner)
    if (entry === null) return
    if (entry.phase !== 'live') {
      entry.phase = 'live'
      this.#set(entry, { health: 'healthy', unhealthySince: null })
    }
    this.#arm(entry, SILENCE_MS)
  }

  /** The app's readiness changed, or the sidecar leaves. */
  update(node: string, owner: Owner, said: Pick<Lease, 'isAppReady' | 'isDraining'>): void {
    this.heard(node, owner)
    const entry = this.#owned(node, owner)
    if (entry === null) return
    const { isAppReady, isDraining } = entry.lease
    if (isAppReady !== said.isAppReady || isDraining !== said.isDraining) this.#set(entry, said)
  }

  /** The stream has ended. */
  left(node: string, owner: Owner): void {
    const entry = this.#owned(node, owner)
    if (entry === null) return
    entry.owner = null
    if (entry.lease.isDraining) {
      entry.phase = 'left'
      this.#arm(entry, REMOVAL_MS)
    } else if (entry.phase === 'live') this.#lose(entry, 'grace')
  }

  /** Disarms everything; nothing changes any more. */
  close(): void {
    for (const entry of this.#entries.values()) entry.timer.disarm()
    this.#entries.clear()
  }

  #owned(node: string, owner: Owner): Entry | null {
    const entry = this.#entries.get(node)
    return entry?.owner === owner ? entry : null
  }

  #add(lease: Lease, phase: Phase, owner: Owner | null): Entry {
    const entry: Entry = { lease, phase, owner, timer: this.#timers.timer(() => this.#expired(entry)), lostAt: 0 }
    this.#entries.set(lease.node, entry)
    this.#list = null
    return entry
  }

  #arm(entry: Entry, ms: number): void {
    entry.timer.arm(ms)
  }

  #lose(entry: Entry, phase: 'grace'): void {
    entry.phase = phase
    this.#arm(entry, BREAK_GRACE_MS)
  }

  #expired(entry: Entry): void {
    switch (entry.phase) {
      case 'live':
        this.#limits.reached('lease_silence')
        this.#lost(entry, true)
        return
      case 'grace':
        this.#lost(entry, true)
        return
      case 'restored':
        if (entry.lease.isDraining) this.#remove(entry)
        else this.#lost(entry, false)
        return
      case 'lost':
      case 'held':
      case 'left':
        this.#remove(entry)
    }
  }

  #lost(entry: Entry, mayHold: boolean): void {
    entry.phase = 'lost'
    entry.lostAt = this.#timers.clock.now()
    this.#arm(entry, REMOVAL_MS)
    this.#set(entry, { health: 'unhealthy', unhealthySince: this.#clock.now() })
    if (mayHold) this.#hold(entry.lease)
  }

  /** Holds the leases of a service if more than half of them vanished together. */
  #hold({ namespace, service }: Lease): void {
    const now = this.#timers.clock.now()
    let total = 0
    const vanished: Entry[] = []
    for (const entry of this.#entries.values()) {
      if (entry.lease.service !== service || entry.lease.namespace !== namespace || entry.phase === 'left') continue
      total++
      if (entry.phase === 'held' || (entry.phase === 'lost' && now - entry.lostAt <= TOGETHER_MS)) vanished.push(entry)
    }
    if (vanished.length < MIN_HELD || vanished.length * 2 <= total) return
    for (const entry of vanished) {
      if (entry.phase === 'held') continue
      entry.phase = 'held'
      this.#limits.reached('leases_held')
      this.#arm(entry, HOLD_MS)
    }
    const fields = { service: `${namespace}/${service}`, vanished: vanished.length, total }
    this.#log.warn(fields, 'more than half of a service vanished together: its endpoints are kept, unhealthy, for 10 min')
  }

  #remove(entry: Entry): void {
    const { node } = entry.lease
    this.#entries.delete(node)
    entry.owner?.end('silent')
    this.#touch()
    this.#store.deleteLease(node).catch(error => this.#log.error({ node, error }, 'a lease could not be deleted from the store'))
  }

  #set(entry: Entry, fields: Partial<Lease>): void {
    entry.lease = { ...entry.lease, ...fields }
    this.#touch()
    const { lease } = entry
    this.#store.putLease(lease).catch(error => this.#log.error({ node: lease.node, error }, 'a lease could not be stored'))
  }

  #touch(): void {
    this.#list = null
    this.#changed()
  }
}
