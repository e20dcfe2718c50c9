import t from 'tap'
import { registryWorld } from './registry-support.ts'
import { config, found, head } from './support.ts'

t.test('a DNS cluster has all addresses of its name, and asks again when the TTL has passed', async t => {
  const { registry, apply, get, dns, pass, queries } = registryWorld()
  dns.set('orders.internal', found(['10.0.0.1', '10.0.0.2'], 10_000))
  const resolved = config([], { discovery: { kind: 'dns', host: 'orders.internal', port: 8080 } })
  apply([resolved])
  const first = await get().pick(head('orders'), [])
  t.equal(first?.endpoint.port, 8080, 'the first request waits for the first answer')
  t.same(
    get().hosts.map(each => each.endpoint.address),
    ['10.0.0.1', '10.0.0.2'],
  )
  const kept = get().hosts[1]!
  kept.total = 5
  dns.set('orders.internal', found(['10.0.0.2', '10.0.0.3'], 10_000))
  await pass(9_000)
  t.equal(queries.length, 2)
  await pass(2_100)
  t.same(
    get()
      .hosts.map(each => each.endpoint.address)
      .sort(),
    ['10.0.0.2', '10.0.0.3'],
  )
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
  const { apply, get, dns, pass } = registryWorld()
  dns.set('orders.internal', { kind: 'failed', reason: 'ETIMEOUT' })
  apply([config([], { discovery: { kind: 'dns', host: 'orders.internal', port: 8080 } })])
  t.equal(await get().pick(head('orders'), []), null)
  t.match(get().describe(), /orders\.internal cannot be resolved: ETIMEOUT/)
  dns.set('orders.internal', found(['10.0.0.1']))
  await pass(1_200)
  t.equal((await get().pick(head('orders'), []))?.endpoint.address, '10.0.0.1')
})

t.test('a DNS cluster asks ever more rarely for a name that does not exist', async t => {
  const { apply, get, dns, pass, queries } = registryWorld()
  apply([config([], { discovery: { kind: 'dns', host: 'orders.internal', port: 8080 } })])
  await pass(600_000)
  t.ok(queries.length / 2 < 30, `${queries.length / 2} times in 10 min`)
  dns.set('orders.internal', found(['10.0.0.1']))
  await pass(33_500)
  t.equal(get().hosts.length, 1)
})
