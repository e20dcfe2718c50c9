import t from 'tap'
import { nextAttempt } from '../../../proxy/filter/attempt.ts'
import type { Exchange } from '../../../proxy/filter/exchange.ts'
import { MAX_TRIES, observeFailures } from '../../../proxy/filter/observe-failures.ts'
import { EMPTY_BODY } from '../../../proxy/http/body.ts'
import { Failures, MAX_TEXT_CHARACTERS } from '../../../proxy/telemetry/failures.ts'
import { Call, failure, hostAt, requestHead, routed, routeTo } from './setup.ts'

const NODE = { id: 'web-1', service: 'web', namespace: 'default' }
const ALL = { id: null, last: 1_000, service: null, namespace: null }

function setUp() {
  const failures = new Failures()
  const observer = observeFailures(failures, NODE, { now: () => 30 }, { now: () => 1_700_000_000_030 })
  return { observer, found: () => failures.find(ALL) }
}

/** One more try of an exchange, with what came of it. */
function more(exchange: Exchange, changes: object): void {
  Object.assign(nextAttempt(exchange, exchange.incoming.head, EMPTY_BODY, false), changes)
}

t.test('what went well is not kept', async t => {
  const { observer, found } = setUp()
  const { exchange } = routed(new Call())
  exchange.status = 200
  observer.done(exchange)
  exchange.status = 404
  observer.done(exchange)
  t.same(found(), [])
})

t.test('a failure is kept with its tries, the reason, the rule and its settings', async t => {
  const { observer, found } = setUp()
  const route = {
    ...routeTo('default/orders:80', { attempts: 1 }, { requestMs: 500 }),
    origins: { 'retry.attempts': 'TrafficPolicy default/p (p.yaml:3)' },
  }
  const { exchange, attempt } = routed(new Call(), route)
  Object.assign(attempt, { host: hostAt(1), startedAt: 2, settledAt: 5, status: 503, error: failure('UPSTREAM_RESET') })
  more(exchange, { host: hostAt(2), startedAt: 7, settledAt: 9.25, error: failure('UPSTREAM_CONNECT_REFUSED') })
  exchange.error = failure('UPSTREAM_CONNECT_REFUSED')
  exchange.status = 503
  exchange.details.push('budget')
  observer.done(exchange)
  const [record] = found()
  t.match(record, {
    time: '2023-11-14T22:13:20.000Z',
    node: NODE,
    status: 503,
    code: 'UPSTREAM_CONNECT_REFUSED',
    details: 'UPSTREAM_CONNECT_REFUSED at 10.0.0.7:8080; budget',
    attempts: 2,
    stops: ['budget'],
    timeouts: { request_ms: 500, per_try_ms: null, idle_ms: 300_000 },
    retry: { attempts: 1 },
    origins: { 'retry.attempts': 'TrafficPolicy default/p (p.yaml:3)' },
  })
  t.same(record?.tries, [
    { number: 1, endpoint: '10.1.0.1:1', started_ms: 2, duration_ms: 3, status: 503, code: null, message: null },
    {
      number: 2,
      endpoint: '10.1.0.1:2',
      started_ms: 7,
      duration_ms: 2.25,
      status: 0,
      code: 'UPSTREAM_CONNECT_REFUSED',
      message: 'UPSTREAM_CONNECT_REFUSED at 10.0.0.7:8080',
    },
  ])
})

t.test("an answer that the callee's sidecar made is told from the app's own", async t => {
  const { observer, found } = setUp()
  const { exchange, attempt } = routed(new Call())
  Object.assign(attempt, { host: hostAt(1), startedAt: 2, settledAt: 5, status: 503, peerCode: 'APP_UNAVAILABLE' })
  exchange.status = 503
  observer.done(exchange)
  t.match(found(), [{ code: null, details: null, tries: [{ status: 503, code: 'APP_UNAVAILABLE', message: null }] }])
})

t.test('an answer that broke off keeps its status and says what broke it', async t => {
  const { observer, found } = setUp()
  const { exchange, attempt } = routed(new Call())
  Object.assign(attempt, { host: hostAt(1), startedAt: 2, settledAt: 5, status: 200, error: failure('UPSTREAM_RESET') })
  exchange.status = 200
  exchange.error = failure('UPSTREAM_RESET')
  observer.done(exchange)
  t.match(found(), [{ status: 200, code: 'UPSTREAM_RESET', tries: [{ status: 200, code: 'UPSTREAM_RESET' }] }])
})

t.test('inbound has no timeouts and retries of a rule', async t => {
  const { observer, found } = setUp()
  const { exchange } = routed(new Call(), routeTo('app'), 'inbound', 'app')
  exchange.status = 500
  observer.done(exchange)
  t.match(found(), [{ direction: 'inbound', timeouts: null, retry: null, tries: [] }])
})

t.test('a refusal before there was an exchange is kept too', async t => {
  const { observer, found } = setUp()
  observer.refused({
    direction: 'inbound',
    peer: { address: '10.0.0.9', port: 1, identity: null },
    error: failure('DOWNSTREAM_HEAD_TOO_LARGE'),
    head: null,
  })
  t.match(found(), [{ status: 431, code: 'DOWNSTREAM_HEAD_TOO_LARGE', method: '', node: NODE, tries: [], details: /DOWNSTREAM_HEAD/ }])
})

t.test('of many tries the last ones are kept, and of long texts the beginning', async t => {
  const { observer, found } = setUp()
  const long = 'x'.repeat(MAX_TEXT_CHARACTERS * 2)
  const { exchange, attempt } = routed(new Call(requestHead({ path: `/${long}` }, [['user-agent', long]])))
  attempt.startedAt = 1
  for (let i = 0; i < MAX_TRIES + 4; i++) more(exchange, { startedAt: 2 + i })
  exchange.status = 503
  observer.done(exchange)
  const [record] = found()
  t.equal(record?.tries.length, MAX_TRIES)
  t.equal(record?.tries.at(-1)?.number, MAX_TRIES + 5)
  t.equal(record?.attempts, MAX_TRIES + 5, 'all are counted')
  t.equal(record?.path?.length, MAX_TEXT_CHARACTERS)
  t.equal(record?.user_agent?.length, MAX_TEXT_CHARACTERS)
})
