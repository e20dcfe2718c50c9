import t from 'tap'
import { calledService, cut, Failures, MAX_FAILURE_BYTES, MAX_FAILURES, MAX_TEXT_CHARACTERS } from '../../../proxy/telemetry/failures.ts'
import { failureRecord, inboundRecord } from './make-failure.ts'

const ALL = { id: null, last: MAX_FAILURES, service: null, namespace: null }

t.test('the last thousand are kept, and the oldest is forgotten', async t => {
  const failures = new Failures()
  for (let i = 0; i <= MAX_FAILURES; i++) failures.add(failureRecord({ request_id: `id-${i}` }))
  t.equal(failures.count, MAX_FAILURES)
  t.ok(failures.bytes < MAX_FAILURE_BYTES, 'of usual length they all fit')
  const ids = failures.find(ALL).map(each => each.request_id)
  t.equal(ids[0], 'id-1', 'oldest first')
  t.equal(ids.at(-1), `id-${MAX_FAILURES}`)
  t.same(failures.find({ ...ALL, id: 'id-0' }), [])
  t.equal(failures.find({ ...ALL, id: 'id-1' }).length, 1)
})

t.test('long ones are kept as long as their octets fit', async t => {
  const failures = new Failures()
  const path = `/${'x'.repeat(MAX_TEXT_CHARACTERS - 1)}`
  for (let i = 0; i < MAX_FAILURES; i++)
    failures.add(failureRecord({ path, details: path, user_agent: path, authority: path, request_id: `id-${i}` }))
  t.ok(failures.bytes <= MAX_FAILURE_BYTES && failures.bytes > MAX_FAILURE_BYTES - 10_000)
  t.ok(failures.count < 500)
  t.equal(failures.find(ALL).at(-1)?.request_id, `id-${MAX_FAILURES - 1}`, 'the latest is there')
  t.equal(failures.find(ALL).length, failures.count)
})

t.test('one that is larger than all the room is kept alone', async t => {
  const failures = new Failures(10, 1_000)
  failures.add(failureRecord())
  failures.add(failureRecord({ request_id: 'big', path: 'x'.repeat(5_000) }))
  t.same(
    failures.find(ALL).map(each => each.request_id),
    ['big'],
  )
})

t.test('they are found by request id, by trace id, and by who called or was called', async t => {
  const failures = new Failures()
  const trace = 'a'.repeat(32)
  failures.add(failureRecord({ request_id: 'one', trace_id: trace }))
  failures.add(inboundRecord({ request_id: 'two' }))
  failures.add(failureRecord({ request_id: 'three', cluster: null, authority: 'Prices.shop:80' }))
  const find = (query: Partial<typeof ALL> | object) => failures.find({ ...ALL, ...query }).map(each => each.request_id)
  t.same(find({ id: 'two' }), ['two'])
  t.same(find({ id: trace }), ['one'])
  t.same(find({ service: 'orders' }), ['one', 'two'])
  t.same(find({ service: 'web' }), ['one', 'three'])
  t.same(find({ service: 'prices', namespace: 'shop' }), ['three'], 'by the name in its authority where there was no cluster')
  t.same(find({ service: 'prices', namespace: 'default' }), [])
  t.same(find({ namespace: 'shop' }), ['three'])
  t.same(find({ last: 2 }), ['two', 'three'], 'the latest')
})

t.test('a request that a sidecar saw twice counts once, and is told whole', async t => {
  const failures = new Failures()
  failures.add(failureRecord({ request_id: 'old' }))
  failures.add(failureRecord({ request_id: 'one', cluster: 'default/prices:80' }))
  failures.add(failureRecord({ request_id: 'two' }))
  failures.add(inboundRecord({ request_id: 'one' }))
  failures.add(failureRecord({ request_id: null }))
  const last = (count: number) => failures.find({ ...ALL, last: count }).map(each => each.request_id)
  t.same(last(1), [null])
  t.same(last(2), ['one', 'one', null])
  t.same(last(3), ['one', 'two', 'one', null])
})

t.test('the service that was called is that of the cluster, else the one that the authority names', async t => {
  t.same(calledService(failureRecord({ cluster: 'shop/orders-v2:8080' })), { service: 'orders-v2', namespace: 'shop' })
  t.same(calledService(failureRecord({ cluster: null, authority: 'orders:80' })), { service: 'orders', namespace: 'default' })
  t.equal(calledService(failureRecord({ cluster: 'passthrough', authority: 'api.example.com' })), null, 'a host outside the mesh')
  t.equal(calledService(failureRecord({ cluster: null, authority: '' })), null)
  t.equal(calledService(inboundRecord())?.service, 'orders')
})

t.test('a text is cut at its limit, in memory of its own', async t => {
  const fits = 'x'.repeat(MAX_TEXT_CHARACTERS)
  t.equal(cut(fits), fits)
  const long = cut(`${fits}x`)
  t.equal(long.length, MAX_TEXT_CHARACTERS)
  t.ok(long.endsWith('x...'))
})
