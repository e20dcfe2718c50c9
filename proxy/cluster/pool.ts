import { MeshError } from '../errors.ts'
import type { Connection } from '../http/message.ts'
import type { Cancellation } from '../util/cancellation.ts'
import type { Timer } from '../util/timers.ts'
import type { Breaker } from './breaker.ts'
import type { ClusterConfig } from './config.ts'
import { connectGuarded, type Environment } from './connect.ts'
import type { Endpoint } from './endpoint.ts'
import { KnownHost } from './host.ts'
import { IdleConnections, Slot } from './idle-connections.ts'
import { Waiter, WaitingQueue } from './waiting.ts'

/** Longest wait for a connection to come free; who waits longer is better told so (haproxy's `timeout queue` exists for the same reason). */
export const MAX_PENDING_MS = 10_000

/** What the pools of one cluster share. */
export interface PoolOwner {
  readonly config: ClusterConfig
  readonly breaker: Breaker
  readonly environment: Environment
  /** The local app's own cluster. */
  readonly isApp: boolean
  /** Pools whose requests wait because `maxConnections` is reached, in order. */
  readonly starved: Set<Pool>
  /** Closes an idle connection of any pool to make room. False: there is none. */
  reclaim(): boolean
  /** A connection has ended: the first starved pool may open one. */
  connectionEnded(): void
  /** A draining pool holds nothing any more. May be called again. */
  emptied(): void
}

/**
 * HTTP/1.1 connections to one host.
 *
 *     acquire ── idle one ─────────────────────────────────────▶ taken ── available ──▶ request that waits, or idle ── too old ──▶ closed
 *        └────── waits (maxPending), connects (maxConnections) ────▲
 */
export class Pool {
  readonly #host: KnownHost
  readonly #owner: PoolOwner
  readonly #waiting = new WaitingQueue()
  readonly #slots = new Set<Slot>()
  readonly #idle: IdleConnections
  #isDraining = false
  readonly #waitTimer: Timer

  constructor(host: KnownHost, owner: PoolOwner) {
    this.#host = host
    this.#owner = owner
    this.#idle = new IdleConnections(host, owner.environment.timers, slot => this.#closeUnused(slot))
    this.#waitTimer = owner.environment.timers.timer(() => this.#giveUp())
  }

  /** Connections that wait for a request. */
  get idle(): number {
    return this.#idle.size
  }

  /** Requests that wait for a connection. */
  get pending(): number {
    return this.#waiting.size
  }

  /** Connections in use. */
  get taken(): number {
    return this.#slots.size - this.#idle.size
  }

  get isEmpty(): boolean {
    return this.#slots.size === 0 && this.#host.connecting === 0 && this.#waiting.size === 0
  }

  /** As `Cluster.acquire`. Who gets a connection sends on it once, or gives it back unused by `connection.events.available(connection)`. */
  acquire(cancelled: Cancellation, fresh: boolean): Connection | Promise<Connection> {
    const slot = fresh ? null : this.#idle.take()
    if (slot === null) return this.#wait(cancelled, fresh)
    slot.state = 'taken'
    this.#host.active++
    this.#host.total++
    return slot.connection
  }

  /** No more reuse: idle connections close now, those in use when they are free. What waits is still served. */
  drain(): void {
    this.#isDraining = true
    while (this.closeIdle()) {}
    this.#checkEmpty()
  }

  /** The host is back. */
  revive(): void {
    this.#isDraining = false
  }

  /** Ends everything at once. */
  destroy(error: MeshError): void {
    this.#isDraining = true
    for (let waiter = this.#waiting.first; waiter !== null; waiter = this.#waiting.first) this.#reject(waiter, error)
    for (const slot of [...this.#slots]) this.#discard(slot, error)
    this.#checkEmpty()
  }

  /** Closes the oldest idle connection. False: there is none. */
  closeIdle(): boolean {
    const slot = this.#idle.oldest
    if (slot === null) return false
    this.#closeUnused(slot)
    return true
  }

  /** Opens as many connections as requests wait for, or as `maxConnections` allows. */
  connectMore(): void {
    while (this.#waiting.size > this.#host.connecting) {
      if (this.#owner.breaker.tryConnection()) {
        this.#host.connecting++
        void this.#open()
      } else if (!this.#owner.reclaim()) {
        this.#owner.starved.add(this)
        return
      }
    }
    this.#owner.starved.delete(this)
  }

  /** Called by the connection: its request is over. */
  freed(slot: Slot): void {
    if (slot.state !== 'taken') return
    this.#host.active--
    slot.state = 'free'
    this.#offer(slot)
    this.#checkEmpty()
  }

  /** Called by the connection: it has closed. */
  lost(slot: Slot): void {
    if (slot.state === 'gone') return
    if (slot.state === 'idle') this.#host.closedIdle(this.#now() - slot.connection.idleSince)
    this.#remove(slot)
    this.connectMore()
    this.#checkEmpty()
  }

  #wait(cancelled: Cancellation, fresh: boolean): Promise<Connection> {
    if (cancelled.reason !== null) return Promise.reject(cancelled.reason)
    const { breaker, config } = this.#owner
    if (breaker.isClosedToConnections) {
      const text = `${config.name}: no connection is allowed (maxConnections)`
      return Promise.reject(new MeshError('UPSTREAM_OVERFLOW', text))
    }
    if (!breaker.tryPending()) {
      const text = `${config.name}: ${breaker.pending} requests wait for a connection already (maxPending)`
      return Promise.reject(new MeshError('UPSTREAM_OVERFLOW', text))
    }
    this.#host.active++
    this.#host.total++
    return new Promise((resolve, reject) => {
      const waitMs = Math.max(MAX_PENDING_MS, config.connectTimeoutMs)
      const left = (waiter: Waiter) => this.#leave(waiter)
      this.#waiting.push(new Waiter(fresh, this.#now() + waitMs, cancelled, { resolve, reject }, left))
      if (!this.#waitTimer.isArmed) this.#waitTimer.arm(waitMs)
      this.connectMore()
    })
  }

  async #open(): Promise<void> {
    const { environment, config, isApp } = this.#owner
    let connection: Connection
    try {
      const { endpoint } = this.#host
      const isOwn = isApp || (config.discovery.kind === 'eds' && environment.isOwnRegistration(endpoint.address, endpoint.port))
      connection = await connectGuarded(environment, endpoint, config.connectTimeoutMs, isOwn)
    } catch (thrown) {
      this.#host.connecting--
      this.#connectFailed(thrown)
      this.#checkEmpty()
      return
    }
    this.#host.connecting--
    environment.counters.add('upstream_connections_opened')
    this.#host.connected()
    const slot = new Slot(this, connection)
    this.#slots.add(slot)
    this.#offer(slot)
    this.#checkEmpty()
  }

  #connectFailed(thrown: unknown): void {
    const { environment, breaker } = this.#owner
    const error = thrown instanceof MeshError ? thrown : new MeshError('INTERNAL', `${this.#host.name}: ${thrown}`, { cause: thrown })
    breaker.connections--
    environment.counters.add('upstream_connections_failed')
    if (error.row.source === 'upstream') this.#host.connectFailed(error)
    // The oldest one takes the failure. If nothing is open here, those for whom no connect is under way would wait in vain.
    let mayReject = true
    for (
      let first = this.#waiting.first;
      first !== null && mayReject && this.#waiting.size > this.#host.connecting;
      first = this.#waiting.first
    ) {
      this.#reject(first, error)
      mayReject = this.#slots.size === 0
    }
    this.#owner.connectionEnded()
    this.connectMore()
  }

  /** Gives a free connection to the first request that waits for one, or keeps it. */
  #offer(slot: Slot): void {
    if (slot.connection.capacity === 0) {
      this.#closeUnused(slot)
      this.connectMore()
      return
    }
    const waiter = this.#waiting.take(slot.connection.isReused)
    if (waiter !== null) {
      this.#settled()
      slot.state = 'taken'
      waiter.serve(slot.connection)
      return
    }
    const isWanted = !this.#isDraining && this.#owner.starved.size === 0
    if (!isWanted || !this.#idle.push(slot)) this.#closeUnused(slot)
  }

  /** Those who have waited too long are told that it is full. */
  #giveUp(): void {
    const now = this.#now()
    for (let first = this.#waiting.first; first !== null && first.deadline <= now; first = this.#waiting.first) {
      this.#owner.environment.counters.add('breaker_pending_overflow')
      this.#reject(first, new MeshError('UPSTREAM_OVERFLOW', `${this.#host.name}: no connection came free in time (maxConnections)`))
    }
    if (this.#waiting.first !== null) this.#waitTimer.arm(this.#waiting.first.deadline - now)
    this.#checkEmpty()
  }

  #reject(waiter: Waiter, error: MeshError): void {
    this.#leave(waiter)
    waiter.fail(error)
  }

  #leave(waiter: Waiter): void {
    this.#waiting.remove(waiter)
    this.#host.active--
    this.#settled()
  }

  /** One request less waits. */
  #settled(): void {
    this.#owner.breaker.pending--
    if (this.#waiting.size > this.#host.connecting) return
    this.#owner.starved.delete(this)
    if (this.#waiting.size > 0) return
    this.#waitTimer.disarm()
    this.#checkEmpty()
  }

  #closeUnused(slot: Slot): void {
    this.#owner.environment.counters.add('upstream_connections_idle_closed')
    this.#discard(slot, new MeshError('UPSTREAM_CLOSED', `${this.#host.name}: an unused connection was closed`))
  }

  #discard(slot: Slot, error: MeshError): void {
    this.#remove(slot)
    slot.connection.destroy(error)
  }

  #remove(slot: Slot): void {
    if (slot.state === 'idle') this.#idle.remove(slot)
    else if (slot.state === 'taken') this.#host.active--
    slot.state = 'gone'
    this.#slots.delete(slot)
    this.#owner.breaker.connections--
    this.#owner.connectionEnded()
  }

  #checkEmpty(): void {
    if (!this.#isDraining || !this.isEmpty) return
    this.#idle.stop()
    this.#owner.emptied()
  }

  #now(): number {
    return this.#owner.environment.timers.clock.now()
  }
}

/** A host with its pool. */
export class PooledHost extends KnownHost {
  readonly pool: Pool

  constructor(endpoint: Endpoint, owner: PoolOwner) {
    super(endpoint, owner.environment.timers.clock, owner.environment.random)
    this.pool = new Pool(this, owner)
  }
}
