import t from 'tap'
import { DEADLINE } from '../../../proxy/filter/deadline.ts'
import { TUNNEL_IDLE_MS, timeout } from '../../../proxy/filter/timeout.ts'
import type { Timeouts } from '../../../proxy/route/route.ts'
import { Counters } from '../../../proxy/util/counters.ts'
import { Collector, HandBody } from '../http/hand-body.ts'
import { Call, failure, requestHead, response, routed, routeTo, run, Time, Upstream } from './setup.ts'

interface Options {
  timeouts?: Partial<Timeouts>
  body?: HandBody
  method?: string
  upgrade?: string
  direction?: 'inbound' | 'outbound'
  deadline?: string
}

function setUp(options: Options = {}) {
  const time = new Time()
  const upstream = new Upstream()
  const fields = options.deadline === undefined ? [] : [[DEADLINE, options.deadline] as const]
  const call = new Call(requestHead({ method: options.method ?? 'GET', upgrade: options.upgrade ?? null }, fields), options.body)
  const { exchange, attempt } = routed(call, routeTo('orders', {}, options.timeouts), options.direction)
  const counters = new Counters()
  const result = run(timeout(time.wheel, counters), upstream.handler, exchange, attempt)
  return { time, upstream, call, exchange, attempt, result, counters }
}

t.test('without a document there is no request timeout, and idle is 5 min', async t => {
  const { time, result, counters } = setUp()
  await time.pass(299_000)
  t.equal(result.error, null)
  await time.pass(3_000)
  t.match(result.error, { code: 'IDLE_TIMEOUT' })
  t.equal(counters.get('idle_timeouts'), 1)
  t.equal(time.wheel.size, 0)
})

t.test('the request timeout of a request without a body runs from its head', async t => {
  const { time, result, attempt, counters } = setUp({ timeouts: { requestMs: 1000 } })
  await time.pass(990)
  t.equal(result.error, null)
  await time.pass(15)
  t.match(result.error, { code: 'REQUEST_TIMEOUT' })
  t.equal(counters.get('request_timeouts'), 1)
  t.match(attempt.cancelled.reason, { code: 'REQUEST_TIMEOUT' })
})

t.test("the request timeout runs from the request's last octet", async t => {
  const body = new HandBody()
  const { time, result, upstream } = setUp({ timeouts: { requestMs: 1000 }, body, method: 'POST' })
  upstream.asked[0]?.attempt.body.pipe(new Collector())
  for (let i = 0; i < 5; i++) {
    await time.pass(900)
    body.send('x')
  }
  body.end()
  await time.pass(980)
  t.equal(result.error, null)
  await time.pass(40)
  t.match(result.error, { code: 'REQUEST_TIMEOUT' })
})

t.test("the request timeout runs to the response's last octet: after the head it breaks the response off", async t => {
  const { time, result, upstream } = setUp({ timeouts: { requestMs: 1000 } })
  const body = new HandBody()
  await time.pass(500)
  await upstream.answer(0, response(200, body))
  const sink = new Collector()
  result.response?.body.pipe(sink)
  body.send('some')
  await time.pass(400)
  t.equal(sink.error, null)
  await time.pass(120)
  t.match(sink.error, { code: 'REQUEST_TIMEOUT' })
  t.match(body.cancelled, { code: 'REQUEST_TIMEOUT' })
})

t.test('a response that ends in time is left alone, and no timer stays', async t => {
  for (const body of [new HandBody(), new HandBody(0)]) {
    const { time, result, upstream } = setUp({ timeouts: { requestMs: 1000 } })
    await upstream.answer(0, response(200, body))
    const sink = new Collector()
    result.response?.body.pipe(sink)
    body.send('all')
    body.end()
    t.equal(time.wheel.size, 0)
    t.ok(sink.isEnded)
  }
})

t.test('a failure leaves no timer', async t => {
  const { time, upstream } = setUp({ timeouts: { requestMs: 1000 } })
  await upstream.answer(0, failure('UPSTREAM_RESET'))
  t.equal(time.wheel.size, 0)
})

t.test('octets in either direction reset the idle timeout', async t => {
  const [request, answer] = [new HandBody(), new HandBody()]
  const { time, result, upstream } = setUp({ timeouts: { idleMs: 1000 }, body: request, method: 'POST' })
  upstream.asked[0]?.attempt.body.pipe(new Collector())
  await upstream.answer(0, response(200, answer))
  const sink = new Collector()
  result.response?.body.pipe(sink)
  for (let i = 0; i < 4; i++) {
    await time.pass(800)
    ;(i % 2 === 0 ? request : answer).send('x')
  }
  await time.pass(900)
  t.equal(sink.error, null)
  await time.pass(150)
  t.match(sink.error, { code: 'IDLE_TIMEOUT' })
})

t.test('a stalled upload is caught by idle, not by the request timeout', async t => {
  const body = new HandBody()
  const { time, result, upstream } = setUp({ timeouts: { requestMs: 100, idleMs: 1000 }, body, method: 'POST' })
  upstream.asked[0]?.attempt.body.pipe(new Collector())
  body.send('x')
  await time.pass(950)
  t.equal(result.error, null)
  await time.pass(80)
  t.match(result.error, { code: 'IDLE_TIMEOUT' })
})

t.test('inbound has idle only', async t => {
  const { time, result } = setUp({ direction: 'inbound', timeouts: { requestMs: 100, idleMs: 1000 } })
  await time.pass(900)
  t.equal(result.error, null)
  await time.pass(120)
  t.match(result.error, { code: 'IDLE_TIMEOUT' })
})

t.test('a tunnel has no request timeout and an idle timeout of 1 h', async t => {
  t.equal(TUNNEL_IDLE_MS, 3_600_000)
  for (const options of [{ upgrade: 'websocket' }, { method: 'CONNECT' }]) {
    const tunnel = new HandBody()
    const { time, result, upstream } = setUp({ ...options, body: new HandBody(), timeouts: { requestMs: 1000, idleMs: 1000 } })
    await upstream.answer(0, response(options.method === 'CONNECT' ? 200 : 101, tunnel))
    const sink = new Collector()
    result.response?.body.pipe(sink)
    await time.pass(TUNNEL_IDLE_MS - 60_000)
    t.equal(sink.error, null)
    tunnel.send('ping')
    await time.pass(TUNNEL_IDLE_MS - 60_000)
    t.equal(sink.error, null)
    await time.pass(90_000)
    t.match(sink.error, { code: 'IDLE_TIMEOUT' })
  }
})

t.test('a tunnel that is closed in one direction is still watched in the other', async t => {
  const [upload, tunnel] = [new HandBody(), new HandBody()]
  const { time, result, upstream, attempt } = setUp({ upgrade: 'websocket', body: upload })
  upstream.asked[0]?.attempt.body.pipe(new Collector())
  await upstream.answer(0, response(101, tunnel))
  result.response?.body.pipe(new Collector())
  tunnel.end()
  t.equal(time.wheel.size, 1)
  await time.pass(TUNNEL_IDLE_MS + 100)
  t.match(attempt.cancelled.reason, { code: 'IDLE_TIMEOUT' })
  t.equal(time.wheel.size, 0)
})

t.test('a tunnel that has ended in both directions leaves no timer', async t => {
  const [upload, tunnel] = [new HandBody(), new HandBody()]
  const { time, result, upstream } = setUp({ upgrade: 'websocket', body: upload })
  upstream.asked[0]?.attempt.body.pipe(new Collector())
  await upstream.answer(0, response(101, tunnel))
  result.response?.body.pipe(new Collector())
  tunnel.end()
  upload.end()
  t.equal(time.wheel.size, 0)
})

t.test('before the tunnel stands the request timeout runs from the head, though a body follows', async t => {
  const { time, result } = setUp({ upgrade: 'websocket', body: new HandBody(), timeouts: { requestMs: 1000 } })
  await time.pass(1010)
  t.match(result.error, { code: 'REQUEST_TIMEOUT' })
})

t.test('0s switches a timeout off: with none set nothing is watched', async t => {
  const { time } = setUp({ timeouts: { requestMs: null, idleMs: null } })
  t.equal(time.wheel.size, 0)
})

t.test("a caller's deadline shortens the request timeout, holds where there is none, and never lengthens one", async t => {
  const cases = [
    { requestMs: 1000, deadline: '400', dueMs: 400 },
    { requestMs: null, deadline: '400', dueMs: 400 },
    { requestMs: 300, deadline: '400', dueMs: 300 },
  ]
  for (const { requestMs, deadline, dueMs } of cases) {
    const { time, result, counters } = setUp({ timeouts: { requestMs }, deadline })
    await time.pass(dueMs - 15)
    t.equal(result.error, null)
    await time.pass(30)
    t.match(result.error, { code: 'REQUEST_TIMEOUT' })
    t.equal(counters.get('request_timeouts'), 1)
    t.equal(time.wheel.size, 0)
  }
})

t.test('a deadline is a moment: an upload does not put it off', async t => {
  const body = new HandBody()
  const { time, result, upstream } = setUp({ timeouts: { requestMs: 1000 }, deadline: '500', body, method: 'POST' })
  upstream.asked[0]?.attempt.body.pipe(new Collector())
  await time.pass(300)
  body.send('x')
  await time.pass(180)
  t.equal(result.error, null)
  await time.pass(40)
  t.match(result.error, { code: 'REQUEST_TIMEOUT', message: /caller's deadline/ })
})

t.test('a deadline that is past is answered at once, and nothing is sent', async t => {
  const upstream = new Upstream()
  const { exchange, attempt } = routed(new Call(requestHead({}, [[DEADLINE, '0']])), routeTo('orders'))
  const counters = new Counters()
  const handler = timeout(new Time().wheel, counters)(upstream.handler)
  t.throws(() => handler(exchange, attempt), { code: 'REQUEST_TIMEOUT' })
  t.equal(upstream.asked.length, 0)
  t.equal(counters.get('request_timeouts'), 1)
})

t.test('what is no deadline is ignored', async t => {
  for (const deadline of ['', '-1', '1.5', '1e3', '1000000000', ' 1', 'soon', '10, 20']) {
    const { exchange, time } = setUp({ deadline })
    t.equal(exchange.limit, null, deadline)
    t.equal(time.wheel.size, 1, 'only idle is watched')
  }
})

t.test('inbound passes a deadline on and is not held to it', async t => {
  const { time, result, upstream, exchange } = setUp({ direction: 'inbound', deadline: '100', timeouts: { requestMs: 100 } })
  await time.pass(500)
  t.equal(result.error, null)
  t.equal(exchange.limit, null)
  t.equal(upstream.asked[0]?.attempt.head.headers.get(DEADLINE), '100')
})

t.test('in a tunnel neither the request timeout nor a deadline holds, also after one direction has ended', async t => {
  const [upload, tunnel] = [new HandBody(), new HandBody()]
  const { time, result, upstream } = setUp({ upgrade: 'websocket', body: upload, timeouts: { requestMs: 1000 }, deadline: '500' })
  upstream.asked[0]?.attempt.body.pipe(new Collector())
  await upstream.answer(0, response(101, tunnel))
  const sink = new Collector()
  result.response?.body.pipe(sink)
  upload.end()
  await time.pass(2_000)
  t.equal(sink.error, null)
})
