import t from 'tap'
import { compose } from '../../../proxy/filter/compose.ts'
import { DEADLINE, deadline, formatDeadline, parseDeadline } from '../../../proxy/filter/deadline.ts'
import { headers } from '../../../proxy/filter/headers.ts'
import { retry } from '../../../proxy/filter/retry.ts'
import { timeout } from '../../../proxy/filter/timeout.ts'
import type { Timeouts } from '../../../proxy/route/route.ts'
import { Counters } from '../../../proxy/util/counters.ts'
import { HandBody } from '../http/hand-body.ts'
import { Call, failure, requestHead, routed, routeTo, run, shares, Time, Upstream } from './setup.ts'

interface Options {
  timeouts?: Partial<Timeouts>
  given?: string
  cluster?: string
  body?: HandBody
}

/** One exchange through the filters that a deadline passes, with its first try made. */
function setUp({ timeouts, given, cluster, body }: Options) {
  const time = new Time()
  const upstream = new Upstream()
  const counters = new Counters()
  const fields = given === undefined ? [] : [[DEADLINE, given] as const]
  const { exchange, attempt } = routed(new Call(requestHead({}, fields), body), routeTo('orders', {}, timeouts), 'outbound', cluster)
  const [passthrough, random] = ['passthrough', shares(0.5)]
  const filters = [
    headers({ random, counters, via: null, passthrough }),
    timeout(time.wheel, counters),
    retry({ clusters: upstream, timers: time.wheel, random, counters, passthrough }),
  ]
  const result = run(next => compose([...filters, deadline(passthrough)], next), upstream.handler, exchange, attempt)
  const told = (index: number) => upstream.asked[index]?.attempt.head.headers.get(DEADLINE)
  return { time, upstream, exchange, result, told }
}

t.test('a deadline is 1 to 9 digits', async t => {
  t.equal(parseDeadline('0'), 0)
  t.equal(parseDeadline('999999999'), 999_999_999)
  for (const value of ['', '1000000000', '-1', '+1', '1.5', '1s', '0x10', ' 1']) t.equal(parseDeadline(value), null, value)
})

t.test('what is sent is rounded down, and never 0, which Envoy takes for no limit', async t => {
  t.equal(formatDeadline(250.9), '250')
  for (const remaining of [1, 0.4, 0, -3]) t.equal(formatDeadline(remaining), '1')
})

t.test('without a request timeout and without a deadline nothing is told', async t => {
  t.equal(setUp({}).told(0), null)
})

t.test('the request timeout is told, or the deadline that came if that is sooner', async t => {
  t.equal(setUp({ timeouts: { requestMs: 1000 } }).told(0), '1000')
  t.equal(setUp({ timeouts: { requestMs: 1000 }, given: '300' }).told(0), '300')
  t.equal(setUp({ timeouts: { requestMs: 1000 }, given: '3000' }).told(0), '1000')
  t.equal(setUp({ given: '300' }).told(0), '300')
})

t.test('each try is told what remains at its moment', async t => {
  const { time, upstream, told } = setUp({ timeouts: { requestMs: 1000 }, given: '800' })
  await time.pass(300)
  await upstream.answer(0, failure('UPSTREAM_RESET'))
  await time.pass(100)
  t.equal(upstream.asked.length, 2)
  t.equal(told(0), '800')
  const second = Number(told(1))
  t.ok(second < 500 && second >= 400, `the second try is told ${second}`)
})

t.test('while the request still comes in, the whole request timeout remains, for that runs from its last octet', async t => {
  t.equal(setUp({ timeouts: { requestMs: 1000 }, body: new HandBody() }).told(0), '1000')
  t.equal(setUp({ timeouts: { requestMs: 1000 }, given: '200', body: new HandBody() }).told(0), '200')
})

t.test('to hosts outside the mesh a deadline is not told, but it holds', async t => {
  const { time, result, told } = setUp({ given: '300', cluster: 'passthrough' })
  t.equal(told(0), null)
  t.equal(setUp({ timeouts: { requestMs: 1000 }, cluster: 'passthrough' }).told(0), null)
  await time.pass(320)
  t.match(result.error, { code: 'REQUEST_TIMEOUT' })
})
