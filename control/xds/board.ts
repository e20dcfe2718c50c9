import type { Clock } from '../../proxy/util/clock.ts'
import type { Timers } from '../../proxy/util/timers.ts'
import type { Lease } from '../store/store.ts'
import { LimitCounters } from './counters.ts'
import type { NodeIdentity } from './node.ts'
import type { Nack, ProxyStatus, StatusBoard } from './status.ts'
import type { Standing } from './stream.ts'

/** Proxies that have left and are still shown; the oldest is forgotten. */
export const MAX_GONE = 1_000
/** Refusals kept for each proxy; the oldest is forgotten. */
export const MAX_NACKS = 16
/** Calls that wait for a revision at once; more are answered with what there is. */
export const MAX_WAITERS = 1_000

interface Entry {
  id: string
  service: string
  namespace: string
  labels: Readonly<Record<string, string>>
  build: string
  address: string
  /** The stream that speaks for it; null: none. */
  stream: object | null
  /** Newest revision that was accepted whole, and newest that was answered, accepted or not. */
  acknowledged: number
  answered: number
  isInSync: boolean
  sinceMs: number
  nacks: readonly Nack[]
  warnings: ReadonlySet<string>
}

interface Waiter {
  readonly revision: number
  readonly missing: Set<string>
  readonly resolve: () => void
}

/** Words at the start of a refusal that say more than that a resource was bad. */
const WARNINGS = ['foreign-store', 'old-revision'] as const

/** Who runs what, from what the streams tell. */
export class Board implements StatusBoard {
  readonly #entries = new Map<string, Entry>()
  readonly #waiters = new Set<Waiter>()
  readonly #clock: Clock
  readonly #timers: Timers
  readonly #marks: (id: string) => readonly string[]
  readonly #limits: LimitCounters

  /** @param clock wall clock. @param marks further warnings of a proxy: what its lease and the server say. */
  constructor(clock: Clock, timers: Timers, marks: (id: string) => readonly string[] = () => [], limits = new LimitCounters()) {
    this.#clock = clock
    this.#timers = timers
    this.#marks = marks
    this.#limits = limits
  }

  list(): readonly ProxyStatus[] {
    return [...this.#entries.values()].map(entry => this.#status(entry)).sort((a, b) => (a.id < b.id ? -1 : 1))
  }

  /** The last refusals of one proxy, oldest first. */
  nacksOf(id: string): readonly Nack[] {
    return this.#entries.get(id)?.nacks ?? []
  }

  settled(revision: number, timeoutMs: number): Promise<readonly ProxyStatus[]> {
    const missing = new Set<string>()
    for (const entry of this.#entries.values()) if (entry.stream !== null && entry.answered < revision) missing.add(entry.id)
    if (missing.size === 0) return Promise.resolve(this.list())
    if (this.#waiters.size >= MAX_WAITERS) {
      this.#limits.reached('waiters')
      return Promise.resolve(this.list())
    }
    return new Promise(resolve => {
      const end = () => {
        timer.disarm()
        this.#waiters.delete(waiter)
        resolve(this.list())
      }
      const timer = this.#timers.timer(end)
      const waiter: Waiter = { revision, missing, resolve: end }
      this.#waiters.add(waiter)
      timer.arm(timeoutMs)
    })
  }

  /** A discovery stream has said who it is. A newer stream of the same id takes over. */
  connected(stream: object, node: NodeIdentity): void {
    const entry = this.#entry(node.id, node.service, node.namespace)
    entry.stream = stream
    entry.labels = { ...node.labels, service: node.service }
    entry.build = node.build
    entry.answered = 0
    entry.warnings = new Set()
    this.#setSync(entry, false, true)
  }

  disconnected(stream: object, id: string): void {
    const entry = this.#entries.get(id)
    if (entry?.stream !== stream) return
    entry.stream = null
    this.#setSync(entry, false, true)
    // Last in the order of leaving.
    this.#entries.delete(id)
    this.#entries.set(id, entry)
    this.#forget()
    for (const waiter of this.#waiters) this.#tell(waiter, id)
  }

  /** What a stream has answered so far. */
  stands(stream: object, id: string, standing: Standing): void {
    const entry = this.#entries.get(id)
    if (entry?.stream !== stream) return
    this.#setSync(entry, standing.isQuiet && !standing.isRefusing, false)
    if (!standing.isQuiet) return
    entry.answered = standing.revision
    if (!standing.isRefusing) {
      entry.acknowledged = standing.revision
      if (entry.warnings.size > 0) entry.warnings = new Set()
    }
    for (const waiter of this.#waiters) if (standing.revision >= waiter.revision) this.#tell(waiter, id)
  }

  refused(stream: object, id: string, nack: Omit<Nack, 'at'>): void {
    const entry = this.#entries.get(id)
    if (entry?.stream !== stream) return
    if (entry.nacks.length === MAX_NACKS) this.#limits.reached('refusals_forgotten')
    entry.nacks = [...entry.nacks, { ...nack, at: this.#clock.now() }].slice(-MAX_NACKS)
    const word = WARNINGS.find(each => nack.message.startsWith(each))
    if (word !== undefined) this.warn(stream, id, word)
  }

  /** Something an operator should know, until the proxy is in step again. */
  warn(stream: object, id: string, word: string): void {
    const entry = this.#entries.get(id)
    if (entry?.stream === stream) entry.warnings = new Set([...entry.warnings, word])
  }

  /** A registration: where the proxy's peers reach it. */
  registered({ node, service, namespace, address, port, build, labels }: Lease): void {
    const entry = this.#entry(node, service, namespace)
    entry.address = address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`
    entry.build = build
    entry.labels = { ...labels, service }
    this.#forget()
  }

  #entry(id: string, service: string, namespace: string): Entry {
    const known = this.#entries.get(id)
    if (known !== undefined) return Object.assign(known, { service, namespace })
    const entry: Entry = {
      id,
      service,
      namespace,
      labels: {},
      build: '',
      address: '',
      stream: null,
      acknowledged: 0,
      answered: 0,
      isInSync: false,
      sinceMs: this.#clock.now(),
      nacks: [],
      warnings: new Set(),
    }
    this.#entries.set(id, entry)
    return entry
  }

  #setSync(entry: Entry, isInSync: boolean, isNew: boolean): void {
    if (entry.isInSync === isInSync && !isNew) return
    entry.isInSync = isInSync
    entry.sinceMs = this.#clock.now()
  }

  #tell(waiter: Waiter, id: string): void {
    if (waiter.missing.delete(id) && waiter.missing.size === 0) waiter.resolve()
  }

  #forget(): void {
    const gone = [...this.#entries.values()].filter(entry => entry.stream === null)
    for (const entry of gone.slice(0, Math.max(gone.length - MAX_GONE, 0))) {
      this.#entries.delete(entry.id)
      this.#limits.reached('proxies_forgotten')
    }
  }

  #status(entry: Entry): ProxyStatus {
    const { id, service, namespace, labels, address, build } = entry
    return {
      id,
      service,
      namespace,
      labels,
      address,
      version: `${entry.acknowledged}`,
      inSync: entry.isInSync,
      isConnected: entry.stream !== null,
      since: new Date(entry.sinceMs).toISOString(),
      lastNack: entry.nacks.at(-1) ?? null,
      build,
      warnings: [...entry.warnings, ...this.#marks(id)],
    }
  }
}
