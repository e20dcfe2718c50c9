import t from 'tap'
import { type ClusterConfig, DEFAULT_BREAKER } from '../../../proxy/cluster/config.ts'
import type { Endpoint } from '../../../proxy/cluster/endpoint.ts'
import type { EndpointCluster } from '../../../proxy/cluster/endpoint-cluster.ts'
import { Registry } from '../../../proxy/cluster/registry.ts'
import { MeshError } from '../../../proxy/errors.ts'
import { codeOf, config, endpoint, found, head, never, settle, world } from './support.ts'

const NAME = 'default/orders:80'

function setUp() {
  const mesh = world()
  const registry = new Registry(mesh.environment)
  const eds = (more: Partial<ClusterConfig> = {}) => config([], { discovery: { kind: 'eds', serviceName: NAME }, ...more })
  const apply = (clusters: readonly ClusterConfig[], endpoints: readonly Endpoint[] | null = null) =>
    registry.reconcile({
      clusters: new Map(clusters.map(each => [each.name, each])),
      endpoints: new Map(endpoints === null ? [] : [[NAME, endpoints]]),
    })
  const get = (name = NAME) => registry.get(name) as EndpointCluster
  return { ...mesh, registry, eds, apply, get }
}

t.test('clusters come and go with snapshots', async t => {
  const { registry, eds, apply } = setUp()
  t.equal(registry.get(NAME), null)
  apply([eds()], [endpoint('10.0.0.1')])
  t.equal(registry.get(NAME)?.hosts.length, 1)
  t.same([...registry.clusters].map(each => each.config.name), [NAME])
  apply([])
  t.equal(registry.get(NAME), null)
  t.equal(registry.leavingCount, 0)
})

t.test('endpoints that have not been answered yet change nothing; an empty answer does', async t => {
  const { eds, apply, get } = setUp()
  apply([eds()], [endpoint('10.0.0.1')])
  apply([eds()], null)
  t.equal(get().hosts.length, 1)
  apply([eds()], [])
  t.equal(get().hosts.length, 0)
})

t.test('what was learned of a host outlives a snapshot that changes its weight and labels', async t => {
  const { eds, apply, get, connects } = setUp()
  apply([eds()], [endpoint('10.0.0.1'), endpoint('10.0.0.2')])
  const host = get().hosts[0]!
  host.connectFailed(new MeshError('UPSTREAM_CONNECT_REFUSED', 'refused'))
  const got = get().acquire(host, never(), false)
  const connection = await connects[0]!.accept()
  await got
  host.avoidUntil = 9_999
  connection.finish()
  apply([eds()], [endpoint('10.0.0.2'), endpoint('10.0.0.1', { weight: 7, labels: { version: 'v2' }, health: 'draining' })])
  t.equal(get().hosts.find(each => each.endpoint.address === '10.0.0.1'), host)
  t.equal(host.endpoint.weight, 7)
  t.equal(host.avoidUntil, 9_999)
  t.equal(host.total, 1)
  t.equal(get().acquire(host, never(), false), connection)
})

t.test('another way to reach the same address is another host', async t => {
  const { eds, apply, get } = setUp()
  apply([eds()], [endpoint('10.0.0.1')])
  const before = get().hosts[0]
  apply([eds()], [endpoint('10.0.0.1', { transport: { kind: 'tls', serverName: 'orders', roots: null } })])
  t.equal(get().hosts.length, 1)
  t.not(get().hosts[0], before)
})

t.test('an address that is listed twice is one host', async t => {
  const { eds, apply, get } = setUp()
  apply([eds()], [endpoint('10.0.0.1'), endpoint('10.0.0.1')])
  t.equal(get().hosts.length, 1)
})

t.test('a removed host finishes what is in flight and closes what is idle', async t => {
  const { eds, apply, get, connects } = setUp()
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
  const { eds, apply, get, connects } = setUp()
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
  const { registry, eds, apply, get, connects } = setUp()
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
  const { registry, eds, apply, get } = setUp()
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
  const { eds, apply, get } = setUp()
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

t.test('a raised maxConnections lets waiting requests go at once', async t => {
  const { eds, apply, get, connects } = setUp()
  apply([eds({ breaker: { ...DEFAULT_BREAKER, maxConnections: 1 } })], [endpoint('10.0.0.1')])
  const host = get().hosts[0]!
  for (let i = 0; i < 3; i++) void codeOf(get().acquire(host, never(), false))
  t.equal(connects.length, 1)
  apply([eds()])
  t.equal(connects.length, 3)
})

t.test('over maxRequests it is refused at once, and counted', async t => {
  const { eds, apply, get, counters } = setUp()
  apply([eds({ breaker: { ...DEFAULT_BREAKER, maxRequests: 2 } })])
  t.same([get().enter(), get().enter(), get().enter()], [true, true, false])
  t.equal(counters.get('breaker_requests_overflow'), 1)
})

t.test('a retry needs both a place and the budget', async t => {
  const { eds, apply, get, counters, clock } = setUp()
  apply([eds({ breaker: { ...DEFAULT_BREAKER, maxRetries: 3 }, budget: { percent: 20, minPerSecond: 0 } })])
  const cluster = get()
  for (let i = 0; i < 25; i++) cluster.deposit()
  t.same([1, 2, 3, 4].map(() => cluster.beginRetry()), ['granted', 'granted', 'granted', 'overflow'])
  t.equal(counters.get('breaker_retries_overflow'), 1)
  for (let i = 0; i < 3; i++) cluster.endRetry()
  t.same([1, 2, 3].map(() => cluster.beginRetry()), ['granted', 'granted', 'budget'], 'an overflow spends nothing of the budget')
  t.equal(counters.get('retry_budget_exhausted'), 1)
  t.equal(cluster.breaker.retries, 2, 'a refused one holds no place')
  clock.ms += 10_001
  t.equal(cluster.beginRetry(), 'budget', 'requests of 10 s ago earn nothing')
})

t.test('our own listeners are not dialled, except as the local app', async t => {
  const { registry, eds, apply, get, own, counters, connects } = setUp()
  own.add('10.0.0.1:80')
  apply([eds()], [endpoint('10.0.0.1')])
  const host = get().hosts[0]!
  t.equal(await codeOf(get().acquire(host, never(), false)), 'LOOP')
  t.equal(counters.get('loop_refused'), 1)
  t.equal(host.avoidUntil, 0, 'the host is not to blame')
  const app = registry.addApp(config([endpoint('10.0.0.1')], { name: 'app' }))
  void codeOf(app.acquire(app.hosts[0]!, never(), false))
  t.equal(connects.length, 1)
  apply([{ ...config([]), name: 'app' }])
  t.equal(registry.get('app'), app, 'no snapshot changes it')
  t.equal(app.hosts.length, 1)
  t.equal(registry.get(NAME), null)
})

t.test('a cluster that turns into another kind is another one', async t => {
  const { registry, eds, apply, get } = setUp()
  apply([eds()], [endpoint('10.0.0.1')])
  const before = get()
  apply([eds({ discovery: { kind: 'passthrough' } })])
  t.not(registry.get(NAME), before)
  apply([config([endpoint('10.0.0.9')])])
  t.equal(get().hosts[0]!.endpoint.address, '10.0.0.9')
})

t.test('all connections end when the sidecar does', async t => {
  const { registry, eds, apply, get, connects, timers } = setUp()
  apply([eds()], [endpoint('10.0.0.1')])
  const host = get().hosts[0]!
  const got = get().acquire(host, never(), false)
  const waiting = codeOf(get().acquire(host, never(), false))
  const busy = await connects[0]!.accept()
  await got
  registry.destroy(new MeshError('DRAINING', 'the sidecar stops'))
  t.equal(await waiting, 'DRAINING')
  t.not(busy.destroyed, null)
  const late = await connects[1]!.accept()
  t.not(late.destroyed, null)
  t.equal(timers.size, 0)
})

t.test('a DNS cluster has all addresses of its name, and asks again when the TTL has passed', async t => {
  const { registry, apply, get, dns, pass, queries } = setUp()
  dns.set('orders.internal', found(['10.0.0.1', '10.0.0.2'], 10_000))
  const resolved = config([], { discovery: { kind: 'dns', host: 'orders.internal', port: 8080 } })
  apply([resolved])
  const first = await get().pick(head('orders'), [])
  t.equal(first?.endpoint.port, 8080, 'the first request waits for the first answer')
  t.same(get().hosts.map(each => each.endpoint.address), ['10.0.0.1', '10.0.0.2'])
  const kept = get().hosts[1]!
  kept.total = 5
  dns.set('orders.internal', found(['10.0.0.2', '10.0.0.3'], 10_000))
  await pass(9_000)
  t.equal(queries.length, 2)
  await pass(2_100)
  t.same(get().hosts.map(each => each.endpoint.address).sort(), ['10.0.0.2', '10.0.0.3'])
  t.ok(get().hosts.includes(kept))
  dns.set('orders.internal', { kind: 'failed', reason: 'ESERVFAIL' })
  await pass(3_600_000)
  t.equal(get().hosts.length, 2, 'a failing name server takes nothing away')
  dns.delete('orders.internal')
  await pass(40_000)
  t.equal(get().hosts.length, 0, 'a name that is gone does')
  t.match(get().describe(), /has no endpoints \(orders\.internal cannot be resolved: ENO/)
  apply([])
  const asked = queries.length
  await pass(600_000)
  t.equal(queries.length, asked, 'a removed cluster asks no more')
  t.equal(registry.leavingCount, 0)
})

t.test('a DNS cluster whose name fails at first says so, and comes to life', async t => {
  const { apply, get, dns, pass } = setUp()
  dns.set('orders.internal', { kind: 'failed', reason: 'ETIMEOUT' })
  apply([config([], { discovery: { kind: 'dns', host: 'orders.internal', port: 8080 } })])
  t.equal(await get().pick(head('orders'), []), null)
  t.match(get().describe(), /orders\.internal cannot be resolved: ETIMEOUT/)
  dns.set('orders.internal', found(['10.0.0.1']))
  await pass(1_200)
  t.equal((await get().pick(head('orders'), []))?.endpoint.address, '10.0.0.1')
})

t.test('the admin page gets numbers and states as JSON', async t => {
  const { registry, eds, apply, get, connects } = setUp()
  apply([eds()], [endpoint('10.0.0.1', { weight: 2, labels: { version: 'v1' } }), endpoint('10.0.0.2')])
  const cluster = get()
  cluster.enter()
  const got = cluster.acquire(cluster.hosts[0]!, never(), false)
  await connects[0]!.accept()
  await got
  const failing = codeOf(cluster.acquire(cluster.hosts[1]!, never(), false))
  await connects[1]!.fail()
  await failing
  await settle()
  const [state] = JSON.parse(JSON.stringify(registry.inspect()))
  t.match(state, {
    name: NAME,
    origin: 'Service default/orders (orders.yaml:1)',
    discovery: 'eds',
    breaker: { connections: { now: 1, max: 1024 }, requests: { now: 1, max: 1024 }, pending: { now: 0 }, retries: { now: 0 } },
    budget: { percent: 20, minPerSecond: 1 },
    hosts: [
      { address: '10.0.0.1', port: 80, state: 'healthy', weight: 2, labels: { version: 'v1' }, active: 1, total: 1, failures: 0, connections: { active: 1, idle: 0 } },
      { address: '10.0.0.2', state: 'avoided', failure: /did not take/, failures: 1, learnedIdleMs: null, connections: { active: 0 } },
    ],
  })
})
