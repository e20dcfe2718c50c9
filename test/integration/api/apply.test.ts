import t from 'tap'
import { RunningApi, route, service } from './running-api.ts'

async function started(t: { teardown(stop: () => Promise<void>): void }): Promise<RunningApi> {
  const api = await new RunningApi().start()
  t.teardown(() => api.stop())
  return api
}

t.test('apply says what has happened to each document, in the order of the body', async t => {
  const api = await started(t)
  const first = await api.call('POST', '/v1/apply', [service('orders'), route('orders', 'orders')])
  t.equal(first.status, 200)
  t.same(first.json, {
    dryRun: false,
    results: [
      { kind: 'Service', namespace: 'default', name: 'orders', change: 'created' },
      { kind: 'HTTPRoute', namespace: 'default', name: 'orders', change: 'created' },
    ],
    warnings: [],
  })
  t.equal(first.headers['etag'], '"1"')
  const second = await api.call('POST', '/v1/apply', [service('orders'), route('orders', 'orders', '/api')])
  t.same(
    second.json.results.map((each: { change: string }) => each.change),
    ['unchanged', 'updated'],
  )
})

t.test('a dry run answers the same and changes nothing', async t => {
  const api = await started(t)
  await api.call('POST', '/v1/apply', [service('orders')])
  const dry = await api.call('POST', '/v1/apply?dryRun=true', [service('orders'), service('web')])
  t.equal(dry.json.dryRun, true)
  t.same(
    dry.json.results.map((each: { change: string }) => each.change),
    ['unchanged', 'created'],
  )
  t.equal((await api.call('GET', '/v1/service')).json.items.length, 1)
})

t.test('several YAML documents in a body; a fault has the line of the body', async t => {
  const api = await started(t)
  const text = `apiVersion: outrider.dev/v1
kind: Service
metadata: { name: a }
spec:
  ports: [{ port: 80, protocol: http }]
---
apiVersion: outrider.dev/v1
kind: Service
metadata: { name: b }
spec:
  ports:
    - port: 99999
      protocl: http
`
  const answer = await api.call('POST', '/v1/apply', text)
  t.equal(answer.status, 422)
  t.match(answer.headers['content-type'], /^application\/problem\+json/)
  const faults = answer.json.errors.map((each: { document: string; path: string; line: string }) => [each.document, each.path, each.line])
  t.ok(
    faults.some(([, path, line]: string[]) => path === 'spec.ports[0].port' && line === 'line 12'),
    JSON.stringify(faults),
  )
  t.ok(
    faults.some(([, path, line]: string[]) => path === 'spec.ports[0].protocl' && line === 'line 13'),
    JSON.stringify(faults),
  )
  t.equal((await api.call('GET', '/v1/service')).json.items.length, 0, 'all or nothing')
})

t.test('an origin annotation takes the place of the line', async t => {
  const api = await started(t)
  const bad = { ...service('a', { metadata: { name: 'a', annotations: { 'outrider.dev/origin': 'x.yaml:7' } } }), spec: { prts: [] } }
  const answer = await api.call('POST', '/v1/apply', [bad])
  t.equal(answer.json.errors[0].line, 'x.yaml:7')
})

t.test('a reference to an unknown service is a warning', async t => {
  const api = await started(t)
  const answer = await api.call('POST', '/v1/apply', [route('r', 'nowhere')])
  t.equal(answer.status, 200)
  t.match(answer.json.warnings[0], { document: 'HTTPRoute default/r', path: 'spec.parentRefs[0].name' })
})

t.test('1,000 routes in one call take less than 2 s, and a list of them too', async t => {
  const api = await started(t)
  const documents = [service('orders'), ...Array.from({ length: 1_000 }, (_, i) => route(`r${i}`, 'orders', `/p${i}`))]
  const before = performance.now()
  const answer = await api.call('POST', '/v1/apply', documents)
  const ms = performance.now() - before
  t.equal(answer.status, 200)
  t.comment(`apply: ${Math.round(ms)} ms`)
  t.ok(ms < 2_000)
  const listAt = performance.now()
  t.equal((await api.call('GET', '/v1/httproute')).json.items.length, 1_000)
  t.comment(`list: ${Math.round(performance.now() - listAt)} ms`)
  t.ok(performance.now() - listAt < 2_000)
})
