import t from 'tap'
import { MeshError } from '../../../proxy/errors.ts'
import { Cancellation } from '../../../proxy/util/cancellation.ts'
import { poolWorld } from './pool-support.ts'
import { codeOf, never } from './support.ts'

t.test('active counts requests that wait and that are sent, and returns to 0', async t => {
  const { cluster, host, connects } = poolWorld()
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

t.test('a fresh connection is opened even if one is idle', async t => {
  const { cluster, host, connects, open } = poolWorld()
  const idle = await open()
  idle.finish()
  const got = cluster.acquire(host, never(), true)
  t.equal(connects.length, 2)
  const fresh = await connects[1]!.accept()
  t.equal(await got, fresh)
})

t.test('a request that waits takes a connection that comes free before its own', async t => {
  const { cluster, host, connects, open } = poolWorld()
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
  const { cluster, host, connects, open } = poolWorld()
  const busy = await open()
  const fresh = cluster.acquire(host, never(), true)
  const any = cluster.acquire(host, never(), false)
  busy.finish()
  t.equal(await any, busy)
  const own = await connects[1]!.accept()
  t.equal(await fresh, own)
})

t.test('a request that is given up leaves the queue with its reason', async t => {
  const { cluster, host, connects } = poolWorld()
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
  const { cluster, host, connects, counters } = poolWorld()
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
  const { cluster, host, connects } = poolWorld({ maxConnections: 2 })
  const codes = [1, 2, 3, 4, 5].map(() => codeOf(cluster.acquire(host, never(), false)))
  t.equal(connects.length, 2)
  await connects[0]!.fail()
  t.equal(host.pool.pending, 1)
  await connects[1]!.accept()
  t.same((await Promise.all(codes)).filter(code => code === 'none').length, 1)
  t.equal(host.active, 1)
})

t.test('a connection that is closed as soon as it is open is a refused one', async t => {
  const { cluster, host, environment } = poolWorld()
  const { HandConnection } = await import('./support.ts')
  const gone = new HandConnection(host.endpoint, () => 0)
  gone.capacity = 0
  Object.assign(environment, { connect: async () => gone })
  t.equal(await codeOf(cluster.acquire(host, never(), false)), 'UPSTREAM_CONNECT_REFUSED')
  t.equal(cluster.breaker.connections, 0)
})

t.test('a connection that takes no more requests is not kept, and the next one waiting gets a new one', async t => {
  const { cluster, host, connects, open } = poolWorld({ maxConnections: 1 })
  const last = await open()
  const got = cluster.acquire(host, never(), false)
  last.capacity = 0
  last.finish()
  t.not(last.destroyed, null)
  t.equal(await connects[1]!.accept(), await got)
})

t.test('a tunnel keeps its connection until it closes', async t => {
  const { cluster, host, open } = poolWorld()
  const tunnel = await open()
  t.equal(cluster.breaker.connections, 1)
  t.equal(host.pool.idle, 0)
  tunnel.close()
  t.equal(cluster.breaker.connections, 0)
})

t.test('a connection can be given back unused', async t => {
  const { cluster, host, connects } = poolWorld()
  const got = cluster.acquire(host, never(), false)
  const connection = await connects[0]!.accept()
  await got
  connection.events.available(connection)
  t.equal(host.active, 0)
  t.equal(cluster.acquire(host, never(), false), connection)
})

t.test('the connect timeout of the cluster is passed on', async t => {
  const { cluster, host, connects } = poolWorld()
  codeOf(cluster.acquire(host, never(), false)).catch(() => {})
  t.equal(connects[0]!.timeoutMs, 1_000)
})
