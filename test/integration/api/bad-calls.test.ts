import { connect } from 'node:net'
import t from 'tap'
import { API_LIMITS } from '../../../control/api/limits.ts'
import { type Answer, proxy, RunningApi, service } from './running-api.ts'

const api = new RunningApi()
t.before(async () => {
  await api.start()
})
t.teardown(() => api.stop())

type Call = readonly [method: string, path: string, body: unknown, headers: Record<string, string>]

/** Every way to call the API wrongly, and what the caller reads. */
const BAD: readonly (readonly [name: string, call: Call, status: number, detail: string | RegExp])[] = [
  ['an unknown path', ['GET', '/v2/x', null, {}], 404, 'there is no /v2/x; /openapi.json describes what there is'],
  ['an unknown kind', ['GET', '/v1/sevice', null, {}], 404, 'there is no kind "sevice"; did you mean Service?'],
  [
    'a kind like none',
    ['GET', '/v1/qqqqqqqqqq', null, {}],
    404,
    'there is no kind "qqqqqqqqqq"; known: Service, HTTPRoute, TrafficPolicy, Mesh',
  ],
  ['a document that is not there', ['GET', '/v1/service/default/x', null, {}], 404, 'there is no Service default/x'],
  ['a change by GET', ['GET', '/v1/apply', null, {}], 405, 'GET is not allowed here; use POST'],
  ['a POST to a document', ['POST', '/v1/service/default/x', {}, {}], 405, 'POST is not allowed here; use DELETE, GET, HEAD, PUT'],
  ['a DELETE of a list', ['DELETE', '/v1/service', null, {}], 405, 'DELETE is not allowed here; use GET, HEAD'],
  [
    'a form',
    ['POST', '/v1/apply', 'a=b', { 'content-type': 'application/x-www-form-urlencoded' }],
    415,
    /must be application\/json or application\/yaml/,
  ],
  ['plain text', ['POST', '/v1/apply', '{}', { 'content-type': 'text/plain' }], 415, /must be application\/json or application\/yaml/],
  ['no JSON', ['POST', '/v1/apply', '{"a":', { 'content-type': 'application/json' }], 422, '1 fault; nothing was changed'],
  ['an unknown parameter', ['POST', '/v1/apply?dryrun=true', [], {}], 400, 'dryrun: unknown parameter'],
  ['a parameter of another type', ['POST', '/v1/apply?dryRun=maybe', [], {}], 400, 'dryRun: must be boolean'],
  ['a wait that is too long', ['GET', '/v1/proxies?revision=1&waitMs=999999', null, {}], 400, 'waitMs: must be <= 30000'],
  ['explain without a URL', ['GET', '/v1/explain', null, {}], 400, /url/],
  ['explain with a URL of another scheme', ['GET', '/v1/explain?url=ftp://a', null, {}], 400, /^url: must match pattern/],
  ['explain with a header without a colon', ['GET', '/v1/explain?url=http://a/&header=x', null, {}], 400, /^header.0: must match pattern/],
  ['explain as nobody', ['GET', '/v1/explain?url=http://a/&as=nobody', null, {}], 404, 'there is no service default/nobody'],
  ['a Host of a web page', ['GET', '/v1/service', null, { host: 'evil.example' }], 403, /^Host "evil.example" is not this control plane/],
  ['a Host that hides one', ['GET', '/v1/service', null, { host: '127.0.0.1.evil.example:80' }], 403, /^Host /],
  ['a Host with user information', ['GET', '/v1/service', null, { host: 'localhost@evil.example' }], 403, /^Host /],
  [
    'an Origin of a web page',
    ['POST', '/v1/apply', [], { origin: 'http://evil.example' }],
    403,
    'Origin "http://evil.example" may not use the control API',
  ],
  ['an Origin of a sandbox', ['POST', '/v1/apply', [], { origin: 'null' }], 403, 'Origin "null" may not use the control API'],
  ['another site', ['GET', '/v1/service', null, { 'sec-fetch-site': 'cross-site' }], 403, 'another site may not use the control API'],
]

for (const [name, call, status, detail] of BAD) {
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
  t.ok(json.paths['/v1/apply'].post && json.paths['/v1/proxies'].get && json.paths['/v1/explain'].get)
})

t.test('nothing was logged: none of it was a defect', async t => {
  t.same(api.logged, [])
})
