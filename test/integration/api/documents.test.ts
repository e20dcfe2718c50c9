import t from 'tap'
import { proxy, RunningApi, route, service } from './running-api.ts'

async function started(t: { teardown(stop: () => Promise<void>): void }): Promise<RunningApi> {
  const api = await new RunningApi().start()
  t.teardown(() => api.stop())
  return api
}

t.test('PUT creates with 201 and an ETag, then replaces with 200', async t => {
  const api = await started(t)
  const first = await api.call('PUT', '/v1/service/default/orders', service('orders'))
  t.equal(first.status, 201)
  t.equal(first.headers['etag'], '"1"')
  t.match(first.json, { kind: 'Service', metadata: { name: 'orders', namespace: 'default', resourceVersion: '1' } })
  const second = await api.call(
    'PUT',
    '/v1/SERVICE/default/orders',
    service('orders', { metadata: { name: 'orders', labels: { a: 'b' } } }),
  )
  t.equal(second.status, 200)
  t.equal(second.headers['etag'], '"2"')
})

t.test('GET answers the document with its status, in YAML where Accept asks for it', async t => {
  const api = await started(t)
  await api.call('PUT', '/v1/service/default/orders', service('orders'))
  const json = await api.call('GET', '/v1/Service/default/orders')
  t.same(
    json.json.status.conditions.map((each: { type: string; status: string }) => `${each.type} ${each.status}`),
    ['Accepted True', 'ResolvedRefs True', 'Programmed Unknown'],
  )
  const yaml = await api.call('GET', '/v1/Service/default/orders', null, { accept: 'application/yaml' })
  t.match(yaml.headers['content-type'], /^application\/yaml/)
  t.match(yaml.text, /^apiVersion: outrider.dev\/v1\nkind: Service\n/)
})

t.test('a list has items and a resourceVersion; a namespace narrows it', async t => {
  const api = await started(t)
  await api.call('PUT', '/v1/service/default/b', service('b'))
  await api.call('PUT', '/v1/service/shop/a', service('a', { metadata: { name: 'a', namespace: 'shop' } }))
  const all = await api.call('GET', '/v1/service')
  t.same(
    all.json.items.map((each: { metadata: { name: string } }) => each.metadata.name),
    ['b', 'a'],
  )
  t.equal(all.json.resourceVersion, '2')
  t.equal((await api.call('GET', '/v1/service/shop')).json.items.length, 1)
})

t.test('DELETE is 204, then 404', async t => {
  const api = await started(t)
  await api.call('PUT', '/v1/service/default/orders', service('orders'))
  t.equal((await api.call('DELETE', '/v1/service/default/orders')).status, 204)
  const again = await api.call('DELETE', '/v1/service/default/orders')
  t.equal(again.status, 404)
  t.equal(again.json.detail, 'there is no Service default/orders')
})

t.test('If-Match of another version is 412 and changes nothing; If-None-Match: * only creates', async t => {
  const api = await started(t)
  const put = (headers: Record<string, string>) => api.call('PUT', '/v1/service/default/orders', service('orders'), headers)
  t.equal((await put({ 'if-match': '"7"' })).status, 412, 'it does not exist')
  t.equal((await put({ 'if-none-match': '*' })).status, 201)
  t.equal((await put({ 'if-none-match': '*' })).status, 412)
  t.equal((await put({ 'if-match': 'x' })).status, 412)
  t.equal((await put({ 'if-match': '"1"' })).status, 200)
  const stale = await api.call('DELETE', '/v1/service/default/orders', null, { 'if-match': '"9"' })
  t.equal(stale.status, 412)
  t.equal(stale.json.detail, 'Service default/orders is at resourceVersion 1')
})

t.test('a document that was read at an older version is 409', async t => {
  const api = await started(t)
  await api.call('PUT', '/v1/service/default/orders', service('orders'))
  await api.call('PUT', '/v1/service/default/orders', service('orders', { metadata: { name: 'orders', labels: { a: 'b' } } }))
  const stale = service('orders', { metadata: { name: 'orders', resourceVersion: '1' } })
  const answer = await api.call('PUT', '/v1/service/default/orders', stale)
  t.equal(answer.status, 409)
  t.match(answer.json.detail, /was read at resourceVersion 1, and now it is at 2; nothing was changed/)
  t.equal((await api.call('POST', '/v1/apply', [stale])).status, 409)
})

t.test('what GET answered can be PUT again as it is', async t => {
  const api = await started(t)
  await api.call('PUT', '/v1/service/default/orders', service('orders'))
  const { text } = await api.call('GET', '/v1/service/default/orders')
  const again = await api.call('PUT', '/v1/service/default/orders', JSON.parse(text))
  t.equal(again.status, 200)
  t.equal(again.headers['etag'], '"1"', 'unchanged')
})

t.test('the body must be the document that the address names, and one', async t => {
  const api = await started(t)
  const other = await api.call('PUT', '/v1/service/shop/orders', service('order'))
  t.equal(other.status, 422)
  t.same(
    other.json.errors.map((each: { path: string; value: unknown; allowed: string }) => [each.path, each.value, each.allowed]),
    [
      ['metadata.namespace', 'default', 'shop'],
      ['metadata.name', 'order', 'orders'],
    ],
  )
  t.match((await api.call('PUT', '/v1/service/default/a', [service('a'), service('b')])).json.errors[0].message, /one document, not 2/)
})

t.test('references that lead nowhere and what each sidecar runs are in the status', async t => {
  const api = await started(t)
  await api.call('PUT', '/v1/service/default/orders', service('orders'))
  await api.call('PUT', '/v1/httproute/default/r', route('r', 'ordrs'))
  const nack = { typeUrl: 't', resource: 'x', message: 'bad regex', at: 1, revision: 2 }
  api.proxies = [proxy('a', 2), proxy('b', 1, { inSync: false, lastNack: nack }), proxy('gone', 0, { isConnected: false })]
  const { json } = await api.call('GET', '/v1/httproute/default/r')
  t.match(json.status.conditions[1], { type: 'ResolvedRefs', status: 'False', message: /did you mean default\/orders/ })
  t.match(json.status.conditions[2], {
    type: 'Programmed',
    status: 'False',
    reason: 'Refused',
    message: '1 of 2 sidecars; refused by b: bad regex',
  })
  const orders = await api.call('GET', '/v1/service/default/orders')
  t.match(orders.json.status.conditions[2], { status: 'True', message: '2 of 2 sidecars' })
})
