import t from 'tap'
import { recordOf } from '../../../proxy/filter/access-record.ts'
import { nextAttempt } from '../../../proxy/filter/attempt.ts'
import { compose } from '../../../proxy/filter/compose.ts'
import type { Attempt, Exchange } from '../../../proxy/filter/exchange.ts'
import { trace } from '../../../proxy/filter/trace.ts'
import { traceAttempt } from '../../../proxy/filter/trace-attempt.ts'
import type { RequestHead } from '../../../proxy/http/head.ts'
import { DEFAULT_TELEMETRY, type TelemetryConfig } from '../../../proxy/telemetry/config.ts'
import { MAX_ATTRIBUTE_LENGTH } from '../../../proxy/telemetry/span-attributes.ts'
import { HandClock } from '../../support/hand-clock.ts'
import { HandTracer } from './hand-tracer.ts'
import { Call, failure, hostAt, requestHead, response, routed, shares } from './setup.ts'

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736'
const SPAN = '00f067aa0ba902b7'
const SAMPLED = `00-${TRACE}-${SPAN}-01`
const UNSAMPLED = `00-${TRACE}-${SPAN}-00`

interface Options {
  fields?: [string, string][]
  head?: Partial<RequestHead>
  direction?: 'inbound' | 'outbound'
  cluster?: string
  telemetry?: Partial<TelemetryConfig>
}

function setUp(options: Options = {}) {
  const tracer = new HandTracer()
  const clock = new HandClock()
  const direction = options.direction ?? 'outbound'
  const call = new Call(requestHead(options.head, options.fields))
  const { exchange, attempt } = routed(call, undefined, direction, options.cluster)
  const telemetry = { ...DEFAULT_TELEMETRY, samplingPercent: 0, ...options.telemetry }
  const upstream = async (_exchange: Exchange, each: Attempt) => {
    each.startedAt = clock.now()
    return response(200)
  }
  const attempts = traceAttempt({ tracer, clock, passthrough: 'passthrough' })
  const filters = [trace({ tracer, telemetry, clock, random: shares() }), ...(direction === 'outbound' ? [attempts] : [])]
  const handle = compose(filters, upstream)
  return { tracer, clock, call, exchange, attempt, handle, sent: attempt.head.headers, again: attempts(upstream) }
}

t.test('what its caller does not record goes on untouched, at any rate', async t => {
  const fields: [string, string][] = [
    ['traceparent', UNSAMPLED],
    ['tracestate', 'MALFORMED'],
  ]
  const { handle, exchange, attempt, tracer, sent } = setUp({ fields, telemetry: { samplingPercent: 100, propagators: ['b3'] } })
  await handle(exchange, attempt)
  t.equal(tracer.spans.length, 0)
  t.equal(exchange.trace, null)
  t.equal(sent.get('traceparent'), UNSAMPLED)
  t.equal(sent.get('tracestate'), 'MALFORMED')
  t.notOk(sent.has('b3'))
  t.equal(exchange.requestId, '', 'no id is made for it')
})

t.test('what its caller records is recorded, at any rate', async t => {
  const { handle, exchange, attempt, tracer, sent } = setUp({ fields: [['traceparent', SAMPLED]] })
  await handle(exchange, attempt)
  const [whole, attempted] = tracer.spans
  t.match(whole, { kind: 'client', parent: { traceId: TRACE, spanId: SPAN }, at: 0, ended: null })
  t.match(attempted, { kind: 'client', parent: { traceId: TRACE, spanId: whole?.spanId }, at: 1_000, ended: null })
  t.equal(sent.get('traceparent'), `00-${TRACE}-${attempted?.spanId}-01`)
  t.equal(exchange.trace?.traceId, TRACE)
})

t.test('who has not decided is decided about by the request id and the rate', async t => {
  const decided = async (id: string, samplingPercent: number) => {
    const { handle, exchange, attempt, tracer } = setUp({ fields: [['x-request-id', id]], telemetry: { samplingPercent } })
    await handle(exchange, attempt)
    return tracer.spans.length > 0
  }
  const ids = Array.from({ length: 200 }, (_, i) => `id-${i}`)
  const half: string[] = []
  for (const id of ids) if (await decided(id, 50)) half.push(id)
  t.ok(half.length > 60 && half.length < 140, `${half.length} of 200`)
  for (const id of half) if (!(await decided(id, 50))) t.fail(`another hop decides otherwise about ${id}`)
  t.notOk(await decided('id-1', 0))
  t.ok(await decided('id-1', 100))
})

t.test(
  'a malformed traceparent is replaced where the request is recorded, its tracestate goes, and nothing happens to it else',
  async t => {
    const fields: [string, string][] = [
      ['traceparent', `00-${TRACE.toUpperCase()}-${SPAN}-01`],
      ['tracestate', 'foo=1'],
    ]
    const recorded = setUp({ fields, telemetry: { samplingPercent: 100 } })
    await recorded.handle(recorded.exchange, recorded.attempt)
    t.equal(recorded.tracer.spans[0]?.parent, null)
    t.match(recorded.sent.get('traceparent'), /^00-0{31}1-/)
    t.notOk(recorded.sent.has('tracestate'))
    const not = setUp({ fields })
    await not.handle(not.exchange, not.attempt)
    t.equal(not.sent.get('traceparent'), fields[0]?.[1])
    t.equal(not.sent.get('tracestate'), 'foo=1')
  },
)

t.test('inbound has one span, which the app gets for its parent', async t => {
  const { handle, call, exchange, attempt, tracer, sent } = setUp({
    direction: 'inbound',
    fields: [
      ['traceparent', SAMPLED],
      ['tracestate', 'foo=1'],
      ['user-agent', 'curl/8'],
    ],
    head: { path: '/a/b?sig=x&q=1', authority: 'orders:8080' },
  })
  await handle(exchange, attempt)
  t.equal(sent.get('traceparent'), `00-${TRACE}-${tracer.spans[0]?.spanId}-01`)
  t.equal(sent.get('tracestate'), 'foo=1')
  t.equal(call.head.headers.get('traceparent'), SAMPLED, 'what came stays as it came')
  exchange.status = 404
  call.finished?.(null)
  t.equal(tracer.spans.length, 1)
  t.strictSame(tracer.spans[0]?.ended, {
    name: 'GET r',
    failure: null,
    at: 1_000,
    attributes: {
      'http.request.method': 'GET',
      'network.protocol.version': '1.1',
      'server.address': 'orders',
      'server.port': 8080,
      'url.scheme': 'http',
      'url.path': '/a/b',
      'url.query': 'sig=REDACTED&q=1',
      'network.peer.address': '10.0.0.9',
      'network.peer.port': 4000,
      'client.address': '10.0.0.9',
      'user_agent.original': 'curl/8',
      'outrider.route': 'r',
      'outrider.origin': 'test',
      'outrider.cluster': 'orders',
      'http.response.status_code': 404,
    },
  })
})

t.test('each try has a span of its own: the one given up ends then, the last one with the answer', async t => {
  const { handle, again, call, clock, exchange, attempt, tracer } = setUp({ fields: [['traceparent', SAMPLED]] })
  await handle(exchange, attempt)
  clock.pass(10)
  Object.assign(attempt, { host: hostAt(1), status: 503, settledAt: clock.now(), error: failure('UPSTREAM_RESET') })
  clock.pass(20)
  const second = nextAttempt(exchange, attempt.head, attempt.body, false)
  await again(exchange, second)
  t.equal(second.head.headers.get('traceparent'), `00-${TRACE}-${tracer.spans[2]?.spanId}-01`)
  clock.pass(10)
  Object.assign(second, { host: hostAt(2), status: 200, settledAt: clock.now() })
  clock.pass(50)
  exchange.status = 200
  call.finished?.(null)
  const [whole, first, last] = tracer.spans
  t.match(whole?.ended, { failure: null, at: 1_090, attributes: { 'outrider.attempts': 2, 'http.response.status_code': 200 } })
  t.match(first?.ended, {
    name: 'GET orders',
    failure: '',
    at: 1_010,
    attributes: { 'http.response.status_code': 503, 'error.type': '503', 'network.peer.port': 1 },
  })
  t.notOk('http.request.resend_count' in (first?.ended?.attributes ?? {}))
  t.match(last, { parent: { spanId: whole?.spanId }, at: 1_030 })
  t.match(last?.ended, { failure: null, at: 1_090, attributes: { 'http.request.resend_count': 1, 'network.peer.port': 2 } })
})

t.test('a failure is told by its code, with flags', async t => {
  const { handle, call, exchange, attempt, tracer } = setUp({ fields: [['traceparent', SAMPLED]] })
  await handle(exchange, attempt)
  Object.assign(attempt, { settledAt: 1_000, error: failure('UPSTREAM_CONNECT_REFUSED') })
  exchange.status = 503
  call.finished?.(failure('UPSTREAM_CONNECT_REFUSED'))
  for (const { ended } of tracer.spans) {
    t.equal(ended?.failure, 'UPSTREAM_CONNECT_REFUSED at 10.0.0.7:8080')
    t.equal(ended?.attributes['error.type'], 'UPSTREAM_CONNECT_REFUSED')
  }
  t.equal(tracer.spans[0]?.ended?.attributes['outrider.response_flags'], 'UF')
})

t.test('a client span has failed from 400 on, a server span from 500 on', async t => {
  const failed = async (direction: 'inbound' | 'outbound', status: number) => {
    const { handle, call, exchange, attempt, tracer } = setUp({ direction, fields: [['traceparent', SAMPLED]] })
    await handle(exchange, attempt)
    exchange.status = attempt.status = status
    call.finished?.(null)
    return tracer.spans.map(({ ended }) => ended?.failure !== null)
  }
  t.same(await failed('outbound', 399), [false, false])
  t.same(await failed('outbound', 400), [true, true])
  t.same(await failed('inbound', 499), [false])
  t.same(await failed('inbound', 500), [true])
})

t.test('a host outside the mesh sees nothing of it; what the app has sent passes', async t => {
  const bare = setUp({ cluster: 'passthrough', telemetry: { samplingPercent: 100, propagators: ['b3'] } })
  await bare.handle(bare.exchange, bare.attempt)
  bare.sent.forEach(name => {
    t.fail(`${name} was added`)
  })
  t.equal(bare.tracer.spans.length, 2, 'the spans are there')
  const own = setUp({ cluster: 'passthrough', fields: [['traceparent', SAMPLED]] })
  await own.handle(own.exchange, own.attempt)
  t.equal(own.sent.get('traceparent'), SAMPLED)
})

t.test('names have no more values than there are rules and methods', async t => {
  const { handle, call, exchange, attempt, tracer } = setUp({
    fields: [['traceparent', SAMPLED]],
    head: { method: 'BREW', path: '/pot/1' },
  })
  await handle(exchange, attempt)
  call.finished?.(null)
  t.match(tracer.spans[0]?.ended, {
    name: 'HTTP r',
    attributes: { 'http.request.method': '_OTHER', 'http.request.method_original': 'BREW', 'url.full': 'http://orders/pot/1' },
  })
})

t.test('a long target is cut, and what is secret in it hidden', async t => {
  const { handle, call, exchange, attempt, tracer } = setUp({
    fields: [['traceparent', SAMPLED]],
    head: { path: `/?X-Amz-Signature=a&AWSAccessKeyId=b&Signature=c&mysig=d&sig=e&q=${'x'.repeat(2_000)}` },
  })
  await handle(exchange, attempt)
  call.finished?.(null)
  const url = String(tracer.spans[0]?.ended?.attributes['url.full'])
  t.ok(url.startsWith('http://orders/?X-Amz-Signature=REDACTED&AWSAccessKeyId=REDACTED&Signature=REDACTED&mysig=d&sig=REDACTED&q=xx'))
  t.ok(url.length < MAX_ATTRIBUTE_LENGTH + 50)
})

t.test('a CONNECT that the sidecar looks into has no span; the requests inside have', async t => {
  const { handle, call, exchange, attempt, tracer } = setUp({ fields: [['traceparent', SAMPLED]], head: { method: 'CONNECT', path: null } })
  exchange.backend = null
  await handle(exchange, attempt)
  call.finished?.(null)
  for (const { ended } of tracer.spans) t.equal(ended, null)
})

t.test('a record names the trace, whether it is recorded or not', async t => {
  for (const traceparent of [SAMPLED, UNSAMPLED]) {
    const { handle, exchange, attempt } = setUp({ fields: [['traceparent', traceparent]] })
    await handle(exchange, attempt)
    t.equal(recordOf(exchange, 1_000, 1_000).trace_id, TRACE)
  }
  const { exchange } = setUp()
  t.equal(recordOf(exchange, 1_000, 1_000).trace_id, null)
})
