import t from 'tap'
import type { DnsRecords } from '../../../proxy/cluster/dns-query.ts'
import {
  ABSENCES,
  LOOKUP_DEADLINE_MS,
  MAX_LOOKUPS,
  MAX_NAMES,
  MAX_TTL_MS,
  MIN_TTL_MS,
  NEGATIVE_TTL_MS,
  Resolver,
} from '../../../proxy/cluster/resolver.ts'
import { found, settle, world } from './support.ts'

const absent: DnsRecords = { kind: 'absent', reason: 'ENOTFOUND' }
const failed: DnsRecords = { kind: 'failed', reason: 'ESERVFAIL' }

function setUp() {
  const mesh = world()
  return { ...mesh, resolver: mesh.environment.resolver }
}

t.test('an IP address is its own answer', async t => {
  const { resolver, queries } = setUp()
  for (const address of ['10.0.0.1', '::1']) t.match(await resolver.resolve(address), { kind: 'found', addresses: [address] })
  t.equal(queries.length, 0)
})

t.test('equal look-ups are joined, and A and AAAA asked for once', async t => {
  const { resolver, dns, queries, counters } = setUp()
  dns.set('orders', found(['10.0.0.1']))
  const answers = await Promise.all([resolver.resolve('orders'), resolver.resolve('ORDERS'), resolver.resolve('orders')])
  for (const answer of answers) t.match(answer, { kind: 'found', addresses: ['10.0.0.1'] })
  t.same(queries, ['orders 4', 'orders 6'])
  t.equal(counters.get('dns_queries'), 2)
})

for (const [ttlMs, heldMs] of [
  [0, MIN_TTL_MS],
  [20_000, 20_000],
  [86_400_000, MAX_TTL_MS],
] as const) {
  t.test(`a TTL of ${ttlMs} ms holds for ${heldMs} ms`, async t => {
    const { resolver, dns, queries, clock } = setUp()
    dns.set('orders', found(['10.0.0.1'], ttlMs))
    await resolver.resolve('orders')
    clock.ms += heldMs - 1
    t.match(await resolver.resolve('orders'), { ttlMs: 1 })
    t.equal(queries.length, 2)
    clock.ms += 1
    await resolver.resolve('orders')
    t.equal(queries.length, 4)
  })
}

t.test('a name server that fails or is silent leaves the last good answer in use, without limit', async t => {
  const { resolver, dns, clock, counters, pass } = setUp()
  dns.set('orders', found(['10.0.0.1'], 5_000))
  await resolver.resolve('orders')
  dns.set('orders', failed)
  for (let i = 0; i < 10; i++) {
    clock.ms += 3_600_000
    t.match(await resolver.resolve('orders'), { kind: 'found', addresses: ['10.0.0.1'], ttlMs: MIN_TTL_MS })
  }
  t.equal(counters.get('dns_stale_answers'), 10)
  dns.set('orders', new Promise(() => {}))
  clock.ms += MIN_TTL_MS
  const silent = resolver.resolve('orders')
  await pass(LOOKUP_DEADLINE_MS + 10)
  t.match(await silent, { kind: 'found', addresses: ['10.0.0.1'] })
})

t.test('a silent name server is given up after its deadline', async t => {
  const { resolver, dns, pass } = setUp()
  dns.set('orders', new Promise(() => {}))
  const answer = resolver.resolve('orders')
  await pass(LOOKUP_DEADLINE_MS + 10)
  t.match(await answer, { kind: 'failed', reason: 'no answer in 5000 ms' })
})

t.test('NXDOMAIN must be seen three times before addresses are given up', async t => {
  const { resolver, dns, clock } = setUp()
  dns.set('orders', found(['10.0.0.1']))
  await resolver.resolve('orders')
  dns.set('orders', absent)
  clock.ms += MAX_TTL_MS
  for (let i = 1; i < ABSENCES; i++) {
    t.match(await resolver.resolve('orders'), { kind: 'found', addresses: ['10.0.0.1'] })
    clock.ms += MIN_TTL_MS
  }
  t.match(await resolver.resolve('orders'), { kind: 'absent', reason: 'ENOTFOUND' })
})

t.test('NXDOMAINs with a good answer between them are not counted together', async t => {
  const { resolver, dns, clock } = setUp()
  for (let i = 0; i < 4; i++) {
    for (const answer of [found(['10.0.0.1'], 5_000), absent, absent]) {
      dns.set('orders', answer)
      t.match(await resolver.resolve('orders'), { kind: 'found' })
      clock.ms += MIN_TTL_MS
    }
  }
})

t.test('a name that never had an address is refused at once, and asked for again soon', async t => {
  const { resolver, dns, clock, queries } = setUp()
  t.match(await resolver.resolve('orders'), { kind: 'absent' })
  await resolver.resolve('orders')
  t.equal(queries.length, 2)
  dns.set('orders', found(['10.0.0.1']))
  clock.ms += NEGATIVE_TTL_MS
  t.match(await resolver.resolve('orders'), { kind: 'found' })
})

t.test('one family that fails does not spoil the other', async t => {
  const { timers, counters } = setUp()
  const names = { addresses: async () => null, candidates: async (name: string) => [name] }
  const answers: Record<string, DnsRecords> = {
    'a 4': found(['10.0.0.1']),
    'a 6': failed,
    'b 4': absent,
    'b 6': found(['fd00::1']),
    'c 4': absent,
    'c 6': failed,
  }
  const resolver = new Resolver(names, async (name, family) => answers[`${name} ${family}`]!, timers, counters)
  t.match(await resolver.resolve('a'), { kind: 'found', addresses: ['10.0.0.1'] })
  t.match(await resolver.resolve('b'), { kind: 'found', addresses: ['fd00::1'] })
  t.match(await resolver.resolve('c'), { kind: 'failed' })
})

t.test('the hosts file comes first, then the names of the search list in order', async t => {
  const { timers, counters } = setUp()
  const asked: string[] = []
  const names = {
    addresses: async (name: string) => (name === 'listed' ? ['::1', '127.0.0.1'] : null),
    candidates: async (name: string) => [`${name}.default.svc`, `${name}.svc`, name],
  }
  const query = async (name: string, family: 4 | 6): Promise<DnsRecords> => {
    asked.push(`${name} ${family}`)
    return name === 'orders.svc' && family === 4 ? found(['10.0.0.1']) : absent
  }
  const resolver = new Resolver(names, query, timers, counters)
  t.match(await resolver.resolve('listed'), { kind: 'found', addresses: ['127.0.0.1', '::1'] }, 'IPv4 first')
  t.equal(asked.length, 0)
  t.match(await resolver.resolve('orders'), { kind: 'found', addresses: ['10.0.0.1'] })
  t.same(asked, ['orders.default.svc 4', 'orders.default.svc 6', 'orders.svc 4', 'orders.svc 6'])
})

t.test('no more than a bounded number of names is remembered', async t => {
  const { resolver, queries, counters } = setUp()
  await resolver.resolve('first')
  await resolver.resolve('second')
  for (let i = 0; i < MAX_NAMES - 1; i++) {
    await resolver.resolve('second')
    await resolver.resolve(`n${i}`)
  }
  t.equal(resolver.size, MAX_NAMES)
  t.equal(counters.get('dns_names_evicted'), 1)
  const before = queries.length
  await resolver.resolve('second')
  t.equal(queries.length, before, 'the one in use is kept')
  await resolver.resolve('first')
  t.equal(queries.length, before + 2, 'the one asked for longest ago went')
})

t.test('no more than a bounded number of look-ups is under way', async t => {
  const { resolver, dns, pass, counters } = setUp()
  const all = []
  for (let i = 0; i < MAX_LOOKUPS; i++) {
    dns.set(`n${i}`, new Promise(() => {}))
    all.push(resolver.resolve(`n${i}`))
  }
  t.match(await resolver.resolve('one-more'), { kind: 'failed', reason: '256 look-ups are under way' })
  t.equal(counters.get('dns_lookups_overflow'), 1)
  await pass(LOOKUP_DEADLINE_MS + 10)
  await Promise.all(all)
  dns.set('one-more', found(['10.0.0.1']))
  await settle()
  t.match(await resolver.resolve('one-more'), { kind: 'found' })
})
