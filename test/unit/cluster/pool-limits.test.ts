import t from 'tap'
import { EndpointCluster } from '../../../proxy/cluster/endpoint-cluster.ts'
import { MAX_IDLE_MS } from '../../../proxy/cluster/keep-alive.ts'
import { MAX_PENDING_MS } from '../../../proxy/cluster/pool.ts'
import { MeshError } from '../../../proxy/errors.ts'
import { Cancellation } from '../../../proxy/util/cancellation.ts'
import { poolWorld } from './pool-support.ts'
import { codeOf, config, endpoint, type HandConnection, never, settle, world } from './support.ts'

t.test('over maxPending it is UO at once', async t => {
  const { cluster, host, connects, counters } = poolWorld({ maxPending: 2 })
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

t.test('with maxConnections 0 a request is refused at once: nothing could ever come free for it', async t => {
  const { cluster, host, connects } = poolWorld({ maxConnections: 0 })
  t.equal(await codeOf(cluster.acquire(host, never(), false)), 'UPSTREAM_OVERFLOW')
  t.equal(connects.length, 0)
  t.equal(cluster.breaker.pending, 0)
})

t.test('a tunnel takes one of maxConnections, in place of an idle connection, and gives it back', async t => {
  const { cluster, host, connects, open } = poolWorld({ maxConnections: 1 })
  const idle = await open()
  idle.finish()
  t.ok(cluster.tryTunnel())
  t.not(idle.destroyed, null)
  t.notOk(cluster.tryTunnel())
  const waiting = cluster.acquire(host, never(), false)
  cluster.tunnelClosed()
  t.equal(await connects[1]!.accept(), await waiting)
})

t.test('at maxConnections requests wait, first come first served', async t => {
  const { cluster, host, connects, counters, open } = poolWorld({ maxConnections: 1 })
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
  const { cluster, connects, open } = poolWorld({ maxConnections: 1 }, ['10.0.0.1', '10.0.0.2'])
  const idle = await open()
  idle.finish()
  const got = cluster.acquire(cluster.hosts[1]!, never(), false)
  t.not(idle.destroyed, null)
  t.equal(cluster.breaker.connections, 1)
  t.equal(await connects[1]!.accept(), await got)
})

t.test('at maxConnections a request for another host gets the place of the next connection that comes free', async t => {
  const { cluster, connects, open } = poolWorld({ maxConnections: 1 }, ['10.0.0.1', '10.0.0.2'])
  const busy = await open()
  const got = cluster.acquire(cluster.hosts[1]!, never(), false)
  t.equal(connects.length, 1)
  busy.finish()
  t.not(busy.destroyed, null)
  t.equal(connects.length, 2)
  t.equal(await connects[1]!.accept(), await got)
})

t.test('at maxConnections a fresh connection replaces an idle one of the same host', async t => {
  const { cluster, host, connects, open } = poolWorld({ maxConnections: 1 })
  const idle = await open()
  idle.finish()
  const got = cluster.acquire(host, never(), true)
  t.not(idle.destroyed, null)
  t.equal(await connects[1]!.accept(), await got)
  t.equal(cluster.breaker.connections, 1)
})

t.test('who waits too long for a connection to come free is told that it is full', async t => {
  const { cluster, host, counters, open, pass } = poolWorld({ maxConnections: 1 })
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

t.test('property: no limit is ever exceeded, and all counts return to 0', async t => {
  const mesh = world()
  const breaker = { maxConnections: 5, maxPending: 7, maxRequests: 1024, maxRetries: 3 }
  const addresses = ['10.0.0.1', '10.0.0.2', '10.0.0.3']
  const cluster = new EndpointCluster(
    config(
      addresses.map(each => endpoint(each)),
      { breaker },
    ),
    mesh.environment,
    false,
  )
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
    const open = cluster.hosts.reduce((sum, host) => sum + host.pool.idle + host.pool.taken + host.connecting, 0)
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
  t.same(
    cluster.hosts.map(host => host.active),
    [0, 0, 0],
  )
  t.equal(mesh.timers.size, 0, 'no timer is left')
})
