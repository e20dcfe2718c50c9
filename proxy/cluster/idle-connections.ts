import type { Connection, ConnectionEvents } from '../http/message.ts'
import type { Timer, Timers } from '../util/timers.ts'
import type { KnownHost } from './host.ts'

/** Idle connections kept to one host: enough for the lulls of a busy caller, few enough that a burst does not leave a thousand sockets with every endpoint. */
export const MAX_IDLE_PER_HOST = 256

/** One connection's place in its pool. */
export class Slot implements ConnectionEvents {
  readonly connection: Connection
  /** `free` is the moment between two uses. */
  state: 'free' | 'idle' | 'taken' | 'gone' = 'free'
  readonly #pool: { freed(slot: Slot): void; lost(slot: Slot): void }

  constructor(pool: { freed(slot: Slot): void; lost(slot: Slot): void }, connection: Connection) {
    this.#pool = pool
    this.connection = connection
    connection.events = this
  }

  available(): void {
    this.#pool.freed(this)
  }

  closed(): void {
    this.#pool.lost(this)
  }
}

/** The idle connections of one host. The newest is used first, so that the others can age and be closed. */
export class IdleConnections {
  readonly #host: KnownHost
  readonly #timers: Timers
  readonly #timer: Timer
  readonly #close: (slot: Slot) => void
  /** Oldest first. */
  readonly #slots: Slot[] = []

  /** @param close is called for each one that is too old, or one too many; it calls `remove`. */
  constructor(host: KnownHost, timers: Timers, close: (slot: Slot) => void) {
    this.#host = host
    this.#timers = timers
    this.#close = close
    this.#timer = timers.timer(() => this.#closeAged())
  }

  get size(): number {
    return this.#slots.length
  }

  get oldest(): Slot | null {
    return this.#slots[0] ?? null
  }

  /** False: its server wants it used no more. */
  push(slot: Slot): boolean {
    const limitMs = this.#limitMs(slot)
    if (limitMs <= 0) return false
    const first = this.#slots[0]
    if (first !== undefined && this.#slots.length >= MAX_IDLE_PER_HOST) this.#close(first)
    slot.state = 'idle'
    this.#slots.push(slot)
    // One that lasts less long than those before it (a shorter hint) is seen to in time by `take` at the latest.
    if (!this.#timer.isArmed) this.#timer.arm(limitMs)
    return true
  }

  /** The newest one that its server will not close in a moment; null: none. */
  take(): Slot | null {
    if (this.#slots.length === 0) return null
    const now = this.#timers.clock.now()
    for (let slot = this.#slots.pop(); slot !== undefined; slot = this.#slots.pop()) {
      slot.state = 'free'
      if (now - slot.connection.idleSince < this.#limitMs(slot)) return slot
      this.#close(slot)
    }
    return null
  }

  remove(slot: Slot): void {
    const at = this.#slots.lastIndexOf(slot)
    if (at !== -1) this.#slots.splice(at, 1)
    slot.state = 'free'
  }

  stop(): void {
    this.#timer.disarm()
  }

  #limitMs(slot: Slot): number {
    return this.#host.idleLimitMs(slot.connection.keepAliveHintMs)
  }

  #closeAged(): void {
    const now = this.#timers.clock.now()
    let nextMs = Number.POSITIVE_INFINITY
    for (const slot of [...this.#slots]) {
      const leftMs = slot.connection.idleSince + this.#limitMs(slot) - now
      if (leftMs <= 0) this.#close(slot)
      else nextMs = Math.min(nextMs, leftMs)
    }
    if (this.#slots.length > 0) this.#timer.arm(nextMs)
  }
}
