import t from 'tap'
import { DEFAULT_BREAKER } from '../../../proxy/cluster/config.ts'
import { EndpointCluster } from '../../../proxy/cluster/endpoint-cluster.ts'
import type { Host } from '../../../proxy/cluster/endpoint.ts'
import { MAX_IDLE_PER_HOST } from '../../../proxy/cluster/idle-connections.ts'
import { DEFAULT_IDLE_MS, MAX_IDLE_MS } from '../../../proxy/cluster/keep-alive.ts'
import { MAX_PENDING_MS } from '../../../proxy/cluster/pool.ts'
import { MeshError } from '../../../proxy/errors.ts'
import { Cancellation } from '../../../proxy/util/cancellation.ts'
import { codeOf, config, endpoint, type HandConnection, never, settle, world } from './support.ts'

/** A cluster of these addresses, by hand. */
function setUp(limits: Partial<typeof DEFAULT_BREAKER> = {}, addresses = ['10.0.0.1']) {
  const mesh = world()
  const breaker = { ...DEFAULT_BREAKER, ...limits }
  const cluster = new EndpointCluster(config(addresses.map(each => endpoint(each)), { breaker }), mesh.environment, false)
  const host = cluster.hosts[0]!
  /** A connection that has carried one request and is taken. */
  const open = async (which: Host = host) => {
    const got = cluster.acquire(which, never(), true)
    const connection = await mesh.connects.at(-1)!.accept()
    await got
    return connection
  }
  return { ...mesh, cluster, host, open }
}

t.test('an idle connection is handed out at once, the newest first', async t => {
  const { cluster, host, open } = setUp()
  const one = await open()
  const two = await open()
  one.finish()
  two.finish()
  t.equal(cluster.acquire(host, never(), false), two)
  t.equal(cluster.acquire(host, never(), false), one)
  t.equal(host.active, 2)
  t.equal(host.total, 4)
})

t.test('active counts requests that wait and that are sent, and returns to 0', async t => {
  const { cluster, host, connects } = setUp()
  const got = cluster.acquire(host, never(), false)
  t.equal(host.active, 1)
  const connection = await connects[0]!.accept()
  t.equal(await got, connection)
  t.equal(host.active, 1)
  connection.finish()
  t.equal(host.active, 0)
  connection.finish()
  t.equal(host.active, 0, 'a second end counts for nothing')
})

t.test('a connection that is lost in use is forgotten', async t => {
  const { cluster, host, open } = setUp()
  const connection = await open()
  connection.close()
  t.equal(host.active, 0)
  t.equal(cluster.breaker.connections, 0)
  t.equal(host.learnedIdleMs, Number.POSITIVE_INFINITY, 'nothing is learned of idle times')
})

t.test('a fresh connection is opened even if one is idle', async t => {
  const { cluster, host, connects, open } = setUp()
  const idle = await open()
  idle.finish()
  const got = cluster.acquire(host, never(), true)
  t.equal(connects.length, 2)
  const fresh = await connects[1]!.accept()
  t.equal(await got, fresh)
})

t.test('a request that waits takes a connection that comes free before its own', async t => {
  const { cluster, host, connects, open } = setUp()
  const busy = await open()
  const got = cluster.acquire(host, never(), false)
  busy.finish()
  t.equal(await got, busy)
  const late = await connects[1]!.accept()
  t.equal(host.pool.idle, 1, 'and its own is kept')
  busy.finish()
  late.close()
  t.equal(host.pool.idle, 1)
})

t.test('a request for a fresh connection lets a kept-alive one pass', async t => {
  const { cluster, host, connects, open } = setUp()
  const busy = await open()
  const fresh = cluster.acquire(host, never(), true)
  const any = cluster.acquire(host, never(), false)
  busy.finish()
  t.equal(await any, busy)
  const own = await connects[1]!.accept()
  t.equal(await fresh, own)
})

t.test('the keep-alive race: a server that closes after 5 s idle never gets a request in its last second', async t => {
  for (let idleMs = 0; idleMs <= 6_000; idleMs += 250) {
    const { cluster, host, open, pass } = setUp()
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
  const { cluster, counters, host, open, pass } = setUp()
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
  const { open, pass } = setUp()
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
    const { cluster, host, open, clock } = setUp()
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
  const { host, open } = setUp()
  const connection = await open()
  connection.keepAliveHintMs = 0
  connection.finish()
  t.equal(host.pool.idle, 0)
  t.not(connection.destroyed, null)
})

t.test('an idle time after which the server closes is learned, and forgotten slowly', async t => {
  const { cluster, host, open, pass, clock, connects } = setUp()
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
  clock.ms += 60_000
  third.finish()
  t.equal(host.learnedIdleMs, 4_000, 'doubled after a minute')
  clock.ms += 2_999
  t.equal(cluster.acquire(host, never(), false), third)
})

t.test('one young connection that closes teaches nothing, two do', async t => {
  const { host, open, pass } = setUp()
  for (const expected of [Number.POSITIVE_INFINITY, 100]) {
    const connection = await open()
    connection.finish()
    await pass(100)
    connection.close()
    t.equal(host.learnedIdleMs, expected)
  }
})

t.test('what was learned goes when the server was away', async t => {
  const { cluster, host, open, pass, connects } = setUp()
  const connection = await open()
  connection.finish()
  await pass(2_000)
  connection.close()
  const got = cluster.acquire(host, never(), false)
  await Promise.all([codeOf(got), connects.at(-1)!.fail()])
  t.equal(host.learnedIdleMs, Number.POSITIVE_INFINITY)
})

t.test('over maxPending it is UO at once', async t => {
  const { cluster, host, connects, counters } = setUp({ maxPending: 2 })
  const waiting = [cluster.acquire(host, never(), false), cluster.acquire(host, never(), false)]
  t.equal(await codeOf(cluster.acquire(host, never(), false)), 'UPSTREAM_OVERFLOW')
  t.equal(counters.get('breaker_pending_overflow'), 1)
  t.equal(host.active, 2)
  const one = await connects[0]!.accept()
  t.equal(await waiting[0], one)
  t.equal(cluster.breaker.pending, 1)
  cluster.acquire(host, never(), false)
  t.equal(connects.length, 3, 'there is room again')
})

t.test('at maxConnections requests wait, first come first served', async t => {
  const { cluster, host, connects, counters, open } = setUp({ maxConnections: 1 })
  const only = await open()
  const order: number[] = []
  for (const number of [1, 2, 3]) void Promise.resolve(cluster.acquire(host, never(), false)).then(() => order.push(number))
  t.equal(connects.length, 1)
  t.ok(counters.get('breaker_connections_overflow') > 0)
  for (let i = 0; i < 3; i++) {
    only.finish()
    await settle()
  }
  t.same(order, [1, 2, 3])
  t.equal(host.pool.pending, 0)
})

t.test('at maxConnections a request for another host gets the place of an idle connection', async t => {
  const { cluster, connects, open } = setUp({ maxConnections: 1 }, ['10.0.0.1', '10.0.0.2'])
  const idle = await open()
  idle.finish()
  const got = cluster.acquire(cluster.hosts[1]!, never(), false)
  t.not(idle.destroyed, null)
  t.equal(cluster.breaker.connections, 1)
  t.equal(await connects[1]!.accept(), await got)
})

t.test('at maxConnections a request for another host gets the place of the next connection that comes free', async t => {
  const { cluster, connects, open } = setUp({ maxConnections: 1 }, ['10.0.0.1', '10.0.0.2'])
  const busy = await open()
  const got = cluster.acquire(cluster.hosts[1]!, never(), false)
  t.equal(connects.length, 1)
  busy.finish()
  t.not(busy.destroyed, null)
  t.equal(connects.length, 2)
  t.equal(await connects[1]!.accept(), await got)
})

t.test('at maxConnections a fresh connection replaces an idle one of the same host', async t => {
  const { cluster, host, connects, open } = setUp({ maxConnections: 1 })
  const idle = await open()
  idle.finish()
  const got = cluster.acquire(host, never(), true)
  t.not(idle.destroyed, null)
  t.equal(await connects[1]!.accept(), await got)
  t.equal(cluster.breaker.connections, 1)
})

t.test('who waits too long for a connection to come free is told that it is full', async t => {
  const { cluster, host, counters, open, pass } = setUp({ maxConnections: 1 })
  await open()
  const early = codeOf(cluster.acquire(host, never(), false))
  await pass(MAX_PENDING_MS - 1_000)
  const late = codeOf(cluster.acquire(host, never(), false))
  await pass(1_010)
  t.equal(await early, 'UPSTREAM_OVERFLOW')
  t.equal(host.pool.pending, 1)
  await pass(MAX_PENDING_MS - 1_000)
  t.equal(await late, 'UPSTREAM_OVERFLOW')
  t.equal(counters.get('breaker_pending_overflow'), 2)
  t.equal(host.active, 1, 'the one that is being sent')
})

t.test('a request that is given up leaves the queue with its reason', async t => {
  const { cluster, host, connects } = setUp()
  const cancelled = new Cancellation()
  const got = codeOf(cluster.acquire(host, cancelled, false))
  cancelled.cancel(new MeshError('DOWNSTREAM_CLOSED', 'left'))
  t.equal(await got, 'DOWNSTREAM_CLOSED')
  t.equal(host.active, 0)
  t.equal(cluster.breaker.pending, 0)
  await connects[0]!.accept()
  t.equal(host.pool.idle, 1, 'its connection serves the next')
  t.equal(await codeOf(cluster.acquire(host, cancelled, true)), 'DOWNSTREAM_CLOSED', 'and none is begun for one that has left')
})

t.test('each failed connect takes one request with it as long as others are under way', async t => {
  const { cluster, host, connects, counters } = setUp()
  const codes = [1, 2, 3].map(() => codeOf(cluster.acquire(host, never(), false)))
  await connects[0]!.fail()
  await connects[1]!.fail('UPSTREAM_CONNECT_TIMEOUT')
  await connects[2]!.accept()
  t.same(await Promise.all(codes), ['UPSTREAM_CONNECT_REFUSED', 'UPSTREAM_CONNECT_TIMEOUT', 'none'])
  t.equal(counters.get('upstream_connections_failed'), 2)
  t.equal(counters.get('upstream_connections_opened'), 1)
  t.equal(cluster.breaker.connections, 1)
  t.equal(host.active, 1)
})

t.test('a failed connect takes all with it for whom none is under way', async t => {
  const { cluster, host, connects } = setUp({ maxConnections: 2 })
  const codes = [1, 2, 3, 4, 5].map(() => codeOf(cluster.acquire(host, never(), false)))
  t.equal(connects.length, 2)
  await connects[0]!.fail()
  t.equal(host.pool.pending, 1)
  await connects[1]!.accept()
  t.same((await Promise.all(codes)).filter(code => code === 'none').length, 1)
  t.equal(host.active, 1)
})

t.test('a connection that is closed as soon as it is open is a refused one', async t => {
  const { cluster, host, environment } = setUp()
  const { HandConnection } = await import('./support.ts')
  const gone = new HandConnection(host.endpoint, () => 0)
  gone.capacity = 0
  Object.assign(environment, { connect: async () => gone })
  t.equal(await codeOf(cluster.acquire(host, never(), false)), 'UPSTREAM_CONNECT_REFUSED')
  t.equal(cluster.breaker.connections, 0)
})

t.test('a connection that takes no more requests is not kept, and the next one waiting gets a new one', async t => {
  const { cluster, host, connects, open } = setUp({ maxConnections: 1 })
  const last = await open()
  const got = cluster.acquire(host, never(), false)
  last.capacity = 0
  last.finish()
  t.not(last.destroyed, null)
  t.equal(await connects[1]!.accept(), await got)
})

t.test('no more than a bounded number of idle connections is kept', async t => {
  const { host, open } = setUp()
  const all: HandConnection[] = []
  for (let i = 0; i < MAX_IDLE_PER_HOST + 2; i++) all.push(await open())
  for (const connection of all) connection.finish()
  t.equal(host.pool.idle, MAX_IDLE_PER_HOST)
  t.not(all[0]!.destroyed, null, 'the oldest went')
  t.equal(all.at(-1)!.destroyed, null)
})

t.test('a tunnel keeps its connection until it closes', async t => {
  const { cluster, host, open } = setUp()
  const tunnel = await open()
  t.equal(cluster.breaker.connections, 1)
  t.equal(host.pool.idle, 0)
  tunnel.close()
  t.equal(cluster.breaker.connections, 0)
})

t.test('a connection can be given back unused', async t => {
  const { cluster, host, connects } = setUp()
  const got = cluster.acquire(host, never(), false)
  const connection = await connects[0]!.accept()
  await got
  connection.events.available(connection)
  t.equal(host.active, 0)
  t.equal(cluster.acquire(host, never(), false), connection)
})

t.test('the connect timeout of the cluster is passed on', async t => {
  const { cluster, host, connects } = setUp()
  codeOf(cluster.acquire(host, never(), false)).catch(() => {})
  t.equal(connects[0]!.timeoutMs, 1_000)
})

t.test('property: no limit is ever exceeded, and all counts return to 0', async t => {
  const mesh = world()
  const breaker = { maxConnections: 5, maxPending: 7, maxRequests: 1024, maxRetries: 3 }
  const addresses = ['10.0.0.1', '10.0.0.2', '10.0.0.3']
  const cluster = new EndpointCluster(config(addresses.map(each => endpoint(each)), { breaker }), mesh.environment, false)
  const { random } = mesh.environment
  const taken: HandConnection[] = []
  let settledCount = 0
  let askedCount = 0
  let mostPending = 0
  for (let step = 0; step < 5_000; step++) {
    const dice = random.uint32() % 10
    if (dice < 4) {
      askedCount++
      const host = cluster.hosts[random.uint32() % 3]!
      const cancelled = new Cancellation()
      const got = Promise.resolve(cluster.acquire(host, cancelled, dice === 0))
      got.then(
        connection => {
          settledCount++
          taken.push(connection as HandConnection)
        },
        () => settledCount++,
      )
      if (random.uint32() % 8 === 0) cancelled.cancel(new MeshError('DOWNSTREAM_CLOSED', 'left'))
    } else if (dice < 6 && mesh.connects.length > 0) {
      const connect = mesh.connects.splice(random.uint32() % mesh.connects.length, 1)[0]!
      if (random.uint32() % 4 === 0) await connect.fail()
      else await connect.accept()
    } else if (dice < 9 && taken.length > 0) {
      const connection = taken.splice(random.uint32() % taken.length, 1)[0]!
      if (random.uint32() % 5 === 0) connection.close()
      else connection.finish()
    } else await mesh.pass(random.uint32() % 500)
    await settle()
    mostPending = Math.max(mostPending, cluster.breaker.pending)
    if (cluster.breaker.connections > 5 || cluster.breaker.pending > 7) t.fail(`over a limit at step ${step}`)
    const open = cluster.hosts.reduce((sum, host) => sum + host.pool.idle + host.pool.taken + host.pool.connecting, 0)
    if (open !== cluster.breaker.connections) t.fail(`connections are miscounted at step ${step}`)
    const pending = cluster.hosts.reduce((sum, host) => sum + host.pool.pending, 0)
    if (pending !== cluster.breaker.pending) t.fail(`pending requests are miscounted at step ${step}`)
    const active = cluster.hosts.reduce((sum, host) => sum + host.active, 0)
    if (active !== pending + taken.length) t.fail(`active requests are miscounted at step ${step}: ${active} ${pending} ${taken.length}`)
  }
  while (mesh.connects.length > 0) await mesh.connects.shift()!.fail()
  await mesh.pass(MAX_PENDING_MS + 10)
  for (const connection of taken.splice(0)) connection.finish()
  await mesh.pass(MAX_IDLE_MS)
  while (mesh.connects.length > 0) await mesh.connects.shift()!.fail()
  await mesh.pass(MAX_PENDING_MS)
  for (const connection of taken.splice(0)) connection.finish()
  await mesh.pass(MAX_IDLE_MS)
  t.equal(settledCount, askedCount, 'every request got a connection or an error')
  t.equal(cluster.breaker.connections, 0)
  t.equal(cluster.breaker.pending, 0)
  t.ok(mostPending === 7, 'the limit was reached')
  t.same(cluster.hosts.map(host => host.active), [0, 0, 0])
  t.equal(mesh.timers.size, 0, 'no timer is left')
})
