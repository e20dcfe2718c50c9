import t from 'tap'
import { ERRORS, type ErrorCode } from '../../../proxy/errors.ts'
import { rescue } from '../../../proxy/filter/rescue.ts'
import type { Body } from '../../../proxy/http/body.ts'
import { Counters } from '../../../proxy/util/counters.ts'
import { Call, failure, requestHead, response, routed, shares } from './setup.ts'

function setUp(fields: [string, string][] = []) {
  const counters = new Counters()
  const reported: unknown[] = []
  const { exchange, attempt } = routed(new Call(requestHead({}, fields)))
  const filter = rescue({ counters, random: shares(), unexpected: error => reported.push(error) })
  return { counters, reported, exchange, attempt, filter }
}

t.test('a response passes untouched', async t => {
  const { filter, exchange, attempt } = setUp()
  const answer = response(204)
  t.equal(await filter(async () => answer)(exchange, attempt), answer)
  t.equal(exchange.error, null)
})

t.test('a failure gets the status of its code, its flag, and the reason in Proxy-Status (RFC 9209)', async t => {
  const { filter, exchange, attempt, reported } = setUp()
  const { head } = await filter(() => Promise.reject(failure('NO_ROUTE')))(exchange, attempt)
  t.equal(head.status, 404)
  t.equal(head.headers.get('proxy-status'), 'outrider; error=destination_not_found; details="NO_ROUTE"')
  t.equal(String(exchange.flags), 'NR')
  t.equal(exchange.code, 'NO_ROUTE')
  t.same(reported, [])
})

t.test('what a filter throws before it returns a promise is rescued too', async t => {
  const { filter, exchange, attempt } = setUp()
  const throwing = () => {
    throw failure('DRAINING')
  }
  t.equal((await filter(throwing)(exchange, attempt)).head.status, 503)
})

t.test('a caller that has left is answered nothing', async t => {
  const { filter, exchange, attempt } = setUp()
  t.equal((await filter(() => Promise.reject(failure('DOWNSTREAM_CLOSED')))(exchange, attempt)).head.status, 0)
  t.equal(String(exchange.flags), 'DC')
})

t.test('anything else is a bug: reported with its cause, counted, and answered as INTERNAL', async t => {
  const { filter, exchange, attempt, reported, counters } = setUp()
  const bug = new TypeError('undefined is not a function')
  const { head } = await filter(() => Promise.reject(bug))(exchange, attempt)
  t.equal(head.status, 500)
  t.same(reported, [bug])
  t.equal(exchange.code, 'INTERNAL')
  t.equal(counters.get('unexpected_errors'), 1)
})

t.test('the answer names the request id that was sent where it is a good one, else one that is made', async t => {
  for (const [id, isShown] of [
    ['id-7', true],
    ['x y', false],
  ] as const) {
    const { filter, exchange, attempt } = setUp([['x-request-id', id]])
    const { body } = await filter(() => Promise.reject(failure('NO_ROUTE')))(exchange, attempt)
    const text = textOf(body)
    t.equal(text.includes(id), isShown)
    t.equal(text, `outrider: NO_ROUTE, request ${exchange.requestId}\n`)
    t.equal(exchange.isRequestIdMade, !isShown)
  }
})

t.test('a caller that likes JSON best is told in a problem document, without the address (RFC 9457)', async t => {
  for (const type of ['application/problem+json', 'application/json']) {
    const { filter, exchange, attempt } = setUp([
      ['accept', type],
      ['x-request-id', 'id-7'],
    ])
    exchange.flags.add('URX')
    const { head, body } = await filter(() => Promise.reject(failure('UPSTREAM_CONNECT_REFUSED')))(exchange, attempt)
    t.equal(head.headers.get('content-type'), type)
    t.equal(head.headers.get('vary'), 'accept')
    t.equal(head.headers.get('content-length'), String(body.length))
    t.same(JSON.parse(textOf(body)), {
      type: 'about:blank',
      title: 'Service Unavailable',
      status: 503,
      detail: 'The endpoint refused the connection.',
      code: 'UPSTREAM_CONNECT_REFUSED',
      flags: ['UF', 'URX'],
      requestId: 'id-7',
    })
  }
})

t.test('a HEAD request gets the length of the document, and no document', async t => {
  const { exchange, attempt } = routed(new Call(requestHead({ method: 'HEAD' }, [['accept', 'application/json']])))
  const filter = rescue({ counters: new Counters(), random: shares(), unexpected() {} })
  const { head, body } = await filter(() => Promise.reject(failure('NO_ROUTE')))(exchange, attempt)
  t.equal(head.headers.get('content-type'), 'application/json')
  t.ok(Number(head.headers.get('content-length')) > 100)
  t.equal(body.length, 0)
})

t.test('no answer in any form names an address', async t => {
  for (const accept of ['*/*', 'application/json', 'application/problem+json']) {
    for (const code of Object.keys(ERRORS) as ErrorCode[]) {
      const { filter, exchange, attempt } = setUp([['accept', accept]])
      const { body } = await filter(() => Promise.reject(failure(code)))(exchange, attempt)
      t.notMatch(textOf(body), /10\.0\.0\.7/, code)
    }
  }
})

function textOf(body: Body): string {
  let text = ''
  body.pipe({
    data: chunk => {
      text += chunk
      return true
    },
    end() {},
    fail() {},
  })
  return text
}
