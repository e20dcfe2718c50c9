import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { type Clock, wallClock } from '../../proxy/util/clock.ts'
import type { Document, Kind } from '../model/document.ts'
import { StoreError } from './errors.ts'
import { LeaseQueue } from './lease-queue.ts'
import { DEFAULT_STORE_LIMITS, type StoreLimits } from './limits.ts'
import { byNode, listOf, tooManyLeases } from './memory.ts'
import { inTransaction, openFile, storeError } from './sqlite-file.ts'
import type { ApplyResult, Change, Lease, Store } from './store.ts'
import { DocumentTable, type Held, hold } from './transaction.ts'
import { Watchers } from './watchers.ts'

/** The file in the data directory. */
export const STORE_FILE = 'outrider.db'

/** What can be chosen of a store on disk. */
export interface SqliteStoreOptions {
  /** Made where it is not there. */
  readonly dataDir: string
  readonly clock?: Clock
  readonly limits?: Partial<StoreLimits>
}

/**
 * Opens the store of a data directory; one process at a time has it.
 * @throws StoreError
 */
export function openSqliteStore(options: SqliteStoreOptions): SqliteStore {
  const path = join(options.dataDir, STORE_FILE)
  try {
    mkdirSync(options.dataDir, { recursive: true, mode: 0o700 })
  } catch (error) {
    throw new StoreError('STORE_IO', `${options.dataDir} cannot be made: ${(error as Error).message}`, { cause: error })
  }
  const limits = { ...DEFAULT_STORE_LIMITS, ...options.limits }
  const database = openFile(path, limits.maxFileBytes)
  try {
    return new SqliteStore(database, path, limits, options.clock ?? wallClock)
  } catch (error) {
    database.close()
    throw new StoreError('STORE_CORRUPT', `${path} holds what no version has written: restore a copy, or move it away to start anew`, {
      cause: error,
    })
  }
}

/**
 * Documents and leases in one SQLite file. All is in memory too: reads never touch the disk, and nobody else writes the file, because
 * it is locked. A write goes to disk first (write-ahead log, `synchronous = FULL`), then to memory, then to those who watch.
 */
export class SqliteStore implements Store {
  readonly id: string
  readonly #path: string
  readonly #database: DatabaseSync
  readonly #clock: Clock
  readonly #limits: StoreLimits
  readonly #table: DocumentTable
  readonly #leases = new Map<string, Lease>()
  readonly #queue: LeaseQueue<Lease | null>
  readonly #watchers = new Watchers()
  readonly #statements: Readonly<Record<'putDocument' | 'deleteDocument' | 'setRevision' | 'putLease' | 'deleteLease', StatementSync>>
  /** Made anew when a lease changes: equal answers are the same list. */
  #leaseList: readonly Lease[] | null = null
  #revision: number
  #isClosed = false

  /** @param database open and of the present format. Use `openSqliteStore`. */
  constructor(database: DatabaseSync, path: string, limits: StoreLimits, clock: Clock) {
    this.#database = database
    this.#path = path
    this.#limits = limits
    this.#clock = clock
    this.#table = new DocumentTable(limits)
    this.#queue = new LeaseQueue(batch => this.#writeLeases(batch))
    this.#statements = {
      putDocument: database.prepare('INSERT INTO documents VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET json = excluded.json'),
      deleteDocument: database.prepare('DELETE FROM documents WHERE key = ?'),
      setRevision: database.prepare("UPDATE about SET value = ? WHERE key = 'revision'"),
      putLease: database.prepare('INSERT INTO leases VALUES (?, ?) ON CONFLICT (node) DO UPDATE SET json = excluded.json'),
      deleteLease: database.prepare('DELETE FROM leases WHERE node = ?'),
    }
    const about = new Map(rows(database, 'SELECT key, value FROM about'))
    this.id = about.get('id') ?? missing('id')
    this.#revision = Number(about.get('revision') ?? missing('revision'))
    const held = rows(database, 'SELECT key, json FROM documents')
    this.#table.commit(new Map(held.map(([key, json]) => [key, hold(json)])))
    for (const [node, json] of rows(database, 'SELECT node, json FROM leases')) this.#leases.set(node, JSON.parse(json) as Lease)
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
    if (!plan.ok || plan.writes.size === 0) return plan.answer
    this.#transaction(() => this.#writeDocuments(plan.writes, plan.answer.revision))
    this.#table.commit(plan.writes)
    this.#revision = plan.answer.revision
    this.#watchers.tell(this.#revision)
    return plan.answer
  }

  async leases(): Promise<readonly Lease[]> {
    this.#leaseList ??= [...this.#leases.values()].sort(byNode)
    return this.#leaseList
  }

  async putLease(lease: Lease): Promise<void> {
    this.#open()
    const isNew = !this.#leases.has(lease.node) && (this.#queue.pending(lease.node) ?? null) === null
    if (isNew && this.#leaseCount() >= this.#limits.maxLeases) throw tooManyLeases(this.#limits.maxLeases)
    await this.#queue.put(lease.node, lease)
  }

  async deleteLease(node: string): Promise<void> {
    this.#open()
    if (this.#leases.has(node) || this.#queue.pending(node) !== undefined) await this.#queue.put(node, null)
  }

  watch(changed: (revision: number) => void): () => void {
    return this.#watchers.add(changed)
  }

  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#queue.flush()
    this.#isClosed = true
    this.#database.close()
  }

  #open(): void {
    if (this.#isClosed) throw new StoreError('STORE_CLOSED', `${this.#path} is closed`)
  }

  #transaction(write: () => void): void {
    try {
      inTransaction(this.#database, write)
    } catch (error) {
      throw storeError(error, this.#path)
    }
  }

  #writeDocuments(writes: ReadonlyMap<string, Held | null>, revision: number): void {
    for (const [key, held] of writes) {
      if (held === null) this.#statements.deleteDocument.run(key)
      else this.#statements.putDocument.run(key, held.json)
    }
    this.#statements.setRevision.run(String(revision))
  }

  /** Leases as they will be once what waits is written. */
  #leaseCount(): number {
    let count = this.#leases.size
    for (const [node, lease] of this.#queue.entries()) count += (lease === null ? 0 : 1) - (this.#leases.has(node) ? 1 : 0)
    return count
  }

  #writeLeases(batch: ReadonlyMap<string, Lease | null>): void {
    this.#transaction(() => {
      for (const [node, lease] of batch) {
        if (lease === null) this.#statements.deleteLease.run(node)
        else this.#statements.putLease.run(node, JSON.stringify(lease))
      }
    })
    this.#leaseList = null
    for (const [node, lease] of batch) {
      if (lease === null) this.#leases.delete(node)
      else this.#leases.set(node, lease)
    }
  }
}

/** Two text columns of each row. */
function rows(database: DatabaseSync, query: string): (readonly [string, string])[] {
  return database
    .prepare(query)
    .all()
    .map(row => Object.values(row) as unknown as readonly [string, string])
}

function missing(key: string): never {
  throw new Error(`no ${key}`)
}
