import { join } from 'node:path'
import t, { type Test } from 'tap'
import { dnsQuery } from '../../../proxy/cluster/dns-query.ts'
import { NameFiles } from '../../../proxy/cluster/name-files.ts'
import { Resolver } from '../../../proxy/cluster/resolver.ts'
import { Counters } from '../../../proxy/util/counters.ts'
import { TimerWheel } from '../../../proxy/util/timers.ts'
import { dnsServer, type Zone } from './dns-server.ts'

async function setUp(t: Test, resolvConf = '') {
  const zone: Zone = new Map()
  const server = await dnsServer(zone)
  t.teardown(server.close)
  const clock = { ms: 0, now: () => clock.ms }
  const folder = t.testdir({ hosts: '127.0.0.9 listed\n', resolv: resolvConf })
  const names = new NameFiles(clock, join(folder, 'hosts'), join(folder, 'resolv'))
  const counters = new Counters()
  const resolver = new Resolver(names, dnsQuery(server.address), new TimerWheel(clock), counters)
  return { zone, server, clock, counters, resolver }
}

t.test('A and AAAA of a real name server, with the smallest TTL, IPv4 first', async t => {
  const { zone, server, resolver } = await setUp(t)
  zone.set('orders.internal', { addresses: ['fd00::1', '10.0.0.1', '10.0.0.2'], ttl: 30 })
  const answer = await resolver.resolve('Orders.Internal')
  t.match(answer, { kind: 'found', ttlMs: 30_000 })
  t.same(answer.kind === 'found' && [...answer.addresses].sort(), ['10.0.0.1', '10.0.0.2', 'fd00::1'])
  t.same([...server.asked].sort(), ['orders.internal A', 'orders.internal AAAA'])
})

t.test('NXDOMAIN, no data and SERVFAIL are told apart', async t => {
  const { zone, resolver } = await setUp(t)
  zone.set('empty.internal', { addresses: [], ttl: 30 })
  zone.set('broken.internal', 2)
  zone.set('refused.internal', 5)
  t.match(await resolver.resolve('none.internal'), { kind: 'absent', reason: 'ENOTFOUND' })
  t.match(await resolver.resolve('empty.internal'), { kind: 'absent', reason: 'ENODATA' })
  t.match(await resolver.resolve('broken.internal'), { kind: 'failed', reason: 'ESERVFAIL' })
  t.match(await resolver.resolve('refused.internal'), { kind: 'failed' })
})

t.test('a name server that begins to fail leaves the last good answer in use; one that denies takes it after three times', async t => {
  const { zone, clock, counters, resolver } = await setUp(t)
  zone.set('orders.internal', { addresses: ['10.0.0.1'], ttl: 5 })
  await resolver.resolve('orders.internal')
  zone.set('orders.internal', 2)
  for (let i = 0; i < 5; i++) {
    clock.ms += 5_000
    t.match(await resolver.resolve('orders.internal'), { kind: 'found', addresses: ['10.0.0.1'] })
  }
  t.equal(counters.get('dns_stale_answers'), 5)
  zone.delete('orders.internal')
  const kinds = []
  for (let i = 0; i < 3; i++) {
    clock.ms += 5_000
    kinds.push((await resolver.resolve('orders.internal')).kind)
  }
  t.same(kinds, ['found', 'found', 'absent'])
})

t.test('an answer is asked for again when its TTL has passed: nothing else caches it', async t => {
  const { zone, clock, server, resolver } = await setUp(t)
  zone.set('orders.internal', { addresses: ['10.0.0.1'], ttl: 60 })
  await resolver.resolve('orders.internal')
  zone.set('orders.internal', { addresses: ['10.0.0.2'], ttl: 60 })
  clock.ms += 60_000
  t.match(await resolver.resolve('orders.internal'), { addresses: ['10.0.0.2'] })
  t.equal(server.asked.length, 4)
})

t.test('the hosts file and the search list come first', async t => {
  const { zone, server, resolver } = await setUp(t, 'search default.svc svc\noptions ndots:2\n')
  zone.set('orders.svc', { addresses: ['10.0.0.1'], ttl: 60 })
  t.match(await resolver.resolve('listed'), { addresses: ['127.0.0.9'] })
  t.match(await resolver.resolve('localhost'), { addresses: ['127.0.0.1', '::1'] })
  t.equal(server.asked.length, 0)
  t.match(await resolver.resolve('orders'), { addresses: ['10.0.0.1'] })
  t.same(
    server.asked.filter(each => each.endsWith(' A')),
    ['orders.default.svc A', 'orders.svc A'],
  )
})

t.test('--dns-server takes an address with a port, and refuses all else', async t => {
  t.doesNotThrow(() => dnsQuery('[::1]:5353'))
  t.throws(() => dnsQuery('not an address'))
})
