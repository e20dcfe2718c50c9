import t from 'tap'
import { MeshError } from '../../../proxy/errors.ts'
import { nextAttempt } from '../../../proxy/filter/attempt.ts'
import { EMPTY_BODY } from '../../../proxy/http/body.ts'
import { ORDERS, over, rowsOf, setup } from './metrics-setup.ts'
import { Call, failure, requestHead, routed, routeTo } from './setup.ts'

t.test('a request is counted with all its labels, and its octets with it', async t => {
  const { metrics, series } = setup()
  metrics.done(over({ method: 'POST', status: 503, flags: ['URX', 'UF'], bytes: [10, 200] }))
  metrics.done(over({ method: 'POST', status: 503, flags: ['UF', 'URX'], bytes: [1, 2] }))
  metrics.done(over())
  t.strictSame(rowsOf(series.requests), {
    'outbound default/web default/orders default/orders/1 POST 503 UF,URX': [2, 11, 202],
    'outbound default/web default/orders default/orders/1 GET 200 -': [1, 0, 0],
  })
  t.strictSame(Object.keys(rowsOf(series.durations)), [
    'outbound default/web default/orders 5xx',
    'outbound default/web default/orders 2xx',
  ])
  t.strictSame(rowsOf(series.destinations), { 'outbound default/orders': [3] })
})

t.test('inbound is to the own service, from nobody knows whom', async t => {
  const { metrics, series } = setup()
  metrics.done(over({ direction: 'inbound', cluster: 'app', route: { ...routeTo('app'), name: 'inbound' } }))
  t.strictSame(Object.keys(rowsOf(series.requests)), ['inbound unknown default/web inbound GET 200 -'])
})

t.test('methods that nobody knows are `_other`, hosts outside the mesh `_passthrough`', async t => {
  const { metrics, series } = setup()
  const outside = { cluster: 'passthrough', route: { ...routeTo('passthrough'), name: 'passthrough' } }
  for (const method of ['BREW', 'get', 'PROPFIND', 'PATCH']) metrics.done(over({ method, ...outside }))
  t.strictSame(rowsOf(series.requests), {
    'outbound default/web _passthrough passthrough _other 200 -': [3, 0, 0],
    'outbound default/web _passthrough passthrough PATCH 200 -': [1, 0, 0],
  })
})

t.test('what found no route has none, and what was never answered has status 0', async t => {
  const { metrics, series } = setup()
  metrics.done(over({ cluster: null, route: null, status: 404, flags: ['NR'] }))
  metrics.done(over({ cluster: null, status: 500, flags: ['NC'] }))
  metrics.done(over({ status: 0, flags: ['DC'] }))
  t.strictSame(Object.keys(rowsOf(series.requests)), [
    'outbound default/web unknown  GET 404 NR',
    'outbound default/web unknown default/orders/1 GET 500 NC',
    'outbound default/web default/orders default/orders/1 GET 0 DC',
  ])
  t.strictSame(Object.keys(rowsOf(series.durations)).at(-1), 'outbound default/web default/orders none')
})

t.test('backends of one route are destinations of their own, and ports of one service are one', async t => {
  const { metrics, series } = setup()
  for (const cluster of ['default/orders-v1:80', 'default/orders-v2:80', 'default/orders-v2:8080']) metrics.done(over({ cluster }))
  t.strictSame(rowsOf(series.destinations), { 'outbound default/orders-v1': [1], 'outbound default/orders-v2': [2] })
})

t.test('what was refused before it was routed counts too', async t => {
  const { metrics, series } = setup()
  const peer = { address: '10.0.0.9', port: 4_000, identity: null }
  metrics.refused({ direction: 'outbound', peer, error: failure('DOWNSTREAM_PROTOCOL'), head: null })
  metrics.refused({ direction: 'inbound', peer, error: failure('DOWNSTREAM_TARGET_TOO_LONG'), head: requestHead({ method: 'PUT' }) })
  metrics.refused({ direction: 'inbound', peer, error: failure('DOWNSTREAM_SLOW_HEAD'), head: null })
  t.strictSame(rowsOf(series.requests), {
    'outbound default/web unknown  _other 400 DPE': [1, 0, 0],
    'inbound unknown default/web  PUT 414 DPE': [1, 0, 0],
    'inbound unknown default/web  _other 408 DPE': [1, 0, 0],
  })
  t.strictSame(rowsOf(series.timeouts), { 'inbound unknown default/web  head': [1] })
})

t.test('durations fall into the bucket that holds them, with their sum', async t => {
  const { clock, metrics, series } = setup()
  for (const ms of [0.25, 0.5, 0.75, 4, 10_000, 10_001]) {
    clock.ms = ms
    metrics.done(over())
  }
  const [row = []] = Object.values(rowsOf(series.durations))
  t.strictSame([row[0], row[1], row[3], row[16], row[17]], [2, 1, 1, 1, 1])
  t.equal(
    row.slice(0, 18).reduce((sum, each) => sum + each, 0),
    6,
  )
  t.equal(row[18], 0.25 + 0.5 + 0.75 + 4 + 10_000 + 10_001)
})

t.test('tunnels are counted, but how long they lasted says nothing about how fast anybody was', async t => {
  const { metrics, series } = setup()
  metrics.done(over({ method: 'CONNECT', bytes: [5, 6] }))
  metrics.done(over({ status: 101 }))
  t.equal(series.requests.size, 2)
  t.equal(series.durations.size, 0)
  metrics.done(over({ method: 'CONNECT', status: 404 }))
  t.equal(series.durations.size, 1, 'a refusal is none')
})

t.test('retries and timeouts are counted by route', async t => {
  const { metrics, series } = setup()
  const { exchange, attempt } = routed(new Call(), ORDERS, 'outbound', 'default/orders:80')
  attempt.error = failure('PER_TRY_TIMEOUT')
  for (const code of ['UPSTREAM_CONNECT_TIMEOUT', 'PER_TRY_TIMEOUT', 'UPSTREAM_RESET'] as const)
    nextAttempt(exchange, attempt.head, EMPTY_BODY, false).error = failure(code)
  exchange.error = failure('REQUEST_TIMEOUT')
  exchange.status = 504
  metrics.done(exchange)
  const common = 'outbound default/web default/orders default/orders/1'
  t.strictSame(rowsOf(series.retries), { [common]: [3] })
  t.strictSame(rowsOf(series.timeouts), { [`${common} try`]: [2], [`${common} connect`]: [1], [`${common} request`]: [1] })
})

t.test('an idle timeout, and an app that could not be reached in time, on one try', async t => {
  const { metrics, series } = setup()
  const idle = routed(new Call(), ORDERS, 'outbound', 'default/orders:80').exchange
  idle.error = failure('IDLE_TIMEOUT')
  metrics.done(idle)
  const { exchange, attempt } = routed(new Call(), { ...routeTo('app'), name: 'inbound' }, 'inbound', 'app')
  exchange.error = attempt.error = new MeshError('APP_UNAVAILABLE', 'away', { cause: failure('UPSTREAM_CONNECT_TIMEOUT') })
  metrics.done(exchange)
  t.strictSame(Object.keys(rowsOf(series.timeouts)), [
    'outbound default/web default/orders default/orders/1 idle',
    'inbound unknown default/web inbound connect',
  ])
  t.equal(series.retries.size, 0)
})
