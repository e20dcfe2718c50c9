import { connect } from 'node:net'
import t from 'tap'
import { API_LIMITS } from '../../../control/api/limits.ts'
import { BAD_CALLS } from '../../support/bad-calls.ts'
import { type Answer, proxy, RunningApi, service } from './running-api.ts'

const api = new RunningApi()
t.before(async () => {
  await api.start()
})
t.teardown(() => api.stop())

for (const [name, call, status, detail] of BAD_CALLS) {
  t.test(`${name} is ${status}`, async t => {
    const answer: Answer = await api.call(...call)
    t.equal(answer.status, status)
    t.match(answer.headers['content-type'], /^application\/problem\+json/)
    t.match(answer.json, { type: 'about:blank', status, detail })
    if (status === 405) t.type(answer.headers['allow'], 'string')
  })
}

t.test('loopback names and its own address are served, with their Origin', async t => {
  for (const host of ['localhost', 'LOCALHOST:15080', '127.0.0.1', '[::1]:1']) {
    t.equal((await api.call('GET', '/live', null, { host, origin: `http://${host}` })).status, 200, host)
  }
})

t.test('a body over the limit is 413', async t => {
  const answer = await api.call('POST', '/v1/apply', 'x'.repeat(API_LIMITS.bodyBytes + 1)).catch(error => error as Error)
  // The server may close while the client is still sending.
  if (answer instanceof Error) t.match(answer.message, /EPIPE|ECONNRESET/)
  else t.equal(answer.status, 413)
})

t.test('more large bodies at once than the limit are 503', async t => {
  const { port } = new URL(api.base)
  const head = `POST /v1/apply HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: ${API_LIMITS.largeBytes + 1}\r\n\r\n[`
  const sockets = Array.from({ length: API_LIMITS.largeBodies }, () => connect(Number(port), '127.0.0.1'))
  t.teardown(() => {
    for (const socket of sockets) socket.destroy()
  })
  for (const socket of sockets) socket.write(head)
  let status = 0
  while (status !== 503)
    status = (await api.call('POST', '/v1/apply', [service(`${'x'.repeat(60)}`, { padding: 'x'.repeat(API_LIMITS.largeBytes) })])).status
  t.equal(status, 503)
})

t.test('proxies are listed with the warnings of the control plane, and waited for by revision', async t => {
  api.proxies = [proxy('a', 3)]
  api.warnings.push('insecure')
  t.match((await api.call('GET', '/v1/proxies')).json, { items: [{ id: 'a', version: '3', inSync: true, warnings: ['insecure'] }] })
  await api.call('GET', '/v1/proxies?revision=3&waitMs=1000')
  t.same(api.settledCalls, [3])
})

t.test('more calls that wait at once than the limit are 503', async t => {
  const released = Promise.withResolvers<void>()
  const held = await new RunningApi().start()
  held.settling = () => released.promise
  t.teardown(() => held.stop())
  const calls = Array.from({ length: API_LIMITS.waits + 1 }, () => held.call('GET', '/v1/proxies?revision=1'))
  const first = await Promise.race(calls)
  t.equal(first.status, 503)
  t.equal(first.json.detail, `${API_LIMITS.waits} calls are waiting already`)
  released.resolve()
  const statuses = (await Promise.all(calls)).map(answer => answer.status)
  t.equal(statuses.filter(status => status === 200).length, API_LIMITS.waits)
})

t.test('a connection over the limit is closed at once', async t => {
  const full = await new RunningApi().start()
  t.teardown(() => full.stop())
  const { port } = new URL(full.base)
  const sockets = Array.from({ length: API_LIMITS.connections }, () => connect(Number(port), '127.0.0.1'))
  await Promise.all(sockets.map(socket => new Promise(resolve => socket.once('connect', resolve))))
  await t.rejects(full.call('GET', '/live'))
  for (const socket of sockets) socket.destroy()
})

t.test('health, metrics and OpenAPI', async t => {
  t.equal((await api.call('GET', '/live')).text, 'live\n')
  t.equal((await api.call('GET', '/ready')).text, 'ready\n')
  await api.call('POST', '/v1/apply', [service('orders')])
  const metrics = (await api.call('GET', '/metrics')).text
  t.match(metrics, /\noutrider_control_documents\{kind="Service"\} 1\n/)
  t.match(metrics, /\noutrider_control_sidecars\{in_sync="true"\} 1\n/)
  const { json } = await api.call('GET', '/openapi.json')
  t.equal(json.info.version, '1.2.3')
  t.ok(json.paths['/v1/{kind}/{namespace}/{name}'].put.requestBody.content['application/yaml'])
  t.ok(json.paths['/v1/links'].get.responses['200'].content['application/json'].schema.properties.jaeger)
  t.ok(json.paths['/v1/apply'].post && json.paths['/v1/proxies'].get && json.paths['/v1/explain'].get)
})

t.test('nothing was logged: none of it was a defect', async t => {
  t.same(api.logged, [])
})
