import t from 'tap'
import { Collector, HandBody } from '../http/hand-body.ts'
import { KEY, receipt, setUp } from './retry-setup.ts'
import { failure, response, settled } from './setup.ts'

t.test('attempts counts retries: 2 means at most 3 tries, then the last failure passes with URX', async t => {
  const { upstream, time, exchange, result, counters } = setUp()
  for (let i = 0; i < 3; i++) {
    await upstream.answer(i, failure('UPSTREAM_RESET'))
    await time.pass(300)
  }
  t.equal(upstream.asked.length, 3)
  t.match(result.error, { code: 'UPSTREAM_RESET' })
  t.ok(exchange.flags.has('URX'))
  t.equal(counters.get('retries'), 2)
  t.equal(upstream.deposits, 1, 'first tries only are deposited')
  t.equal(upstream.retries, 0)
  t.equal(time.wheel.size, 0)
})

t.test('a try that succeeds is the answer, without URX', async t => {
  const { upstream, time, exchange, result, counters } = setUp()
  await upstream.answer(0, failure('UPSTREAM_CONNECT_REFUSED'))
  await time.pass(300)
  await upstream.answer(1, response(200))
  t.equal(result.response?.head.status, 200)
  t.equal(String(exchange.flags), '-')
  t.equal(counters.get('retries_succeeded'), 1)
  t.equal(upstream.retries, 0)
})

t.test('the same key goes out on every try', async t => {
  const { upstream, time } = setUp({ method: 'POST', fields: KEY })
  await upstream.answer(0, failure('UPSTREAM_RESET'))
  await time.pass(300)
  t.equal(upstream.asked[1]?.attempt.head.headers.get('idempotency-key'), 'k1')
})

t.test('a receipt that cannot be retried passes on', async t => {
  const { upstream, result, exchange } = setUp({ method: 'POST' })
  upstream.permits = ['budget']
  const answer = receipt('DRAINING')
  await upstream.answer(0, answer)
  t.equal(result.response, answer)
  t.equal(String(exchange.flags), 'URX')
})

t.test('promises of hosts outside the mesh are not taken', async t => {
  const { upstream, result } = setUp({ method: 'POST', cluster: 'passthrough' })
  upstream.config = { ...upstream.config, name: 'passthrough' }
  await upstream.answer(0, receipt('DRAINING'))
  t.equal(result.response?.head.status, 503)
})

t.test('when the budget is spent the original response passes with URX and the reason', async t => {
  const { upstream, result, exchange, counters } = setUp()
  upstream.permits = ['budget']
  const original = response(503)
  await upstream.answer(0, original)
  t.equal(result.response, original)
  t.ok(exchange.flags.has('URX'))
  t.same(exchange.details, ['budget'])
  t.equal(counters.get('retries'), 0)
  t.equal(upstream.retries, 0)
})

t.test('when the breaker for retries is open the original failure passes', async t => {
  const { upstream, result, exchange } = setUp()
  upstream.permits = ['overflow']
  await upstream.answer(0, failure('UPSTREAM_RESET'))
  t.match(result.error, { code: 'UPSTREAM_RESET' })
  t.same(exchange.details, ['retry overflow'])
})

t.test('backoff is full jitter: from 0 to (2^n - 1) x 25 ms, at most 250 ms', async t => {
  const { upstream, time } = setUp({ policy: { attempts: 5 }, random: [0.99, 0.99, 0.99, 0.99, 0.99] })
  for (const [n, ms] of [25, 75, 175, 250, 250].entries()) {
    await upstream.answer(n, failure('UPSTREAM_RESET'))
    await time.pass(ms * 0.99 - 10)
    t.equal(upstream.asked.length, n + 1, `not before ${ms} ms`)
    await time.pass(10)
    t.equal(upstream.asked.length, n + 2, `by ${ms} ms`)
  }
  const quick = setUp({ random: [0] })
  await quick.upstream.answer(0, failure('UPSTREAM_RESET'))
  t.equal(quick.upstream.asked.length, 2)
})

t.test('no policy, or no attempts, means no retries, and the body is not kept', async t => {
  for (const policy of [null, { attempts: 0 }]) {
    const body = new HandBody()
    const { upstream, exchange, result } = setUp({ policy, body, method: 'PUT' })
    t.equal(upstream.asked[0]?.attempt.body, body)
    await upstream.answer(0, failure('UPSTREAM_CONNECT_REFUSED'))
    t.match(result.error, { code: 'UPSTREAM_CONNECT_REFUSED' })
    t.equal(String(exchange.flags), '-')
  }
})

t.test('the response of a try that is retried is cancelled', async t => {
  const { upstream, time } = setUp()
  const body = new HandBody()
  await upstream.answer(0, response(503, body))
  await time.pass(100)
  t.ok(body.cancelled)
  t.equal(upstream.asked.length, 2)
})

t.test('the body is sent again, from its first octet', async t => {
  const body = new HandBody()
  const { upstream, time, result } = setUp({ method: 'PUT', body })
  const sinks = [new Collector(), new Collector()]
  upstream.asked[0]?.attempt.body.pipe(sinks[0] as Collector)
  body.send('half ')
  await upstream.answer(0, failure('UPSTREAM_RESET'))
  await time.pass(100)
  upstream.asked[1]?.attempt.body.pipe(sinks[1] as Collector)
  body.send('whole')
  body.end()
  t.equal(sinks[1]?.text, 'half whole')
  t.ok(sinks[1]?.isEnded)
  await upstream.answer(1, response(200))
  t.equal(result.response?.head.status, 200)
})

t.test('a body over the limit is not retried, and the details say so', async t => {
  const body = new HandBody()
  const { upstream, time, exchange, result, counters } = setUp({ method: 'PUT', body })
  upstream.asked[0]?.attempt.body.pipe(new Collector())
  body.send(Buffer.alloc(65_537))
  await upstream.answer(0, failure('UPSTREAM_RESET'))
  await time.pass(100)
  t.match(result.error, { code: 'UPSTREAM_RESET' })
  t.same(exchange.details, ['replay limit'])
  t.equal(counters.get('replay_overflow'), 1)
})

t.test('after a kept-alive connection died the next try takes a fresh one', async t => {
  const { upstream, time } = setUp()
  await upstream.answer(0, failure('UPSTREAM_CLOSED'))
  await time.pass(100)
  t.notOk(upstream.asked[0]?.attempt.isFresh)
  t.ok(upstream.asked[1]?.attempt.isFresh)
})

t.test('interim responses of a try that was given up are dropped', async t => {
  const { upstream, time, call } = setUp()
  const early = response(103).head
  upstream.asked[0]?.attempt.informational(early)
  await upstream.answer(0, failure('UPSTREAM_RESET'))
  upstream.asked[0]?.attempt.informational(early)
  await time.pass(100)
  upstream.asked[1]?.attempt.informational({ ...early, status: 100 })
  upstream.asked[0]?.attempt.informational(early)
  t.same(call.interim, [103, 100])
})

t.test('a caller that leaves during the backoff ends it', async t => {
  const { upstream, time, call, result, exchange } = setUp({ random: [0.9] })
  await upstream.answer(0, failure('UPSTREAM_RESET'))
  call.cancelled.cancel(failure('DOWNSTREAM_CLOSED'))
  await settled()
  t.match(result.error, { code: 'DOWNSTREAM_CLOSED' })
  await time.pass(300)
  t.equal(upstream.asked.length, 1)
  t.equal(exchange.attempts.length, 1)
  t.equal(upstream.retries, 0)
  t.equal(time.wheel.size, 0)
})

t.test('once the response is handed on there is no retry, even if its body breaks', async t => {
  const { upstream, time, result } = setUp()
  const body = new HandBody()
  await upstream.answer(0, response(200, body))
  const sink = new Collector()
  result.response?.body.pipe(sink)
  body.fail(failure('UPSTREAM_RESET'))
  await time.pass(300)
  t.match(sink.error, { code: 'UPSTREAM_RESET' })
  t.equal(upstream.asked.length, 1)
})

t.test('inbound tries once more, at once and afresh, after a kept-alive connection died unanswered', async t => {
  const options = { direction: 'inbound', policy: null } as const
  for (const again of [{ method: 'GET' }, { method: 'POST', fields: KEY }]) {
    const { upstream, result } = setUp({ ...options, ...again })
    await upstream.answer(0, failure('UPSTREAM_CLOSED'))
    t.equal(upstream.asked.length, 2, 'no backoff')
    t.ok(upstream.asked[1]?.attempt.isFresh)
    await upstream.answer(1, failure('UPSTREAM_CLOSED'))
    t.match(result.error, { code: 'UPSTREAM_CLOSED' })
    t.equal(upstream.asked.length, 2)
  }
})
