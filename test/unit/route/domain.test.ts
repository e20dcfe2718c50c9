import t from 'tap'
import { DomainTable, normaliseAuthority } from '../../../proxy/route/domain.ts'

const table = (...domains: (readonly string[])[]) => new DomainTable(domains.map((each, index) => ({ name: String(index), domains: each })))
const found = (domains: (readonly string[])[], authority: string) => table(...domains).find(authority)?.domain ?? null

t.test("Envoy's order: exact, longest suffix, longest prefix, star", async t => {
  const domains = [['*'], ['orders.*'], ['orders.default.*'], ['*.svc'], ['*.default.svc'], ['orders.default.svc']]
  t.equal(found(domains, 'orders.default.svc'), 'orders.default.svc')
  t.equal(found(domains, 'users.default.svc'), '*.default.svc')
  t.equal(found(domains, 'orders.other.svc'), '*.svc', 'a suffix beats a prefix')
  t.equal(found(domains, 'orders.default.example'), 'orders.default.*')
  t.equal(found(domains, 'orders.example'), 'orders.*')
  t.equal(found(domains, 'example'), '*')
})

t.test('a star stands for at least one character', async t => {
  t.equal(found([['*.example']], '.example'), null)
  t.equal(found([['orders:*']], 'orders:'), null)
  t.equal(found([['orders:*']], 'orders'), null)
  t.equal(found([['*']], ''), '*')
})

t.test('the port is part of the name, so a known name with another port does not fall through to the star', async t => {
  const domains = [['orders', 'orders:80'], ['orders:*'], ['*']]
  t.equal(found(domains, 'orders'), 'orders')
  t.equal(found(domains, 'orders:80'), 'orders:80')
  t.equal(found(domains, 'orders:81'), 'orders:*')
  t.equal(found(domains, 'orders:080'), 'orders:*')
  t.equal(found(domains, 'orderso'), '*')
})

t.test('case does not count (RFC 9110 section 4.2.3)', async t => {
  t.equal(found([['orders']], 'ORDERS'), 'orders')
  t.equal(found([['*.example']], 'A.Example'), '*.example')
  t.equal(found([['Orders']], 'orders'), 'Orders')
})

t.test('the dot that ends a fully qualified name does not count', async t => {
  t.equal(found([['orders.default.svc.cluster.local']], 'orders.default.svc.cluster.local.'), 'orders.default.svc.cluster.local')
  t.equal(found([['orders:80']], 'orders.:80'), 'orders:80')
  t.equal(found([['orders:*']], 'Orders.:9'), 'orders:*')
})

t.test('an empty port is no port (RFC 3986 section 6.2.3)', async t => {
  t.equal(found([['orders']], 'orders:'), 'orders')
})

t.test('IPv6 literals keep their brackets', async t => {
  t.equal(found([['[::1]:80'], ['*']], '[::1]:80'), '[::1]:80')
  t.equal(found([['[::1]:*'], ['*']], '[::1]:81'), '[::1]:*')
  t.equal(found([['[fe80::a]'], ['*']], '[FE80::A]'), '[fe80::a]')
  t.equal(normaliseAuthority('[::1]'), '[::1]')
  t.equal(normaliseAuthority('[::1]:'), '[::1]')
})

t.test('of two equal domains the first counts', async t => {
  t.equal(table(['orders'], ['orders']).find('orders')?.host.name, '0')
})

t.test('asking for the same authority again, and for others between, gives the same answers', async t => {
  const domains = table(['orders'], ['*.example'])
  for (const authority of ['orders', 'orders', 'x.example', 'orders', 'nobody', 'nobody', '', 'orders']) {
    const expected = { orders: 'orders', 'x.example': '*.example' }[authority] ?? null
    t.equal(domains.find(authority)?.domain ?? null, expected)
  }
})

t.test('a table without hosts finds nothing', async t => {
  t.equal(table().find('orders'), null)
  t.equal(table().find(''), null)
})
