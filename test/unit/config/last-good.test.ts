import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Test, test } from 'tap'
import { FORMAT, LastGood, type LastGoodOptions, SAVE_DELAY_MS } from '../../../proxy/config/last-good.ts'
import { HandClock } from '../../support/hand-clock.ts'

function folder(t: Test): { path: string; clock: HandClock; failures: unknown[]; open(change?: Partial<LastGoodOptions>): LastGood } {
  const directory = mkdtempSync(join(tmpdir(), 'outrider-last-good-'))
  t.teardown(() => rmSync(directory, { recursive: true, force: true }))
  const path = join(directory, 'data', 'last-good')
  const clock = new HandClock()
  const failures: unknown[] = []
  const failed = (error: unknown) => failures.push(error)
  const options = { path, service: 'default/orders', trustDomain: 'cluster.local', timers: clock.wheel, failed }
  return { path, clock, failures, open: change => new LastGood({ ...options, ...change }) }
}

const content = Buffer.from('what the decoders read\n\u0000')
async function* pieces() {
  yield content.subarray(0, 5)
  yield content.subarray(5)
}

const copy = () => ({ storeId: 'store', revision: 7, content: pieces() })

async function saved(t: Test) {
  const place = folder(t)
  const lastGood = place.open()
  lastGood.save(copy)
  await lastGood.flush()
  return place
}

test('what was saved is loaded, with its origin', async t => {
  const { open } = await saved(t)
  const loaded = await open().load()
  t.match(loaded, { kind: 'loaded', origin: { service: 'default/orders', trustDomain: 'cluster.local', storeId: 'store', revision: 7 } })
  t.same(loaded.kind === 'loaded' && Buffer.from(loaded.content), content)
})

test('a first start has none', async t => {
  t.strictSame(await folder(t).open().load(), { kind: 'none' })
})

test('changes within a second make one write, of the last', async t => {
  const { open, clock, path } = folder(t)
  const lastGood = open()
  let made = 0
  for (let revision = 1; revision <= 5; revision++)
    lastGood.save(() => {
      made++
      return { ...copy(), revision }
    })
  t.throws(() => readFileSync(path), { code: 'ENOENT' })
  clock.pass(SAVE_DELAY_MS)
  await lastGood.flush()
  t.equal(made, 1)
  t.match(await open().load(), { origin: { revision: 5 } })
})

test('a copy that is cut short anywhere, or has a bit flipped anywhere, is set aside', async t => {
  const { open, path } = await saved(t)
  const whole = readFileSync(path)
  const spoilt: Buffer[] = []
  for (let length = 0; length < whole.length; length += 7) spoilt.push(whole.subarray(0, length))
  for (let at = 0; at < whole.length; at += 5) {
    const flipped = Buffer.from(whole)
    flipped[at] = (flipped[at] as number) ^ 1
    spoilt.push(flipped)
  }
  for (const file of spoilt) {
    writeFileSync(path, file)
    const loaded = await open().load()
    t.match(loaded, { kind: 'refused', reason: /is damaged|has the format/, movedTo: `${path}.refused` })
    t.same(readFileSync(`${path}.refused`), file)
  }
  t.strictSame(await open().load(), { kind: 'none' })
})

test('a copy of a newer format is set aside, for the sidecar that wrote it', async t => {
  const { open, path } = await saved(t)
  writeFileSync(path, readFileSync(path, 'latin1').replace(` ${FORMAT} `, ` ${FORMAT + 1} `), 'latin1')
  t.match(await open().load(), { kind: 'refused', reason: `has the format ${FORMAT + 1}; this sidecar reads ${FORMAT}` })
})

test('a copy of another service or trust domain is not used', async t => {
  const one = await saved(t)
  t.match(await one.open({ service: 'default/stock' }).load(), {
    kind: 'refused',
    reason: 'is the configuration of default/orders, not of default/stock',
  })
  const other = await saved(t)
  t.match(await other.open({ trustDomain: 'example.org' }).load(), { reason: 'is of the trust domain cluster.local, not example.org' })
})

test('a copy that is too large is neither written nor read', async t => {
  const { open, failures, path } = await saved(t)
  const small = open({ maxBytes: 64 })
  small.save(copy)
  await small.flush()
  t.match(failures, [{ message: /octets are more than 64/ }])
  t.match(await small.load(), { kind: 'refused', reason: /has \d+ octets, more than 64/ })
  t.notOk(readdirSync(join(path, '..')).includes('last-good'))
})

test('a folder that cannot be written is told, and the next change tries again', async t => {
  const { open, failures, path } = folder(t)
  writeFileSync(join(path, '..', '..', 'data'), 'a file where the folder should be')
  const lastGood = open()
  for (const revision of [1, 2]) {
    lastGood.save(() => ({ ...copy(), revision }))
    await lastGood.flush()
  }
  t.equal(failures.length, 2)
})
