import t from 'tap'
import { compose, serve } from '../../../proxy/filter/compose.ts'
import type { Exchange, Filter } from '../../../proxy/filter/exchange.ts'
import { forward } from '../../../proxy/filter/forward.ts'
import { headers } from '../../../proxy/filter/headers.ts'
import { overload } from '../../../proxy/filter/overload.ts'
import { rescue } from '../../../proxy/filter/rescue.ts'
import { retry } from '../../../proxy/filter/retry.ts'
import { route } from '../../../proxy/filter/route.ts'
import { timeout } from '../../../proxy/filter/timeout.ts'
import { NO_ANSWER } from '../../../proxy/http/reply.ts'
import { RouteTable } from '../../../proxy/route/table.ts'
import { Counters } from '../../../proxy/util/counters.ts'
import { fraction, seededRandom } from '../../../proxy/util/random.ts'
import { HandBody } from '../http/hand-body.ts'
import { Call, failure, requestHead, response, routeTo, settled, Time, Upstream } from './setup.ts'

const SEED = 20261124

t.test('filters run outermost first', async t => {
  const order: string[] = []
  const named =
    (name: string): Filter =>
    next =>
    (exchange, attempt) => {
      order.push(name)
      return next(exchange, attempt)
    }
  const handler = compose([named('a'), named('b')], async () => response(200))
  const call = new Call()
  serve(() => handler, { direction: 'outbound', begin: null, finish: null })(call)
  await settled()
  t.same(order, ['a', 'b'])
  t.equal(call.answers.length, 1)
})

t.test('each request is handled by the handler of its moment', async t => {
  let status = 200
  const listen = serve(() => async () => response(status), { direction: 'outbound', begin: null, finish: null })
  const [before, after] = [new Call(), new Call()]
  listen(before)
  status = 201
  listen(after)
  await settled()
  t.equal(after.answers[0]?.head.status, 201)
  t.equal(before.answers.length, 1)
})

t.test('nothing is answered where nothing is to be answered', async t => {
  const call = new Call()
  serve(() => async () => NO_ANSWER, { direction: 'outbound', begin: null, finish: null })(call)
  await settled()
  t.equal(call.answers.length, 0)
})

t.test('only what upstream said gets the response headers', async t => {
  const finished: number[] = []
  const listen = (status: number, isUpstreams: boolean) =>
    serve(
      () => async (_exchange, attempt) => {
        if (isUpstreams) attempt.status = status
        return response(status)
      },
      { direction: 'outbound', begin: null, finish: (_exchange, head) => finished.push(head.status) },
    )(new Call())
  listen(200, true)
  listen(301, false)
  await settled()
  t.same(finished, [200])
})

t.test('begin sees each exchange, and its onDone runs once when the last octet is out', async t => {
  let done = 0
  const exchanges: Exchange[] = []
  const begin = (exchange: Exchange) => {
    exchanges.push(exchange)
    exchange.onDone(() => done++)
  }
  const call = new Call()
  serve(() => async () => response(200), { direction: 'inbound', begin, finish: null })(call)
  await settled()
  t.equal(done, 0)
  call.finished?.(null)
  call.finished?.(null)
  t.equal(done, 1)
  t.equal(exchanges[0]?.status, 200)
})

t.test('whatever happens, an exchange has one answer, tries never exceed the limit plus one, and nothing is left counted', async t => {
  const random = seededRandom(new Uint8Array(Buffer.from(`${SEED}-outrider-pad`.padEnd(16)).subarray(0, 16)))
  const codes = ['UPSTREAM_RESET', 'UPSTREAM_CLOSED', 'UPSTREAM_CONNECT_REFUSED', 'UPSTREAM_PROTOCOL', 'NO_HEALTHY_UPSTREAM'] as const
  const upTo = (limit: number) => Math.floor(fraction(random) * limit)
  let retries = 0
  let timeouts = 0
  for (let round = 0; round < 120; round++) {
    const time = new Time()
    const upstream = new Upstream()
    const counters = new Counters()
    const attempts = upTo(4)
    const entry = { match: { path: { kind: 'prefix', value: '/' }, method: null, headers: [], query: [] } as const }
    const one = routeTo('orders', { attempts }, { requestMs: upTo(2) === 0 ? null : 400, perTryMs: upTo(2) === 0 ? null : 100 })
    const table = new RouteTable([{ name: 'orders', domains: ['orders'], routes: [{ ...entry, route: one }] }])
    const handler = compose(
      [
        rescue({ counters, random, unexpected: error => t.fail(String(error)) }),
        overload({ maxExchanges: 10, isDraining: () => false, isAppReady: null, counters }),
        route(table, random),
        headers({ random, counters, via: 'n-outbound', passthrough: 'passthrough' }),
        timeout(time.wheel, counters),
        retry({ clusters: upstream, timers: time.wheel, random, counters, passthrough: 'passthrough' }),
      ],
      forward({ clusters: upstream, timers: time.wheel, counters, openTunnel: null, isOwnListener: () => false }),
    )
    const body = upTo(2) === 0 ? undefined : new HandBody()
    const call = new Call(requestHead({ method: ['GET', 'POST', 'PUT'][upTo(3)] as string }), body)
    const exchanges: Exchange[] = []
    serve(() => handler, { direction: 'outbound', begin: each => void exchanges.push(each), finish: null })(call)
    let hasLeft = false
    for (let step = 0; step < 12; step++) {
      await settled()
      const asked = upstream.asked.at(-1)
      if (asked !== undefined && upTo(3) === 0 && body?.pipes === 0) asked.attempt.body.pipe({ data: () => true, end() {}, fail() {} })
      const what = upTo(6)
      if (what === 0) body?.send('octets')
      if (what === 1) body?.end()
      if (what === 2) asked?.reject(failure(codes[upTo(codes.length)] as (typeof codes)[number]))
      if (what === 3) asked?.resolve(response([200, 503, 502, 404][upTo(4)] as number))
      if (what === 4 && upTo(8) === 0) {
        hasLeft = true
        call.cancelled.cancel(failure('DOWNSTREAM_CLOSED'))
      }
      await time.pass(60)
    }
    await time.pass(320_000)
    const made = exchanges[0]?.attempts.length ?? 0
    retries += counters.get('retries')
    if (exchanges[0]?.flags.has('UT')) timeouts++
    const about = `seed ${SEED}, round ${round}`
    if (call.answers.length !== 1 && !(hasLeft && call.answers.length === 0)) t.fail(`${call.answers.length} answers: ${about}`)
    if (made > attempts + 1) t.fail(`${made} tries with ${attempts} retries: ${about}`)
    call.finished?.(null)
    for (const answer of call.answers) answer.body.cancel(failure('DOWNSTREAM_CLOSED'))
    if (upstream.requests !== 0 || upstream.retries !== 0 || time.wheel.size !== 0) t.fail(`something is left counted: ${about}`)
  }
  t.ok(retries > 20 && timeouts > 10, `${retries} retries and ${timeouts} timeouts were among them`)
})
