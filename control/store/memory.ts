import { randomUUID } from 'node:crypto'
import { type Clock, wallClock } from '../../proxy/util/clock.ts'
import type { Document, Kind } from '../model/document.ts'
import { byNamespaceAndName } from '../model/model.ts'
import { StoreError } from './errors.ts'
import { DEFAULT_STORE_LIMITS, type StoreLimits } from './limits.ts'
import type { ApplyResult, Change, Lease, Store } from './store.ts'
import { DocumentTable } from './transaction.ts'
import { Watchers } from './watchers.ts'

/** What can be chosen of a store in memory. */
export interface MemoryStoreOptions {
  readonly clock?: Clock
  readonly limits?: Partial<StoreLimits>
}

/** A store that lives as long as its process: for tests and for sidecars with their documents in files. */
export class MemoryStore implements Store {
  readonly id = randomUUID()
  readonly #clock: Clock
  readonly #limits: StoreLimits
  readonly #table: DocumentTable
  readonly #leases = new Map<string, Lease>()
  readonly #watchers = new Watchers()
  #revision = 0
  /** Made anew when a lease changes: equal answers are the same list. */
  #leaseList: readonly Lease[] | null = null
  #isClosed = false

  constructor(options: MemoryStoreOptions = {}) {
    this.#clock = options.clock ?? wallClock
    this.#limits = { ...DEFAULT_STORE_LIMITS, ...options.limits }
    this.#table = new DocumentTable(this.#limits)
  }

  get revision(): number {
    return this.#revision
  }

  async get(kind: Kind, namespace: string, name: string): Promise<Document | null> {
    return this.#table.get(`${kind}/${namespace}/${name}`)?.document ?? null
  }

  async list(kind: Kind, namespace: string | null): Promise<readonly Document[]> {
    return listOf(this.#table, kind, namespace)
  }

  async apply(changes: readonly Change[]): Promise<ApplyResult> {
    this.#open()
    const plan = this.#table.plan(changes, this.#revision, new Date(this.#clock.now()).toISOString())
    if (plan.ok && plan.writes.size > 0) {
      this.#table.commit(plan.writes)
      this.#revision = plan.answer.revision
      this.#watchers.tell(this.#revision)
    }
    return plan.answer
  }

  async leases(): Promise<readonly Lease[]> {
    this.#leaseList ??= [...this.#leases.values()].sort(byNode)
    return this.#leaseList
  }

  async putLease(lease: Lease): Promise<void> {
    this.#open()
    if (!this.#leases.has(lease.node) && this.#leases.size >= this.#limits.maxLeases) throw tooManyLeases(this.#limits.maxLeases)
    this.#leases.set(lease.node, lease)
    this.#leaseList = null
  }

  async deleteLease(node: string): Promise<void> {
    this.#open()
    this.#leases.delete(node)
    this.#leaseList = null
  }

  watch(changed: (revision: number) => void): () => void {
    return this.#watchers.add(changed)
  }

  async close(): Promise<void> {
    this.#isClosed = true
  }

  #open(): void {
    if (this.#isClosed) throw new StoreError('STORE_CLOSED', 'the store is closed')
  }
}

/** Documents of a kind, of one namespace or (null) all, sorted by namespace, then name. */
export function listOf(table: DocumentTable, kind: Kind, namespace: string | null): Document[] {
  const found: Document[] = []
  for (const { document } of table.values()) {
    if (document.kind === kind && (namespace === null || document.metadata.namespace === namespace)) found.push(document)
  }
  return found.sort(byNamespaceAndName)
}

/** Orders leases by their node's id. */
export function byNode(a: Lease, b: Lease): number {
  return a.node < b.node ? -1 : a.node > b.node ? 1 : 0
}

/** The refusal of one lease more than there may be. */
export function tooManyLeases(maxLeases: number): StoreError {
  return new StoreError('STORE_LIMIT', `${maxLeases} sidecars are registered; the store holds no more`)
}
