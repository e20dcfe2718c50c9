import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { NameFiles, parseHosts, parseSearch, searchOrder } from '../../../proxy/cluster/name-files.ts'

t.test('a hosts file gives addresses by name, comments and nonsense left out', async t => {
  const hosts = parseHosts(
    '127.0.0.1 localhost\n::1\tlocalhost ip6-localhost # loopback\n# 10.0.0.9 commented\n\n10.0.0.5 Orders orders.internal\nnonsense here\n10.0.0.5 orders\n',
  )
  t.same(hosts.get('localhost'), ['127.0.0.1', '::1'])
  t.same(hosts.get('orders'), ['10.0.0.5'])
  t.same(hosts.get('orders.internal'), ['10.0.0.5'])
  t.equal(hosts.get('commented'), undefined)
  t.equal(hosts.get('here'), undefined)
})

for (const [text, expected] of [
  ['', { search: [], ndots: 1 }],
  ['search a.example B.example.\noptions timeout:1 ndots:5', { search: ['a.example', 'b.example'], ndots: 5 }],
  ['domain x.example\n', { search: ['x.example'], ndots: 1 }],
  ['search a\nsearch b c\n', { search: ['b', 'c'], ndots: 1 }],
  ['search .\noptions ndots:99', { search: [], ndots: 15 }],
] as const) {
  t.test(`resolv.conf ${JSON.stringify(text)}`, async t => t.same(parseSearch(text), expected))
}

for (const [name, expected] of [
  ['orders', ['orders.default.svc', 'orders.svc', 'orders']],
  ['orders.default', ['orders.default', 'orders.default.default.svc', 'orders.default.svc']],
  ['example.com.', ['example.com']],
] as const) {
  t.test(`search order of ${name}`, async t => t.same(searchOrder(name, { search: ['default.svc', 'svc'], ndots: 1 }), expected))
}

t.test('with ndots 5 a name is looked for in the search list first', async t => {
  t.same(searchOrder('api.example.com', { search: ['svc'], ndots: 5 }), ['api.example.com.svc', 'api.example.com'])
})

t.test('files are read again after some seconds, and may be missing', async t => {
  const clock = { ms: 0, now: () => clock.ms }
  const folder = t.testdir({ hosts: '10.0.0.1 orders\n', 'resolv.conf': 'search one\n' })
  const files = new NameFiles(clock, join(folder, 'hosts'), join(folder, 'resolv.conf'))
  t.same(await files.addresses('orders'), ['10.0.0.1'])
  t.same(await files.candidates('x'), ['x.one', 'x'])
  writeFileSync(join(folder, 'hosts'), '10.0.0.2 orders\n')
  clock.ms = 4_999
  t.same(await files.addresses('orders'), ['10.0.0.1'])
  clock.ms = 5_000
  t.same(await files.addresses('orders'), ['10.0.0.2'])
  const missing = new NameFiles(clock, join(folder, 'none'), join(folder, 'none'))
  t.equal(await missing.addresses('orders'), null)
  t.same(await missing.candidates('x'), ['x'])
  t.same(await missing.addresses('localhost'), ['127.0.0.1', '::1'], 'RFC 6761 section 6.3')
  t.same(await missing.addresses('app.localhost'), ['127.0.0.1', '::1'])
})
