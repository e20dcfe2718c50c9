import t from 'tap'
import { MAX_IDLE_PER_HOST } from '../../../proxy/cluster/idle-connections.ts'
import { DEFAULT_IDLE_MS, FORGET_EVERY_MS, MAX_IDLE_MS } from '../../../proxy/cluster/keep-alive.ts'
import { poolWorld } from './pool-support.ts'
import { codeOf, type HandConnection, never } from './support.ts'

t.test('an idle connection is handed out at once, the newest first', async t => {
  const { cluster, host, open } = poolWorld()
  const one = await open()
  const two = await open()
  one.finish()
  two.finish()
  t.equal(cluster.acquire(host, never(), false), two)
  t.equal(cluster.acquire(host, never(), false), one)
  t.equal(host.active, 2)
  t.equal(host.total, 4)
})

t.test('a connection that is lost in use is forgotten', async t => {
  const { cluster, host, open } = poolWorld()
  const connection = await open()
  connection.close()
  t.equal(host.active, 0)
  t.equal(cluster.breaker.connections, 0)
  t.equal(host.learnedIdleMs, Number.POSITIVE_INFINITY, 'nothing is learned of idle times')
})

t.test('the keep-alive race: a server that closes after 5 s idle never gets a request in its last second', async t => {
  for (let idleMs = 0; idleMs <= 6_000; idleMs += 250) {
    const { cluster, host, open, pass } = poolWorld()
    const connection = await open()
    connection.finish()
    await pass(idleMs)
    if (idleMs >= 5_000 && connection.destroyed === null) connection.close()
    const got = cluster.acquire(host, never(), false)
    t.equal(got === connection, idleMs < DEFAULT_IDLE_MS, `${idleMs} ms idle`)
    if (got instanceof Promise) got.catch(() => {})
  }
})

t.test('an idle connection is closed by the timer, and that is no error', async t => {
  const { cluster, counters, host, open, pass } = poolWorld()
  const connection = await open()
  connection.finish()
  await pass(DEFAULT_IDLE_MS - 10)
  t.equal(connection.destroyed, null)
  await pass(20)
  t.not(connection.destroyed, null)
  t.equal(cluster.breaker.connections, 0)
  t.equal(counters.get('upstream_connections_idle_closed'), 1)
  t.equal(host.learnedIdleMs, Number.POSITIVE_INFINITY, 'our own closing teaches nothing')
})

t.test('the timer goes on for younger connections', async t => {
  const { open, pass } = poolWorld()
  const one = await open()
  const two = await open()
  one.finish()
  await pass(3_000)
  two.finish()
  await pass(1_010)
  t.not(one.destroyed, null)
  t.equal(two.destroyed, null)
  await pass(3_000)
  t.not(two.destroyed, null)
})

for (const [hintMs, safeMs] of [
  [60_000, 54_000],
  [5_000, 4_000],
  [2_000, 1_000],
  [1_000, 500],
  [600_000, MAX_IDLE_MS],
] as const) {
  t.test(`Keep-Alive: timeout=${hintMs / 1000} is used for ${safeMs} ms`, async t => {
    const { cluster, host, open, clock } = poolWorld()
    const connection = await open()
    connection.keepAliveHintMs = hintMs
    connection.finish()
    clock.ms += safeMs - 1
    t.equal(cluster.acquire(host, never(), false), connection)
    connection.finish()
    clock.ms += safeMs
    t.not(cluster.acquire(host, never(), false), connection)
    t.not(connection.destroyed, null)
  })
}

t.test('Keep-Alive: timeout=0 is never used again', async t => {
  const { host, open } = poolWorld()
  const connection = await open()
  connection.keepAliveHintMs = 0
  connection.finish()
  t.equal(host.pool.idle, 0)
  t.not(connection.destroyed, null)
})

t.test('an idle time after which the server closes is learned, and forgotten slowly', async t => {
  const { cluster, host, open, pass, clock, connects } = poolWorld()
  const first = await open()
  first.finish()
  await pass(2_000)
  first.close()
  t.equal(host.learnedIdleMs, 2_000)
  const second = await open()
  second.finish()
  clock.ms += 999
  t.equal(cluster.acquire(host, never(), false), second)
  second.finish()
  clock.ms += 1_000
  const got = cluster.acquire(host, never(), false)
  const third = await connects.at(-1)!.accept()
  t.equal(await got, third)
  clock.ms += FORGET_EVERY_MS
  third.finish()
  t.equal(host.learnedIdleMs, 4_000, 'doubled after a while')
  clock.ms += 2_999
  t.equal(cluster.acquire(host, never(), false), third)
})

t.test('one young connection that closes teaches nothing, two do', async t => {
  const { host, open, pass } = poolWorld()
  for (const expected of [Number.POSITIVE_INFINITY, 100]) {
    const connection = await open()
    connection.finish()
    await pass(100)
    connection.close()
    t.equal(host.learnedIdleMs, expected)
  }
})

t.test('what was learned goes when the server was away', async t => {
  const { cluster, host, open, pass, connects } = poolWorld()
  const connection = await open()
  connection.finish()
  await pass(2_000)
  connection.close()
  const got = cluster.acquire(host, never(), false)
  await Promise.all([codeOf(got), connects.at(-1)!.fail()])
  t.equal(host.learnedIdleMs, Number.POSITIVE_INFINITY)
})

t.test('no more than a bounded number of idle connections is kept', async t => {
  const { host, open } = poolWorld()
  const all: HandConnection[] = []
  for (let i = 0; i < MAX_IDLE_PER_HOST + 2; i++) all.push(await open())
  for (const connection of all) connection.finish()
  t.equal(host.pool.idle, MAX_IDLE_PER_HOST)
  t.not(all[0]!.destroyed, null, 'the oldest went')
  t.equal(all.at(-1)!.destroyed, null)
})
