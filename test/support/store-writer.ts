import { openSqliteStore } from '../../control/store/sqlite.ts'
import { lease, put, service } from './store-suite.ts'

/**
 * A process that applies and registers until it is killed, and prints what the store has acknowledged:
 * `document NAME REVISION`, `lease NODE`.
 */
const [dataDir = ''] = process.argv.slice(2)
const store = openSqliteStore({ dataDir })
const round = store.revision
for (let count = 0; ; count++) {
  const name = `s-${round}-${count}`
  const result = await store.apply([put(service(name)), put(service('counter', 1 + ((round + count) % 60_000)))])
  if (result.ok) process.stdout.write(`document ${name} ${result.revision}\n`)
  const node = `n-${round % 7}-${count % 50}`
  await store.putLease(lease(node))
  process.stdout.write(`lease ${node}\n`)
}
