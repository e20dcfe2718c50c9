import t from 'tap'
import { DEFAULT_BREAKER } from '../../../proxy/cluster/config.ts'
import { MeshError } from '../../../proxy/errors.ts'
import { NAME, registryWorld } from './registry-support.ts'
import { codeOf, config, endpoint, never, settle } from './support.ts'

t.test('a raised maxConnections lets waiting requests go at once', async t => {
  const { eds, apply, get, connects } = registryWorld()
  apply([eds({ breaker: { ...DEFAULT_BREAKER, maxConnections: 1 } })], [endpoint('10.0.0.1')])
  const host = get().hosts[0]!
  for (let i = 0; i < 3; i++) void codeOf(get().acquire(host, never(), false))
  t.equal(connects.length, 1)
  apply([eds()])
  t.equal(connects.length, 3)
})

t.test('over maxRequests it is refused at once, and counted', async t => {
  const { eds, apply, get, counters } = registryWorld()
  apply([eds({ breaker: { ...DEFAULT_BREAKER, maxRequests: 2 } })])
  t.same([get().enter(), get().enter(), get().enter()], [true, true, false])
  t.equal(counters.get('breaker_requests_overflow'), 1)
})

t.test('a retry needs both a place and the budget', async t => {
  const { eds, apply, get, counters, clock } = registryWorld()
  apply([eds({ breaker: { ...DEFAULT_BREAKER, maxRetries: 3 }, budget: { percent: 20, minPerSecond: 0 } })])
  const cluster = get()
  for (let i = 0; i < 25; i++) cluster.deposit()
  t.same(
    [1, 2, 3, 4].map(() => cluster.beginRetry()),
    ['granted', 'granted', 'granted', 'overflow'],
  )
  t.equal(counters.get('breaker_retries_overflow'), 1)
  for (let i = 0; i < 3; i++) cluster.endRetry()
  t.same(
    [1, 2, 3].map(() => cluster.beginRetry()),
    ['granted', 'granted', 'budget'],
    'an overflow spends nothing of the budget',
  )
  t.equal(counters.get('retry_budget_exhausted'), 1)
  t.equal(cluster.breaker.retries, 2, 'a refused one holds no place')
  clock.ms += 10_001
  t.equal(cluster.beginRetry(), 'budget', 'requests of 10 s ago earn nothing')
})

t.test('a service that calls itself may draw its own instance, as registered and by the service alone', async t => {
  const { eds, apply, get, own, registered, connects, counters } = registryWorld()
  own.add('10.0.0.1:80')
  registered.add('10.0.0.1:80')
  apply([eds()], [endpoint('10.0.0.1')])
  void codeOf(get().acquire(get().hosts[0]!, never(), false))
  await settle()
  t.equal(connects.length, 1)
  t.equal(counters.get('loop_refused'), 0)
})

t.test('our own listeners are not dialled, except as the local app', async t => {
  const { registry, eds, apply, get, own, counters, connects } = registryWorld()
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

t.test('all connections end when the sidecar does', async t => {
  const { registry, eds, apply, get, connects, timers } = registryWorld()
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

t.test('the admin page gets numbers and states as JSON', async t => {
  const { registry, eds, apply, get, connects } = registryWorld()
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
      {
        address: '10.0.0.1',
        port: 80,
        state: 'healthy',
        weight: 2,
        labels: { version: 'v1' },
        active: 1,
        total: 1,
        failures: 0,
        connections: { active: 1, idle: 0 },
      },
      { address: '10.0.0.2', state: 'avoided', failure: /did not take/, failures: 1, learnedIdleMs: null, connections: { active: 0 } },
    ],
  })
})
