import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import t, { type Test } from 'tap'
import { openSqliteStore, STORE_FILE } from '../../../control/store/sqlite.ts'
import { openFile } from '../../../control/store/sqlite-file.ts'
import { lease, put, remove, service, storeSuite } from '../../support/store-suite.ts'

let count = 0

/** A directory that the test owns. */
function directory(t: Test): string {
  count++
  return t.testdir({ [`data-${count}`]: {} })
}

function open(t: Test, dataDir: string, limits = {}) {
  const store = openSqliteStore({ dataDir, limits })
  t.teardown(() => store.close())
  return store
}

storeSuite(t, (t, { limits = {}, now = () => 0 }) => {
  count++
  const root = t.testdir({})
  const store = openSqliteStore({ dataDir: join(root, `store-${count}`), limits, clock: { now } })
  t.teardown(() => store.close())
  return store
})

t.test('documents, revision, id and leases are there after it is opened again', async t => {
  const dataDir = directory(t)
  const first = openSqliteStore({ dataDir })
  await first.apply([put(service('a')), put(service('b'))])
  await first.apply([remove('b')])
  await first.putLease(lease('n1'))
  const documents = await first.list('Service', null)
  await first.close()
  const second = open(t, dataDir)
  t.equal(second.id, first.id)
  t.equal(second.revision, 2)
  t.same(await second.list('Service', null), documents)
  t.same(await second.leases(), [lease('n1')])
  t.match(await second.apply([put(service('a', 81))]), { revision: 3, results: [{ change: 'updated' }] })
})

t.test('a lease that waits to be written is written by close', async t => {
  const dataDir = directory(t)
  const first = openSqliteStore({ dataDir })
  const waiting = first.putLease(lease('n1'))
  await first.close()
  await waiting
  t.same(await open(t, dataDir).leases(), [lease('n1')])
})

t.test('the data directory is made where it is not there, for this user alone', async t => {
  const dataDir = join(directory(t), 'deep', 'er')
  open(t, dataDir)
  t.equal(statSync(dataDir).mode & 0o777, 0o700)
})

t.test('a second opener of the same data directory is told who has it', async t => {
  const dataDir = directory(t)
  open(t, dataDir)
  t.throws(() => openSqliteStore({ dataDir }), { code: 'STORE_LOCKED', message: /outrider\.db is in use by another process/ })
})

t.test('so is a second process', async t => {
  const dataDir = directory(t)
  open(t, dataDir)
  const script = `import { openSqliteStore } from ${JSON.stringify(new URL('../../../control/store/sqlite.ts', import.meta.url).href)}
    try { openSqliteStore({ dataDir: process.argv[1] }); console.log('opened') } catch (error) { console.log(error.code) }`
  const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', script, dataDir], { encoding: 'utf8' })
  t.equal(stdout.trim(), 'STORE_LOCKED')
})

t.test('what is no database is refused and left as it is', async t => {
  const dataDir = directory(t)
  writeFileSync(join(dataDir, STORE_FILE), 'not a database, but somebody’s notes'.repeat(100))
  t.throws(() => openSqliteStore({ dataDir }), { code: 'STORE_CORRUPT', message: /is not a database, or damaged/ })
  t.match(readFileSync(join(dataDir, STORE_FILE), 'utf8'), /^not a database/)
})

t.test('a damaged file is refused', async t => {
  const dataDir = directory(t)
  const store = openSqliteStore({ dataDir })
  await store.apply(Array.from({ length: 200 }, (_, index) => put(service(`s${index}`))))
  await store.close()
  const path = join(dataDir, STORE_FILE)
  truncateSync(path, 8_192)
  t.throws(() => openSqliteStore({ dataDir }), { code: 'STORE_CORRUPT' })
})

t.test('a database of another program is refused', async t => {
  const dataDir = directory(t)
  const other = new DatabaseSync(join(dataDir, STORE_FILE))
  other.exec('CREATE TABLE theirs (x)')
  other.close()
  t.throws(() => openSqliteStore({ dataDir }), { code: 'STORE_FOREIGN', message: /is a database, but not of Outrider/ })
})

t.test('a file of a newer format is refused and says which', async t => {
  const dataDir = directory(t)
  await openSqliteStore({ dataDir }).close()
  const later = new DatabaseSync(join(dataDir, STORE_FILE))
  later.exec('PRAGMA user_version = 99')
  later.close()
  t.throws(() => openSqliteStore({ dataDir }), { code: 'STORE_NEWER', message: /has format 99, this version reads up to 1/ })
})

t.test('a file of an older format is taken to the next one with all that it holds', async t => {
  const dataDir = directory(t)
  const path = join(dataDir, STORE_FILE)
  const formats = ['CREATE TABLE about (key TEXT PRIMARY KEY, value TEXT NOT NULL)', 'CREATE TABLE more (x)']
  openFile(path, 1_048_576, formats.slice(0, 1)).close()
  const database = openFile(path, 1_048_576, formats)
  t.teardown(() => database.close())
  t.equal(database.prepare('PRAGMA user_version').get()?.['user_version'], 2)
  t.match(database.prepare("SELECT value FROM about WHERE key = 'id'").get(), { value: String })
  t.match(database.prepare("SELECT name FROM sqlite_schema WHERE name = 'more'").get(), { name: 'more' })
})

t.test('a step between formats that fails leaves the older one', async t => {
  const path = join(directory(t), STORE_FILE)
  const first = 'CREATE TABLE about (key TEXT PRIMARY KEY, value TEXT NOT NULL)'
  openFile(path, 1_048_576, [first]).close()
  t.throws(() => openFile(path, 1_048_576, [first, 'CREATE TABLE more (x)', 'no such statement']), { code: 'STORE_IO' })
  const database = openFile(path, 1_048_576, [first])
  t.teardown(() => database.close())
  t.equal(database.prepare('PRAGMA user_version').get()?.['user_version'], 1)
})

t.test('a full disk fails the transaction whole; what was there can be read, and room can be made', async t => {
  const dataDir = directory(t)
  const store = open(t, dataDir, { maxFileBytes: 65_536 })
  const large = (name: string) => ({
    ...service(name),
    metadata: { name, namespace: 'default', annotations: { text: 'x'.repeat(10_000) } },
  })
  await store.apply([put(large('a')), put(large('b'))])
  await t.rejects(store.apply(Array.from({ length: 10 }, (_, index) => put(large(`c${index}`)))), { code: 'STORE_FULL' })
  t.equal(store.revision, 1)
  t.equal((await store.list('Service', null)).length, 2)
  t.match(await store.apply([remove('a')]), { ok: true, revision: 2 })
  t.match(await store.apply([put(large('c'))]), { ok: true, revision: 3 })
})

t.test('a directory that cannot be written is a clear error', async t => {
  const file = join(directory(t), 'file')
  writeFileSync(file, '')
  t.throws(() => openSqliteStore({ dataDir: join(file, 'below') }), { code: 'STORE_IO', message: /cannot be made/ })
  mkdirSync(join(directory(t), 'x', STORE_FILE), { recursive: true })
  t.throws(() => openSqliteStore({ dataDir: join(t.testdirName, 'x') }), { code: 'STORE_IO' })
})
