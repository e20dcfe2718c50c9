import t from 'tap'
import type { Endpoint, Host } from '../../../proxy/cluster/endpoint.ts'
import { EndpointCluster } from '../../../proxy/cluster/endpoint-cluster.ts'
import { FIRST_AVOID_MS, MAX_AVOID_MS } from '../../../proxy/cluster/host.ts'
import type { PooledHost } from '../../../proxy/cluster/pool.ts'
import { MeshError } from '../../../proxy/errors.ts'
import { config, endpoint, head, world } from './support.ts'

const refused = new MeshError('UPSTREAM_CONNECT_REFUSED', 'refused')

function setUp(endpoints: readonly Endpoint[], policy: 'roundRobin' | 'leastRequest' = 'leastRequest') {
  const mesh = world()
  const cluster = new EndpointCluster(config(endpoints, { policy }), mesh.environment, false)
  const pick = (tried: readonly Host[] = []) => cluster.pick(head('orders'), tried) as PooledHost | null
  /** Picks by address. */
  const shares = (count: number, tried: readonly Host[] = []) => {
    const seen: Record<string, number> = {}
    for (let i = 0; i < count; i++) {
      const address = pick(tried)!.endpoint.address
      seen[address] = (seen[address] ?? 0) + 1
    }
    return seen
  }
  return { ...mesh, cluster, pick, shares }
}

const three = [endpoint('10.0.0.1'), endpoint('10.0.0.2'), endpoint('10.0.0.3')]

t.test('a cluster without endpoints picks none', async t => {
  for (const policy of ['roundRobin', 'leastRequest'] as const) t.equal(setUp([], policy).pick(), null)
})

t.test('round robin takes each in turn', async t => {
  const { shares } = setUp(three, 'roundRobin')
  t.same(shares(3), { '10.0.0.1': 1, '10.0.0.2': 1, '10.0.0.3': 1 })
  t.same(shares(300), { '10.0.0.1': 100, '10.0.0.2': 100, '10.0.0.3': 100 })
})

t.test('round robin by weight is exact, and does not send the heavy one its share in a row', async t => {
  const { pick, shares } = setUp(
    [endpoint('10.0.0.1', { weight: 5 }), endpoint('10.0.0.2', { weight: 1 }), endpoint('10.0.0.3', { weight: 4 })],
    'roundRobin',
  )
  const seen = shares(1_000)
  for (const [address, expected] of [
    ['10.0.0.1', 500],
    ['10.0.0.2', 100],
    ['10.0.0.3', 400],
  ] as const)
    t.ok(Math.abs(seen[address]! - expected) <= 1)
  const run = Array.from({ length: 10 }, () => pick()!.endpoint.address).join()
  t.notMatch(run, /10.0.0.1,10.0.0.1,10.0.0.1/)
})

t.test('least request takes the less busy of two', async t => {
  const { cluster, pick } = setUp([endpoint('10.0.0.1'), endpoint('10.0.0.2')])
  const [busy, quiet] = cluster.hosts as [PooledHost, PooledHost]
  busy.active = 3
  quiet.active = 2
  for (let i = 0; i < 50; i++) t.equal(pick(), quiet)
})

t.test('least request counts a request in flight by weight', async t => {
  const { cluster, shares } = setUp([endpoint('10.0.0.1', { weight: 4 }), endpoint('10.0.0.2', { weight: 1 })])
  const [heavy, light] = cluster.hosts as [PooledHost, PooledHost]
  heavy.active = 3
  light.active = 1
  t.ok(shares(1_000)['10.0.0.1']! > 900, 'three of four are less than one of one')
})

for (const weights of [[1, 1, 1, 1], [1, 2, 3, 4], [90, 10], [1, 100], [7]]) {
  t.test(`property: a quiet service is shared by weight ${weights.join(':')}`, async t => {
    for (const policy of ['roundRobin', 'leastRequest'] as const) {
      const { shares } = setUp(
        weights.map((weight, index) => endpoint(`10.0.0.${index + 1}`, { weight })),
        policy,
      )
      const seen = shares(20_000)
      const sum = weights.reduce((total, weight) => total + weight, 0)
      weights.forEach((weight, index) => {
        const share = (seen[`10.0.0.${index + 1}`] ?? 0) / 20_000
        t.ok(Math.abs(share - weight / sum) < 0.015, `${policy}: ${share} for ${weight} of ${sum}`)
      })
    }
  })
}

t.test('property: under load least request fills hosts by weight', async t => {
  const { cluster, pick } = setUp([endpoint('10.0.0.1', { weight: 3 }), endpoint('10.0.0.2', { weight: 1 })])
  for (let i = 0; i < 400; i++) pick()!.active++
  const [heavy, light] = cluster.hosts as [PooledHost, PooledHost]
  t.ok(Math.abs(heavy.active - 300) <= 15, `${heavy.active} and ${light.active}`)
})

t.test('what was tried is avoided while others can serve', async t => {
  for (const policy of ['roundRobin', 'leastRequest'] as const) {
    const { cluster, shares, pick } = setUp(three, policy)
    const [one, two, last] = cluster.hosts as [PooledHost, PooledHost, PooledHost]
    t.same(Object.keys(shares(100, [one])).sort(), ['10.0.0.2', '10.0.0.3'])
    t.same(shares(100, [one, two]), { '10.0.0.3': 100 })
    t.not(pick([one, two, last]), null, 'when all were tried, any will do')
    last.connectFailed(refused)
    t.notOk('10.0.0.3' in shares(100, [one, two]), 'one that refuses connections cannot serve')
  }
})

t.test('a host that failed to connect is avoided for 1 s, doubling to 30 s, with jitter', async t => {
  const { cluster, clock, shares } = setUp([endpoint('10.0.0.1'), endpoint('10.0.0.2')])
  const host = cluster.hosts[0] as PooledHost
  for (const expectedMs of [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]) {
    host.connectFailed(refused)
    const forMs = host.avoidedForMs
    t.ok(forMs >= expectedMs && forMs <= expectedMs * 1.2, `${forMs} for ${expectedMs}`)
    t.same(shares(20), { '10.0.0.2': 20 })
    clock.ms += forMs
    t.ok('10.0.0.1' in shares(50), 'then it is tried again')
  }
  t.equal(FIRST_AVOID_MS, 1_000)
  t.equal(MAX_AVOID_MS, 30_000)
  host.connected()
  host.connectFailed(refused)
  t.ok(host.avoidedForMs <= 1_200, 'a success resets it')
})

t.test('connects that fail together count once', async t => {
  const { cluster } = setUp(three)
  const host = cluster.hosts[0] as PooledHost
  for (let i = 0; i < 10; i++) host.connectFailed(refused)
  t.ok(host.avoidedForMs <= 1_200)
  t.equal(host.connectFailures, 10)
})

t.test('after its time one connect at a time tries an avoided host', async t => {
  const { cluster, clock, shares } = setUp(three)
  const host = cluster.hosts[0] as PooledHost
  host.connectFailed(refused)
  clock.ms += 1_300
  t.ok('10.0.0.1' in shares(50))
  host.connecting = 1
  t.notOk('10.0.0.1' in shares(50))
  host.connecting = 0
  t.ok('10.0.0.1' in shares(50))
  host.connecting = 1
  host.connected()
  t.ok('10.0.0.1' in shares(50))
})

t.test('hosts that are all avoided are used all the same', async t => {
  const { cluster, shares } = setUp(three)
  for (const host of cluster.hosts) host.connectFailed(refused)
  t.equal(Object.keys(shares(100)).length, 3)
})

t.test('a draining host takes no requests while others exist', async t => {
  const draining = endpoint('10.0.0.2', { health: 'draining' })
  t.same(setUp([endpoint('10.0.0.1'), draining]).shares(50), { '10.0.0.1': 50 })
  t.same(setUp([draining]).shares(50), { '10.0.0.2': 50 })
  const { cluster, shares, counters } = setUp([endpoint('10.0.0.1'), draining])
  cluster.hosts[0]!.connectFailed(refused)
  t.same(shares(50), { '10.0.0.2': 50 }, 'but it serves better than one that refuses')
  t.equal(counters.get('panic_picks'), 0)
})

t.test('an unhealthy host is picked last', async t => {
  const ill = endpoint('10.0.0.3', { health: 'unhealthy' })
  const { cluster, shares, counters } = setUp([endpoint('10.0.0.1'), endpoint('10.0.0.2'), ill])
  t.same(Object.keys(shares(100)).sort(), ['10.0.0.1', '10.0.0.2'])
  cluster.hosts[0]!.connectFailed(refused)
  t.same(shares(100), { '10.0.0.2': 100 })
  cluster.hosts[1]!.connectFailed(refused)
  t.notOk('10.0.0.3' in shares(100), 'even after those that refused')
  t.equal(counters.get('panic_picks'), 0)
})

t.test('with less than half healthy all are used, and counted as panic', async t => {
  const ill = (address: string) => endpoint(address, { health: 'unhealthy' })
  const { cluster, shares, counters } = setUp([endpoint('10.0.0.1'), ill('10.0.0.2'), ill('10.0.0.3')])
  t.equal(Object.keys(shares(100)).length, 3)
  t.equal(counters.get('panic_picks'), 100)
  cluster.hosts[2]!.connectFailed(refused)
  t.same(Object.keys(shares(100)).sort(), ['10.0.0.1', '10.0.0.2'], 'what we know ourselves still counts')
  const half = setUp([endpoint('10.0.0.1'), ill('10.0.0.2')])
  t.same(half.shares(100), { '10.0.0.1': 100 }, 'half is enough')
})

t.test('priority 0 is used first, the next when nothing there can serve', async t => {
  const { cluster, shares } = setUp([endpoint('10.0.0.1', { priority: 1 }), endpoint('10.0.0.2')])
  t.same(shares(50), { '10.0.0.2': 50 })
  cluster.hosts[1]!.connectFailed(refused)
  t.same(shares(50), { '10.0.0.1': 50 })
})

t.test('the sentence for the log names each endpoint and its state', async t => {
  const { cluster } = setUp([
    endpoint('10.0.0.1'),
    endpoint('10.0.0.2', { health: 'draining' }),
    endpoint('fd00::1', { health: 'unhealthy' }),
    endpoint('10.0.0.4'),
  ])
  cluster.hosts[0]!.connectFailed(refused)
  cluster.hosts[2]!.connectFailed(new MeshError('UPSTREAM_CONNECT_TIMEOUT', 'late'))
  t.match(
    cluster.describe(),
    /^default\/orders:80 has 4 endpoints: 10\.0\.0\.1:80 refused the connection \(avoided for 1\.\d s\), 10\.0\.0\.2:80 draining, \[fd00::1\]:80 unhealthy, did not accept the connection in time \(avoided for 1\.\d s\), 10\.0\.0\.4:80 healthy$/,
  )
  t.equal(setUp([]).cluster.describe(), 'default/orders:80 has no endpoints')
  const many = setUp(Array.from({ length: 25 }, (_, index) => endpoint(`10.0.1.${index}`)))
  t.match(many.cluster.describe(), /has 25 endpoints: .*10\.0\.1\.9:80 healthy, and 15 more$/)
})
