import { checkSnapshot } from '../config/check.ts'
import type { Snapshot } from '../config/snapshot.ts'
import type { Log } from '../telemetry/log.ts'
import type { Timer, Timers } from '../util/timers.ts'
import type { Assembler } from './assemble.ts'
import type { Parts } from './parts.ts'
import type { StoreVersion } from './store-version.ts'

/** How long, ms, a change waits for clusters and endpoints that its routes name. */
export const WARMING_MS = 5_000
/** References that lead nowhere are told one by one up to this number. */
const MAX_TOLD = 10

export interface SwapOptions {
  readonly parts: Parts
  readonly assembler: Assembler
  readonly timers: Timers
  readonly log: Log
  readonly onSnapshot: (snapshot: Snapshot) => void
  /** What is held is in force now, or (with a reason) could not be put into force. */
  readonly settled: (failure: string | null) => void
  /** A listener or its route table did not come in time. A control plane that waits for an answer before it sends them must get one. */
  readonly stuck: () => void
}

/** Decides when what is held is put into force, and does it. */
export class Swap {
  readonly #options: SwapOptions
  readonly #timer: Timer
  /** What has been waited for in vain: not waited for again until it comes. */
  readonly #givenUp = new Set<string>()
  #version: StoreVersion = { storeId: '', revision: 0 }
  #hasVirtualHosts = false
  inForce: Snapshot | null = null
  /** What the next swap waits for. */
  waitingFor: readonly string[] = []

  constructor(options: SwapOptions) {
    this.#options = options
    this.#timer = options.timers.timer(() => this.#giveUp())
  }

  /**
   * Something may have changed: swaps if all is there, or waits.
   *
   * @param hasVirtualHosts the control plane has answered for virtual hosts at all.
   */
  update(version: StoreVersion, hasVirtualHosts: boolean): void {
    this.#version = version
    this.#hasVirtualHosts = hasVirtualHosts
    const { needed, awaited } = this.#options.assembler.missing(hasVirtualHosts)
    for (const name of this.#givenUp) if (!awaited.includes(name)) this.#givenUp.delete(name)
    this.waitingFor = [...needed, ...awaited.filter(name => !this.#givenUp.has(name))]
    if (this.waitingFor.length === 0) this.#swap()
    else if (!this.#timer.isArmed) this.#timer.arm(WARMING_MS)
  }

  /** Puts into force what there is, without waiting: for the copy on disk. False: there is too little. */
  force(version: StoreVersion): boolean {
    this.#version = version
    if (this.#options.assembler.missing(true).needed.length > 0) return false
    this.#swap()
    return true
  }

  stop(): void {
    this.#timer.disarm()
  }

  #giveUp(): void {
    const { needed, awaited } = this.#options.assembler.missing(this.#hasVirtualHosts)
    if (needed.length > 0) {
      this.#options.log.warn('no configuration to put into force', { missing: needed })
      this.#options.stuck()
      return
    }
    for (const name of awaited) this.#givenUp.add(name)
    if (awaited.length > 0)
      this.#options.log.warn(`in force without what did not come within ${WARMING_MS} ms`, { missing: awaited.slice(0, MAX_TOLD) })
    this.waitingFor = []
    this.#swap()
  }

  #swap(): void {
    this.#timer.disarm()
    const before = this.inForce
    const snapshot = this.#options.assembler.build(this.#version.storeId, this.#version.revision)
    const failure = before !== null && isSame(before, snapshot) ? null : this.#put(snapshot)
    if (failure === null && (before?.routes !== snapshot.routes || before.clusters !== snapshot.clusters)) this.#tell(snapshot)
    this.#options.settled(failure)
  }

  /** Why the snapshot is not in force; null: it is. */
  #put(snapshot: Snapshot): string | null {
    try {
      this.#options.onSnapshot(snapshot)
      this.inForce = snapshot
      return null
    } catch (error) {
      this.#options.log.error('a snapshot could not be put into force', { error: error instanceof Error ? error.stack : String(error) })
      return error instanceof Error ? error.message : String(error)
    }
  }

  #tell(snapshot: Snapshot): void {
    const found = checkSnapshot(snapshot, new Set(this.#options.parts.cluster.refused.keys()))
    for (const { where, message } of found.slice(0, MAX_TOLD)) this.#options.log.warn(`${where}: ${message}`)
    if (found.length > MAX_TOLD) this.#options.log.warn(`and ${found.length - MAX_TOLD} more references that lead nowhere`)
  }
}

function isSame(a: Snapshot, b: Snapshot): boolean {
  return (
    a.storeId === b.storeId &&
    a.revision === b.revision &&
    a.listeners === b.listeners &&
    a.routes === b.routes &&
    a.clusters === b.clusters &&
    a.endpoints === b.endpoints
  )
}
