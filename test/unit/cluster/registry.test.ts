import t from 'tap'
import { DEFAULT_BREAKER } from '../../../proxy/cluster/config.ts'
import { MeshError } from '../../../proxy/errors.ts'
import { NAME, registryWorld } from './registry-support.ts'
import { config, endpoint, head, never } from './support.ts'

t.test('clusters come and go with snapshots', async t => {
  const { registry, eds, apply } = registryWorld()
  t.equal(registry.get(NAME), null)
  apply([eds()], [endpoint('10.0.0.1')])
  t.equal(registry.get(NAME)?.hosts.length, 1)
  t.same(
    [...registry.clusters].map(each => each.config.name),
    [NAME],
  )
  apply([])
  t.equal(registry.get(NAME), null)
  t.equal(registry.leavingCount, 0)
})

t.test('endpoints that have not been answered yet change nothing; an empty answer does', async t => {
  const { eds, apply, get } = registryWorld()
  apply([eds()], [endpoint('10.0.0.1')])
  apply([eds()], null)
  t.equal(get().hosts.length, 1)
  apply([eds()], [])
  t.equal(get().hosts.length, 0)
})

t.test('what was learned of a host outlives a snapshot that changes its weight and labels', async t => {
  const { eds, apply, get, connects } = registryWorld()
  apply([eds()], [endpoint('10.0.0.1'), endpoint('10.0.0.2')])
  const host = get().hosts[0]!
  host.connectFailed(new MeshError('UPSTREAM_CONNECT_REFUSED', 'refused'))
  const got = get().acquire(host, never(), false)
  const connection = await connects[0]!.accept()
  await got
  host.avoidUntil = 9_999
  connection.finish()
  apply([eds()], [endpoint('10.0.0.2'), endpoint('10.0.0.1', { weight: 7, labels: { version: 'v2' }, health: 'draining' })])
  t.equal(
    get().hosts.find(each => each.endpoint.address === '10.0.0.1'),
    host,
  )
  t.equal(host.endpoint.weight, 7)
  t.equal(host.avoidUntil, 9_999)
  t.equal(host.total, 1)
  t.equal(get().acquire(host, never(), false), connection)
})

t.test('another way to reach the same address is another host', async t => {
  const { eds, apply, get } = registryWorld()
  apply([eds()], [endpoint('10.0.0.1')])
  const before = get().hosts[0]
  apply([eds()], [endpoint('10.0.0.1', { transport: { kind: 'tls', serverName: 'orders', roots: null } })])
  t.equal(get().hosts.length, 1)
  t.not(get().hosts[0], before)
})

t.test('an address that is listed twice is one host', async t => {
  const { eds, apply, get } = registryWorld()
  apply([eds()], [endpoint('10.0.0.1'), endpoint('10.0.0.1')])
  t.equal(get().hosts.length, 1)
})

t.test('a removed host finishes what is in flight and closes what is idle', async t => {
  const { eds, apply, get, connects } = registryWorld()
  apply([eds()], [endpoint('10.0.0.1'), endpoint('10.0.0.2')])
  const cluster = get()
  const host = cluster.hosts[0]!
  const takes = [cluster.acquire(host, never(), true), cluster.acquire(host, never(), true), cluster.acquire(host, never(), true)]
  const idle = await connects[0]!.accept()
  const busy = await connects[1]!.accept()
  idle.finish()
  apply([eds()], [endpoint('10.0.0.2')])
  t.not(idle.destroyed, null)
  t.equal(busy.destroyed, null)
  const late = await connects[2]!.accept()
  t.equal(await takes[2], late, 'one that waited is served')
  t.ok(Array.from({ length: 20 }, () => cluster.pick(head('orders'), [])).every(each => each !== host))
  busy.finish()
  t.not(busy.destroyed, null)
  late.finish()
  t.equal(cluster.breaker.connections, 0)
})

t.test('a host that comes back while it drains is the same host and keeps its connections', async t => {
  const { eds, apply, get, connects } = registryWorld()
  apply([eds()], [endpoint('10.0.0.1')])
  const host = get().hosts[0]!
  const got = get().acquire(host, never(), false)
  const busy = await connects[0]!.accept()
  await got
  apply([eds()], [])
  apply([eds()], [endpoint('10.0.0.1')])
  t.equal(get().hosts[0], host)
  busy.finish()
  t.equal(busy.destroyed, null)
  t.equal(host.pool.idle, 1)
})

t.test('a removed cluster lives until its exchanges end', async t => {
  const { registry, eds, apply, get, connects } = registryWorld()
  apply([eds()], [endpoint('10.0.0.1')])
  const cluster = get()
  t.ok(cluster.enter())
  apply([])
  t.equal(registry.get(NAME), null)
  t.equal(registry.leavingCount, 1)
  t.equal(registry.inspect().length, 1, 'it is still shown')
  const host = cluster.pick(head('orders'), [])
  t.not(host, null, 'a retry can still go somewhere')
  const got = cluster.acquire(host as never, never(), false)
  const connection = await connects[0]!.accept()
  await got
  connection.finish()
  t.not(connection.destroyed, null)
  t.equal(registry.leavingCount, 1)
  cluster.leave()
  t.equal(registry.leavingCount, 0)
})

t.test('a cluster that comes back before it has left is the same one', async t => {
  const { registry, eds, apply, get } = registryWorld()
  apply([eds()], [endpoint('10.0.0.1')])
  const cluster = get()
  cluster.enter()
  apply([])
  apply([eds()], [endpoint('10.0.0.1')])
  t.equal(get(), cluster)
  cluster.leave()
  t.equal(registry.leavingCount, 0)
  t.equal(get(), cluster)
})

t.test('new settings keep counts and budget; lower limits end nothing', async t => {
  const { eds, apply, get } = registryWorld()
  apply([eds()], [endpoint('10.0.0.1')])
  const cluster = get()
  cluster.enter()
  cluster.enter()
  const { budget } = cluster
  apply([eds({ breaker: { ...DEFAULT_BREAKER, maxRequests: 1 }, policy: 'roundRobin', connectTimeoutMs: 5 })], [endpoint('10.0.0.1')])
  t.equal(get(), cluster)
  t.equal(cluster.budget, budget)
  t.equal(cluster.breaker.requests, 2)
  t.equal(cluster.enter(), false)
  cluster.leave()
  t.equal(cluster.enter(), false)
  cluster.leave()
  t.equal(cluster.enter(), true)
  apply([eds({ budget: { percent: 50, minPerSecond: 0 } })])
  t.not(cluster.budget, budget)
})

t.test('a cluster that turns into another kind is another one', async t => {
  const { registry, eds, apply, get } = registryWorld()
  apply([eds()], [endpoint('10.0.0.1')])
  const before = get()
  apply([eds({ discovery: { kind: 'passthrough' } })])
  t.not(registry.get(NAME), before)
  apply([config([endpoint('10.0.0.9')])])
  t.equal(get().hosts[0]!.endpoint.address, '10.0.0.9')
})

t.test('the same list of endpoints again changes nothing, so that a snapshot costs only what it changes', async t => {
  const { eds, apply, get } = registryWorld()
  const endpoints = [endpoint('10.0.0.1'), endpoint('10.0.0.2'), endpoint('10.0.0.3')]
  apply([eds({ policy: 'roundRobin' })], endpoints)
  const seen: unknown[] = []
  for (let i = 0; i < 6; i++) {
    seen.push(get().pick(head('orders'), []))
    apply([eds({ policy: 'roundRobin' })], endpoints)
  }
  t.same(seen.slice(3), seen.slice(0, 3), 'round robin goes on')
  t.equal(new Set(seen).size, 3)
})
