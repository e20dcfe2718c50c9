import t from 'tap'
import { nextAttempt } from '../../../proxy/filter/attempt.ts'
import { SWEEP_MS } from '../../../proxy/filter/observe-metrics.ts'
import { EMPTY_BODY } from '../../../proxy/http/body.ts'
import { SERIES_IDLE_MS } from '../../../proxy/telemetry/series.ts'
import { inForce, ORDERS, over, rowsOf, setup } from './metrics-setup.ts'
import { Call, routed, routeTo } from './setup.ts'

t.test('a combination that was met before is not looked up by its labels again', async t => {
  const { metrics, series } = setup()
  const all = [over(), over({ method: 'POST' }), over({ status: 503, flags: ['UO'] }), over({ cluster: null, route: null, status: 404 })]
  for (const exchange of all) metrics.done(exchange)
  const tables = [series.requests, series.durations, series.destinations]
  const before = tables.map(({ lookups }) => lookups)
  for (let n = 0; n < 100; n++) for (const exchange of all) metrics.done(exchange)
  t.strictSame(
    tables.map(({ lookups }) => lookups),
    before,
  )
  t.equal(
    Object.values(rowsOf(series.requests)).reduce((sum, [count = 0]) => sum + count, 0),
    404,
  )
})

t.test('a route that was made anew goes on in the same series', async t => {
  const { metrics, series } = setup()
  metrics.done(over())
  metrics.done(over({ route: { ...ORDERS, retry: null } }))
  t.strictSame(Object.values(rowsOf(series.requests)), [[2, 0, 0]])
})

t.test('what there is no room for is `_overflow`, counted once for each combination', async t => {
  // One destination's states (16), its durations of one class (20), and one combination (3).
  const { counters, metrics, series } = setup(39)
  metrics.done(over())
  t.equal(series.limit.taken, 39)
  t.equal(counters.get('metric_series_overflow'), 0)
  for (let n = 0; n < 3; n++) metrics.done(over({ method: 'POST', status: 404, bytes: [1, 2] }))
  t.equal(counters.get('metric_series_overflow'), 2, 'of requests, and of durations')
  t.strictSame(rowsOf(series.requests), {
    'outbound default/web default/orders default/orders/1 GET 200 -': [1, 0, 0],
    'outbound default/web _overflow _overflow _overflow _overflow _overflow': [3, 3, 6],
  })
  t.equal(rowsOf(series.durations)['outbound default/web _overflow _overflow']?.[18], 3_000)
  metrics.done(over({ cluster: 'default/other:80', route: null }))
  t.strictSame(rowsOf(series.destinations), { 'outbound default/orders': [4] }, 'states of the other are not shown')
  t.equal(series.limit.taken, 39)
})

t.test('series that are idle for 30 minutes make room, and the numbers of others stay right', async t => {
  const { clock, metrics, series } = setup(39 + 3)
  const busy = over({ method: 'PUT' })
  const idle = over()
  metrics.done(idle)
  metrics.done(busy)
  metrics.done(over({ method: 'POST' }))
  t.ok(Object.keys(rowsOf(series.requests)).some(labels => labels.includes('_overflow')))
  for (let passed = 0; passed <= SERIES_IDLE_MS + SWEEP_MS; passed += SWEEP_MS) {
    metrics.done(busy)
    clock.pass(SWEEP_MS)
  }
  t.notOk(Object.keys(rowsOf(series.requests)).some(labels => labels.includes(' GET ')))
  metrics.done(over({ method: 'POST' }))
  const before = rowsOf(series.requests)
  t.strictSame(before['outbound default/web default/orders default/orders/1 POST 200 -'], [1, 0, 0], 'there is room again')
  metrics.done(idle)
  const after = rowsOf(series.requests)
  t.strictSame(after['outbound default/web default/orders default/orders/1 POST 200 -'], [1, 0, 0], 'a row that was given on')
  t.equal(after['outbound default/web _overflow _overflow _overflow _overflow _overflow']?.[0], 2)
})

t.test('series of removed routes go once they have been shown', async t => {
  const { metrics, series } = setup()
  const other = { ...routeTo('default/orders:80'), name: 'default/orders/2' }
  const retried = routed(new Call(), other, 'outbound', 'default/orders:80')
  nextAttempt(retried.exchange, retried.attempt.head, EMPTY_BODY, false)
  metrics.configured(inForce(ORDERS, other))
  metrics.done(over())
  metrics.done(retried.exchange)
  metrics.done(over({ cluster: null, route: null, status: 404 }))
  metrics.shown()
  t.equal(series.requests.size, 3)
  metrics.configured(inForce(ORDERS))
  t.equal(series.requests.size, 3, 'what was counted since the last scrape is shown yet')
  metrics.shown()
  t.strictSame(Object.keys(rowsOf(series.requests)), [
    'outbound default/web default/orders default/orders/1 GET 200 -',
    'outbound default/web unknown  GET 404 -',
  ])
  t.equal(series.retries.size, 0)
  metrics.done(over({ method: 'PUT' }))
  metrics.done(over())
  t.strictSame(Object.values(rowsOf(series.requests)), [
    [2, 0, 0],
    [1, 0, 0],
    [1, 0, 0],
  ])
})

t.test('routes are walked by a scrape after a new configuration, and by no other', async t => {
  const { metrics } = setup()
  let walks = 0
  const asked = {
    ...inForce(),
    routes: () => {
      walks++
      return [ORDERS]
    },
  }
  metrics.configured(asked)
  metrics.configured(asked)
  t.equal(walks, 0)
  metrics.shown()
  metrics.shown()
  t.equal(walks, 1)
})

t.test('not more than 10,000 combinations are remembered', async t => {
  const { metrics, series } = setup(39)
  const first = over()
  metrics.done(first)
  for (let n = 0; n < 5_000; n++) metrics.done(over({ cluster: `default/s${n}:80` }))
  const { lookups } = series.requests
  metrics.done(first)
  t.equal(series.requests.lookups, lookups + 1, 'it was forgotten, and is met again')
  t.strictSame(rowsOf(series.requests)['outbound default/web default/orders default/orders/1 GET 200 -'], [2, 0, 0])
})
