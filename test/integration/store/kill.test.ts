import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { openSqliteStore } from '../../../control/store/sqlite.ts'
import { seededRandom } from '../../../proxy/util/random.ts'

const WRITER = fileURLToPath(new URL('../../support/store-writer.ts', import.meta.url))
const ROUNDS = 12
const random = seededRandom()

/** What one writer was told is on disk before it was killed. */
interface Acknowledged {
  readonly documents: Map<string, number>
  readonly leases: Set<string>
}

/** Lets a writer write, and kills it with SIGKILL right after it has said `lines` lines: in the middle of the next transaction or near it. */
async function killAfter(dataDir: string, lines: number): Promise<Acknowledged> {
  const writer = spawn(process.execPath, [WRITER, dataDir], { stdio: ['ignore', 'pipe', 'inherit'] })
  const closed = once(writer, 'close')
  let output = ''
  let seen = 0
  for await (const chunk of writer.stdout) {
    const text = String(chunk)
    output += text
    seen += text.split('\n').length - 1
    if (seen >= lines) writer.kill('SIGKILL')
  }
  await closed
  const acknowledged: Acknowledged = { documents: new Map(), leases: new Set() }
  // The last line may be cut off.
  for (const line of output.split('\n').slice(0, -1)) {
    const [what, name = '', revision] = line.split(' ')
    if (what === 'document') acknowledged.documents.set(name, Number(revision))
    else acknowledged.leases.add(name)
  }
  return acknowledged
}

t.test(`kill -9 at ${ROUNDS} moments loses nothing that was acknowledged`, async t => {
  const dataDir = t.testdir({})
  const all: Acknowledged = { documents: new Map(), leases: new Set() }
  for (let round = 0; round < ROUNDS; round++) {
    const acknowledged = await killAfter(dataDir, 1 + (random.uint32() % 150))
    t.ok(acknowledged.documents.size > 0, `round ${round}: ${acknowledged.documents.size} transactions acknowledged`)
    for (const [name, revision] of acknowledged.documents) all.documents.set(name, revision)
    for (const node of acknowledged.leases) all.leases.add(node)

    const store = openSqliteStore({ dataDir })
    const stored = new Map((await store.list('Service', null)).map(document => [document.metadata.name, document]))
    const nodes = new Set((await store.leases()).map(({ node }) => node))
    t.same(
      [...all.documents].filter(([name, revision]) => stored.get(name)?.metadata.resourceVersion !== String(revision)),
      [],
      'documents',
    )
    t.same(
      [...all.leases].filter(node => !nodes.has(node)),
      [],
      'leases',
    )
    t.ok(store.revision >= Math.max(...all.documents.values()), 'the revision')
    t.equal(stored.get('counter')?.metadata.resourceVersion, String(store.revision), 'no transaction is there in part')
    await store.close()
  }
})
