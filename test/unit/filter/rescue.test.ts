import t from 'tap'
import { rescue } from '../../../proxy/filter/rescue.ts'
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
    let text = ''
    const { body } = await filter(() => Promise.reject(failure('NO_ROUTE')))(exchange, attempt)
    body.pipe({
      data: chunk => {
        text += chunk
        return true
      },
      end() {},
      fail() {},
    })
    t.equal(text.includes(id), isShown)
    t.equal(text, `outrider: NO_ROUTE, request ${exchange.requestId}\n`)
    t.equal(exchange.isRequestIdMade, !isShown)
  }
})
