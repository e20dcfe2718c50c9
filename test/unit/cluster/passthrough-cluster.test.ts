import t from 'tap'
import { parseOutsideName } from '../../../proxy/cluster/outside-name.ts'
import { MAX_OUTSIDE_NAMES, PassthroughCluster } from '../../../proxy/cluster/passthrough-cluster.ts'
import type { PooledHost } from '../../../proxy/cluster/pool.ts'
import { MeshError } from '../../../proxy/errors.ts'
import { codeOf, config, found, head, never, settle, world } from './support.ts'

function setUp() {
  const mesh = world()
  const cluster = new PassthroughCluster(config([], { name: 'passthrough', discovery: { kind: 'passthrough' } }), mesh.environment, false)
  const pick = async (authority: string, more = {}) => (await cluster.pick(head(authority, more), [])) as PooledHost
  return { ...mesh, cluster, pick }
}

for (const [authority, expected] of [
  ['example.com', { host: 'example.com', port: 80 }],
  ['Example.COM:8080', { host: 'example.com', port: 8080 }],
  ['10.0.0.1:65535', { host: '10.0.0.1', port: 65_535 }],
  ['[::1]', { host: '::1', port: 80 }],
  ['[FD00::1]:443', { host: 'fd00::1', port: 443 }],
  ['', null],
  ['example.com:0', null],
  ['example.com:65536', null],
  ['example.com:', null],
  ['example.com:80:80', null],
  ['::1', null],
  ['[::1', null],
  ['[not:an:address]', null],
  ['user@example.com', null],
  ['a b', null],
  ['example.com/path', null],
] as const) {
  t.test(`authority ${JSON.stringify(authority)}`, async t => t.same(parseOutsideName(authority, 80), expected))
}

t.test('a request goes where its authority says; the second one without waiting', async t => {
  const { cluster, pick, dns } = setUp()
  dns.set('example.com', found(['93.184.0.1']))
  const host = await pick('example.com')
  t.match(host.endpoint, { address: '93.184.0.1', port: 80, transport: { kind: 'plaintext' } })
  t.equal(cluster.pick(head('example.com'), []), host)
  t.equal((await pick('example.com:8080')).endpoint.port, 8080)
})

t.test('an address is used as it is', async t => {
  const { pick, queries } = setUp()
  t.match((await pick('10.0.0.7:9000')).endpoint, { address: '10.0.0.7', port: 9000 })
  t.match((await pick('[::1]:9000')).endpoint, { address: '::1', port: 9000 })
  t.equal(queries.length, 0)
})

t.test('https goes to 443 by TLS with the name, CONNECT as it is', async t => {
  const { pick, dns } = setUp()
  dns.set('example.com', found(['93.184.0.1']))
  t.match((await pick('example.com', { scheme: 'https' })).endpoint, { port: 443, transport: { kind: 'tls', serverName: 'example.com' } })
  t.match((await pick('example.com:443', { method: 'CONNECT', path: null })).endpoint, { port: 443, transport: { kind: 'plaintext' } })
})

t.test('a name that cannot be resolved is UPSTREAM_DNS and named; it is not remembered here', async t => {
  const { cluster, pick, dns, clock } = setUp()
  await t.rejects(pick('nowhere.example'), { code: 'UPSTREAM_DNS', message: 'nowhere.example cannot be resolved: ENOTFOUND' })
  t.equal(cluster.size, 0)
  dns.set('nowhere.example', found(['10.0.0.1']))
  clock.ms += 1_000
  t.equal((await pick('nowhere.example')).endpoint.address, '10.0.0.1')
})

t.test('an authority that names no host is a bad request', async t => {
  t.equal(await codeOf(setUp().cluster.pick(head('a b'), [])), 'DOWNSTREAM_PROTOCOL')
})

t.test('requests for the same new name share one look-up', async t => {
  const { pick, dns, queries } = setUp()
  dns.set('example.com', found(['93.184.0.1']))
  const hosts = await Promise.all([pick('example.com'), pick('example.com'), pick('example.com')])
  t.equal(new Set(hosts).size, 1)
  t.equal(queries.length, 2)
})

t.test('when the TTL has passed the addresses follow; what is idle at an old one closes', async t => {
  const { cluster, pick, dns, clock, connects } = setUp()
  dns.set('example.com', found(['93.184.0.1'], 10_000))
  const before = await pick('example.com')
  const got = cluster.acquire(before, never(), false)
  const connection = await connects[0]!.accept()
  await got
  connection.finish()
  dns.set('example.com', found(['93.184.0.2'], 10_000))
  clock.ms += 10_000
  t.equal((await pick('example.com')).endpoint.address, '93.184.0.2')
  t.not(connection.destroyed, null)
  t.equal(cluster.hosts.length, 1)
})

t.test('two names at one address share its host', async t => {
  const { cluster, pick, dns, clock } = setUp()
  dns.set('a.example', found(['93.184.0.1'], 10_000))
  dns.set('b.example', found(['93.184.0.1'], 300_000))
  t.equal(await pick('a.example'), await pick('b.example'))
  dns.set('a.example', found(['93.184.0.9']))
  clock.ms += 10_000
  await pick('a.example')
  t.equal(cluster.hosts.length, 2, 'the other name still leads there')
})

t.test('an address that refuses is avoided while the name has another', async t => {
  const { cluster, pick, dns } = setUp()
  dns.set('example.com', found(['93.184.0.1', '93.184.0.2']))
  const host = await pick('example.com')
  host.connectFailed(new MeshError('UPSTREAM_CONNECT_REFUSED', 'refused'))
  for (let i = 0; i < 20; i++) t.not(cluster.pick(head('example.com'), []), host)
  t.not(
    cluster.pick(
      head('example.com'),
      cluster.hosts.filter(each => each !== host),
    ),
    host,
  )
})

t.test('the table is bounded: idle names go first, the longest unused one of them', async t => {
  const { cluster, pick, counters, clock } = setUp()
  const hosts: PooledHost[] = []
  for (let i = 0; i < MAX_OUTSIDE_NAMES; i++) {
    clock.ms++
    hosts.push(await pick(`10.1.${i >> 8}.${i & 255}`))
  }
  hosts[0]!.active = 1
  t.equal(counters.get('passthrough_hosts_evicted'), 0)
  clock.ms++
  await pick('10.2.0.0')
  t.equal(cluster.size, MAX_OUTSIDE_NAMES)
  t.equal(counters.get('passthrough_hosts_evicted'), 1)
  t.ok(cluster.hosts.includes(hosts[0]!), 'the one in use stays')
  t.notOk(cluster.hosts.includes(hosts[1]!))
  for (const host of cluster.hosts) host.active = 1
  await pick('10.2.0.1')
  t.equal(cluster.size, MAX_OUTSIDE_NAMES, 'if all are in use, the longest unused one goes all the same')
  t.notOk(cluster.hosts.includes(hosts[0]!))
  t.equal(cluster.hosts.length, MAX_OUTSIDE_NAMES)
})

t.test('when all names are being looked up there is no room for another', async t => {
  const { cluster, dns, pass, counters } = setUp()
  const waiting = []
  for (let i = 0; i < MAX_OUTSIDE_NAMES; i++) {
    dns.set(`n${i}.example`, new Promise(() => {}))
    waiting.push(codeOf(cluster.pick(head(`n${i}.example`), [])))
  }
  t.equal(await codeOf(cluster.pick(head('one-more.example'), [])), 'UPSTREAM_OVERFLOW')
  t.equal(counters.get('passthrough_names_overflow'), 1)
  await pass(5_010)
  t.equal(
    (await Promise.all(waiting)).every(code => code === 'UPSTREAM_DNS'),
    true,
  )
  await settle()
  t.equal(cluster.size, 0)
})
