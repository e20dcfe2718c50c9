import { randomUUID } from 'node:crypto'
import { DatabaseSync } from 'node:sqlite'
import { StoreError, type StoreErrorCode } from './errors.ts'

/** Says that a file is ours: "OTRD", at a fixed place of SQLite's header. */
const APPLICATION_ID = 0x4f545244

/** Each step takes a file from the format before it to the next one. The format is the count of steps taken; steps are only added. */
const MIGRATIONS: readonly string[] = [
  `CREATE TABLE about (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
   CREATE TABLE documents (key TEXT PRIMARY KEY, json TEXT NOT NULL) STRICT, WITHOUT ROWID;
   CREATE TABLE leases (node TEXT PRIMARY KEY, json TEXT NOT NULL) STRICT, WITHOUT ROWID;`,
]

/** Format that this version writes. */
export const FORMAT = MIGRATIONS.length

/**
 * Opens the file, makes it where there is none, and takes it for this process alone until it is closed (or the process ends, however).
 * @param migrations for tests of the path between formats.
 * @throws StoreError STORE_LOCKED, STORE_CORRUPT, STORE_FOREIGN, STORE_NEWER, STORE_FULL, STORE_IO
 */
export function openFile(path: string, maxFileBytes: number, migrations: readonly string[] = MIGRATIONS): DatabaseSync {
  let database: DatabaseSync | null = null
  try {
    database = new DatabaseSync(path)
    // Exclusive before the first access: then the lock is held until close, and the write-ahead log needs no shared memory.
    database.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON')
    database.exec('BEGIN EXCLUSIVE; COMMIT')
    migrate(database, path, migrations)
    limitPages(database, maxFileBytes)
    return database
  } catch (error) {
    database?.close()
    throw error instanceof StoreError ? error : storeError(error, path)
  }
}

function pragma(database: DatabaseSync, name: string): unknown {
  return Object.values(database.prepare(`PRAGMA ${name}`).get() ?? {})[0]
}

function migrate(database: DatabaseSync, path: string, migrations: readonly string[]): void {
  const owner = Number(pragma(database, 'application_id'))
  const format = Number(pragma(database, 'user_version'))
  const tables = Number(database.prepare('SELECT count(*) AS n FROM sqlite_schema').get()?.['n'])
  const isNew = owner === 0 && format === 0 && tables === 0
  if (owner !== APPLICATION_ID && !isNew) {
    throw new StoreError('STORE_FOREIGN', `${path} is a database, but not of Outrider: give another --data-dir`)
  }
  if (format > migrations.length) {
    throw new StoreError(
      'STORE_NEWER',
      `${path} has format ${format}, this version reads up to ${migrations.length}: run the newer version again`,
    )
  }
  const health = pragma(database, 'quick_check(1)')
  if (health !== 'ok')
    throw new StoreError('STORE_CORRUPT', `${path} is damaged (${String(health)}): restore a copy, or move it away to start anew`)
  if (format === migrations.length) return
  inTransaction(database, () => {
    for (const step of migrations.slice(format)) database.exec(step)
    if (isNew) database.prepare("INSERT INTO about VALUES ('id', ?), ('revision', '0')").run(randomUUID())
    database.exec(`PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${migrations.length}`)
  })
}

function limitPages(database: DatabaseSync, maxFileBytes: number): void {
  database.exec(`PRAGMA max_page_count = ${Math.floor(maxFileBytes / Number(pragma(database, 'page_size')))}`)
}

/** Runs `write` whole or not at all; on disk when it returns. */
export function inTransaction(database: DatabaseSync, write: () => void): void {
  database.exec('BEGIN IMMEDIATE')
  try {
    write()
    database.exec('COMMIT')
  } catch (error) {
    // A failed COMMIT, or a full disk, may have rolled back already.
    if (database.isTransaction) database.exec('ROLLBACK')
    throw error
  }
}

/** SQLite's result codes that mean something to an operator. */
const CODES: Readonly<Record<number, readonly [StoreErrorCode, string]>> = {
  5: ['STORE_LOCKED', 'is in use by another process: stop that one, or give another --data-dir'],
  6: ['STORE_LOCKED', 'is in use by another process: stop that one, or give another --data-dir'],
  8: ['STORE_IO', 'cannot be written'],
  11: ['STORE_CORRUPT', 'is damaged: restore a copy, or move it away to start anew'],
  13: ['STORE_FULL', 'cannot grow: the disk, or the limit of the file, is full'],
  14: ['STORE_IO', 'cannot be opened: is the directory there, and may this user write to it?'],
  26: ['STORE_CORRUPT', 'is not a database, or damaged: restore a copy, or move it away to start anew'],
}

/** What SQLite's failure means. The upper octets of its code are details. */
export function storeError(error: unknown, path: string): StoreError {
  const { errcode, message } = error as { readonly errcode?: number; readonly message: string }
  const [code, told] = CODES[(errcode ?? 0) & 0xff] ?? ['STORE_IO', `cannot be read or written (${message})`]
  return new StoreError(code, `${path} ${told}`, { cause: error })
}
