import t from 'tap'
import { RunningApi, route, service } from './running-api.ts'

t.test('explain names the rule, why each earlier one did not match, and the endpoints', async t => {
  const api = await new RunningApi().start()
  t.teardown(() => api.stop())
  const first = route('by-user', 'orders', '/api')
  Object.assign(first.spec.rules[0]?.matches[0] as object, { method: 'GET', headers: [{ name: 'X-User', value: '7' }] })
  const policy = {
    apiVersion: 'outrider.dev/v1',
    kind: 'TrafficPolicy',
    metadata: { name: 'p' },
    spec: { targetRefs: [{ group: '', kind: 'Service', name: 'orders' }], timeouts: { request: '30s' } },
  }
  await api.call('POST', '/v1/apply', [service('orders'), first, route('rest', 'orders', '/'), policy])
  await api.look()
  const ask = async (query: string) => (await api.call('GET', `/v1/explain?${query}`)).json

  const matched = await ask('url=http://orders/api/1&header=x-user:+7&as=orders')
  t.match(matched.route, {
    origin: /HTTPRoute default\/by-user/,
    timeouts: { requestMs: 30_000 },
    origins: { 'timeouts.request': /TrafficPolicy default\/p/ },
  })
  t.equal(matched.verdict, 'goes to default/orders:80')
  t.same(matched.earlier, [])
  t.match(matched.clusters[0], {
    name: 'default/orders:80',
    share: 100,
    endpoints: [{ address: '127.0.0.1', port: 8081, health: 'healthy' }],
  })

  const other = await ask('url=http://orders/api/1&header=x-user:8&method=POST')
  t.match(other.route.origin, /HTTPRoute default\/rest/)
  t.match(other.earlier, [{ why: 'method is POST, needs GET; header x-user is "8", needs "7"' }])
  t.match((await ask('url=http://orders/apix')).earlier, [
    { why: 'path is "/apix", needs the prefix "/api"; header x-user is missing, needs "7"' },
  ])

  t.match((await ask('url=http://orders:81/')).verdict, /names a port that the service does not have: 404, flag NR/)
  t.match((await ask('url=http://elsewhere.example/')).verdict, 'goes to passthrough')
  t.match((await ask('url=http://orders/%00')).verdict, /the path is refused with 400: .*, flag DPE/)
  t.equal((await ask('url=http://orders/a/../api/1')).path, '/api/1', 'what is matched is the normalised path')
})
