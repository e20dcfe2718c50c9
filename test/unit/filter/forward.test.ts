import t from 'tap'
import { MeshError } from '../../../proxy/errors.ts'
import { type ForwardOptions, forward } from '../../../proxy/filter/forward.ts'
import { BufferBody } from '../../../proxy/http/body.ts'
import type { Timeouts } from '../../../proxy/route/route.ts'
import { Counters } from '../../../proxy/util/counters.ts'
import { Collector, HandBody } from '../http/hand-body.ts'
import { Call, failure, hostAt, requestHead, response, routed, routeTo, run, settled, Time, Upstream } from './setup.ts'

interface Options {
  call?: Call
  timeouts?: Partial<Timeouts>
  direction?: 'inbound' | 'outbound'
  cluster?: string
  upstream?: Upstream
  openTunnel?: ForwardOptions['openTunnel']
}

function setUp(options: Options = {}) {
  const time = new Time()
  const upstream = options.upstream ?? new Upstream()
  const counters = new Counters()
  const call = options.call ?? new Call()
  const { exchange, attempt } = routed(call, routeTo('orders', {}, options.timeouts), options.direction, options.cluster)
  const handler = forward({
    clusters: upstream,
    timers: time.wheel,
    counters,
    openTunnel: options.openTunnel ?? null,
    isOwnListener: (_address, port) => port === 15001,
  })
  const result = run(next => next, handler, exchange, attempt)
  return { time, upstream, counters, call, exchange, attempt, result }
}

t.test('a try goes to a host of its cluster, over a connection of its pool', async t => {
  const { upstream, attempt, result } = setUp()
  await upstream.answer(0, response(204))
  t.equal(result.response?.head.status, 204)
  t.equal(attempt.host, upstream.hosts[0])
  t.equal(attempt.status, 204)
  t.equal(upstream.requests, 0, 'left at once: there is no body')
  t.same(
    upstream.acquired.map(({ fresh }) => fresh),
    [false],
  )
})

t.test('the cluster is left when the response has ended, failed or was cancelled', async t => {
  const endings: ((body: HandBody, cancel: () => void) => void)[] = [
    body => body.end(),
    body => body.fail(failure('UPSTREAM_RESET')),
    (_, cancel) => cancel(),
  ]
  for (const ending of endings) {
    const { upstream, result } = setUp()
    const body = new HandBody()
    await upstream.answer(0, response(200, body))
    result.response?.body.pipe(new Collector())
    t.equal(upstream.requests, 1)
    ending(body, () => result.response?.body.cancel(failure('DOWNSTREAM_CLOSED')))
    t.equal(upstream.requests, 0)
  }
})

t.test('a response that is whole already leaves the cluster at once', async t => {
  const { upstream, result } = setUp()
  const body = new BufferBody(Buffer.from('all'))
  await upstream.answer(0, response(200, body))
  t.equal(upstream.requests, 0)
  t.equal(result.response?.body, body)
})

t.test('a cluster that does not exist is NO_CLUSTER', async t => {
  const { result } = setUp({ cluster: 'none' })
  await settled()
  t.match(result.error, { code: 'NO_CLUSTER' })
})

t.test('over maxRequests it is UO at once', async t => {
  const upstream = new Upstream()
  upstream.maxRequests = 0
  const { result } = setUp({ upstream })
  await settled()
  t.match(result.error, { code: 'UPSTREAM_OVERFLOW' })
  t.equal(upstream.requests, 0)
})

t.test('no host that can serve is UH, with the state of each endpoint for the log', async t => {
  const upstream = new Upstream()
  upstream.hosts = []
  const { result } = setUp({ upstream })
  await settled()
  t.match(result.error, { code: 'NO_HEALTHY_UPSTREAM', message: 'orders: no endpoint' })
  t.equal(upstream.requests, 0)
})

t.test('a retry avoids the hosts that were tried', async t => {
  const { upstream, exchange, attempt } = setUp()
  await settled()
  exchange.attempts.push({
    ...attempt,
    number: 2,
    head: attempt.head,
    cancelled: attempt.cancelled,
    host: null,
    connection: null,
    error: null,
    informational() {},
  })
  const second = exchange.attempts[1] as typeof attempt
  const handler = forward({
    clusters: upstream,
    timers: new Time().wheel,
    counters: new Counters(),
    openTunnel: null,
    isOwnListener: () => false,
  })
  void handler(exchange, second)
  await settled()
  t.same(upstream.tried, [[], [upstream.hosts[0]]])
  t.equal(second.host, upstream.hosts[1])
})

t.test('a failure to send leaves the cluster and is noted on the try', async t => {
  const { upstream, attempt, result } = setUp()
  await upstream.answer(0, failure('UPSTREAM_RESET'))
  t.match(result.error, { code: 'UPSTREAM_RESET' })
  t.match(attempt.error, { code: 'UPSTREAM_RESET' })
  t.equal(upstream.requests, 0)
})

t.test('perTryTimeout runs from the start of the try, with its wait for a connection, to the response head', async t => {
  const { upstream, time, result, attempt, counters } = setUp({ timeouts: { perTryMs: 1000 } })
  await time.pass(980)
  t.equal(result.error, null)
  await time.pass(40)
  t.match(result.error, { code: 'PER_TRY_TIMEOUT' })
  t.match(attempt.error, { code: 'PER_TRY_TIMEOUT' })
  t.equal(counters.get('try_timeouts'), 1)
  t.equal(upstream.requests, 0)
  const waiting = new Upstream()
  waiting.acquisitions = [() => new Promise((_, reject) => waiting.acquired[0]?.cancelled.on(reject))]
  const second = setUp({ upstream: waiting, timeouts: { perTryMs: 1000 } })
  await second.time.pass(1010)
  t.match(second.result.error, { code: 'PER_TRY_TIMEOUT' })
})

t.test('inbound has no perTryTimeout', async t => {
  const { time, result } = setUp({ direction: 'inbound', timeouts: { perTryMs: 1000 } })
  await time.pass(5000)
  t.equal(result.error, null)
})

t.test('perTryTimeout runs from the last octet of a body that is streamed', async t => {
  const body = new HandBody()
  const { upstream, time, result } = setUp({ call: new Call(requestHead({ method: 'POST' }), body), timeouts: { perTryMs: 1000 } })
  await settled()
  upstream.asked[0]?.attempt.body.pipe(new Collector())
  await time.pass(5000)
  t.equal(result.error, null)
  body.end()
  await time.pass(980)
  t.equal(result.error, null)
  await time.pass(40)
  t.match(result.error, { code: 'PER_TRY_TIMEOUT' })
})

t.test('after the response head perTryTimeout no longer holds', async t => {
  const { upstream, time, result } = setUp({ timeouts: { perTryMs: 1000 } })
  const body = new HandBody()
  await upstream.answer(0, response(200, body))
  const sink = new Collector()
  result.response?.body.pipe(sink)
  await time.pass(5000)
  body.end()
  t.ok(sink.isEnded)
  t.equal(time.wheel.size, 0)
})

t.test('a name that is being resolved does not outlast the request', async t => {
  const upstream = new Upstream()
  upstream.picks = [new Promise(() => {})]
  const { call, result } = setUp({ upstream })
  await settled()
  call.cancelled.cancel(failure('DOWNSTREAM_CLOSED'))
  await settled()
  t.match(result.error, { code: 'DOWNSTREAM_CLOSED' })
  t.equal(upstream.requests, 0)
})

t.test('an app that refuses, stays silent or is not there makes inbound answer with the receipt', async t => {
  for (const code of ['UPSTREAM_CONNECT_REFUSED', 'UPSTREAM_CONNECT_TIMEOUT'] as const) {
    const upstream = new Upstream()
    upstream.acquisitions = [() => Promise.reject(failure(code))]
    const { result } = setUp({ upstream, direction: 'inbound' })
    await settled()
    t.match(result.error, { code: 'APP_UNAVAILABLE' })
  }
  const { upstream, result } = setUp({ direction: 'inbound' })
  await upstream.answer(0, failure('UPSTREAM_RESET'))
  t.match(result.error, { code: 'UPSTREAM_RESET' }, 'what the app may have seen is no receipt')
})

t.test('an app that passes on the receipt of another service makes no promise for itself', async t => {
  const { upstream, result } = setUp({ direction: 'inbound' })
  await upstream.answer(0, response(503, new HandBody(0), [['proxy-status', 'outrider; error=x; details="DRAINING"']]))
  t.notOk(result.response?.head.headers.has('proxy-status'))
})

t.test("an answer of 5xx that a sidecar made is noted with its code; one that the app passed on, or made, is the app's", async t => {
  const ours = 'outrider; error=x; details="APP_UNAVAILABLE"'
  for (const [status, field, direction, code, passes] of [
    [503, ours, 'outbound', 'APP_UNAVAILABLE', true],
    [500, ours, 'inbound', null, false],
    [502, 'nginx; error=dns_error', 'inbound', null, true],
    [404, ours, 'outbound', null, true],
  ] as const) {
    const { upstream, attempt, result } = setUp({ direction })
    await upstream.answer(0, response(status, new HandBody(0), [['proxy-status', field]]))
    t.equal(attempt.peerCode, code, `${status} ${direction}`)
    t.equal(result.response?.head.headers.has('proxy-status'), passes, `${status} ${direction}`)
  }
})

t.test('CONNECT opens a raw tunnel to a host, counted until the exchange is done', async t => {
  const call = new Call(requestHead({ method: 'CONNECT', authority: 'example.org:443', path: null }), new HandBody())
  const { upstream, attempt, result } = setUp({ call, openTunnel: async () => response(200, new HandBody()) })
  await settled()
  t.equal(result.response?.head.status, 200)
  t.equal(attempt.host?.active, 1)
  t.equal(upstream.requests, 1)
  call.finished?.(null)
  t.equal(attempt.host?.active, 0)
  t.equal(upstream.requests, 0)
})

t.test('a tunnel that cannot be opened fails with its code', async t => {
  const call = new Call(requestHead({ method: 'CONNECT', path: null }), new HandBody())
  const { upstream, attempt, result } = setUp({ call, openTunnel: () => Promise.reject(failure('UPSTREAM_CONNECT_REFUSED')) })
  await settled()
  t.match(result.error, { code: 'UPSTREAM_CONNECT_REFUSED' })
  t.equal(attempt.host?.active, 0)
  t.equal(upstream.requests, 0)
})

t.test('a tunnel to one of our own listeners is a loop', async t => {
  const upstream = new Upstream()
  upstream.hosts = [hostAt(15001)]
  const call = new Call(requestHead({ method: 'CONNECT', path: null }), new HandBody())
  const { counters, attempt, result } = setUp({ upstream, call, openTunnel: () => Promise.reject(new MeshError('INTERNAL', 'dialled')) })
  await settled()
  t.match(result.error, { code: 'LOOP' })
  t.equal(counters.get('loop_refused'), 1)
  t.equal(attempt.host?.active, 0)
})

t.test('where tunnels are not served CONNECT is refused', async t => {
  const { result } = setUp({ call: new Call(requestHead({ method: 'CONNECT', path: null }), new HandBody()) })
  await settled()
  t.match(result.error, { code: 'FORBIDDEN_TARGET' })
})

t.test('over maxConnections a tunnel is refused at once, and one that has ended makes room', async t => {
  const upstream = new Upstream()
  upstream.maxTunnels = 1
  const connect = () => new Call(requestHead({ method: 'CONNECT', path: null }), new HandBody())
  const call = connect()
  const openTunnel = async () => response(200, new HandBody())
  setUp({ upstream, call, openTunnel })
  const { result } = setUp({ upstream, call: connect(), openTunnel })
  await settled()
  t.match(result.error, { code: 'UPSTREAM_OVERFLOW' })
  t.equal(upstream.tunnels, 1)
  call.finished?.(null)
  t.equal(upstream.tunnels, 0)
  t.equal(upstream.requests, 0)
})
