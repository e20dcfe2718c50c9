import t from 'tap'
import type { MeshError } from '../../../proxy/errors.ts'
import { isRetried, KEY, receipt, setUp } from './retry-setup.ts'
import { failure, response } from './setup.ts'

t.test('a failure to connect, and a refused stream, are retried for every method', async t => {
  for (const method of ['GET', 'POST', 'PATCH', 'PUT', 'X-OTHER']) {
    for (const code of ['UPSTREAM_CONNECT_REFUSED', 'UPSTREAM_CONNECT_TIMEOUT', 'UPSTREAM_DNS', 'UPSTREAM_REFUSED_STREAM'] as const) {
      t.ok(await isRetried(failure(code), { method }), `${method} ${code}`)
    }
  }
})

t.test('all else only for idempotent methods', async t => {
  for (const method of ['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE']) {
    t.ok(await isRetried(failure('UPSTREAM_RESET'), { method }), method)
    t.ok(await isRetried(failure('UPSTREAM_CLOSED'), { method }), method)
    for (const status of [502, 503, 504]) t.ok(await isRetried(response(status), { method }), `${method} ${status}`)
  }
  for (const method of ['POST', 'PATCH', 'CONNECT']) {
    for (const code of ['UPSTREAM_RESET', 'UPSTREAM_CLOSED', 'UPSTREAM_PROTOCOL', 'PER_TRY_TIMEOUT'] as const) {
      t.notOk(await isRetried(failure(code), { method }), `${method} ${code}`)
    }
    for (const status of [502, 503, 504]) t.notOk(await isRetried(response(status), { method }), `${method} ${status}`)
  }
})

t.test('with an Idempotency-Key: on refused, reset and 503, not on a per-try timeout unless the route says so', async t => {
  const keyed = { method: 'POST', fields: KEY }
  t.ok(await isRetried(failure('UPSTREAM_REFUSED_STREAM'), keyed))
  t.ok(await isRetried(failure('UPSTREAM_RESET'), keyed))
  t.ok(await isRetried(failure('UPSTREAM_CLOSED'), keyed))
  t.ok(await isRetried(response(503), keyed))
  t.notOk(await isRetried(response(502), keyed))
  t.notOk(await isRetried(response(504), keyed))
  t.notOk(await isRetried(failure('PER_TRY_TIMEOUT'), keyed))
  t.ok(await isRetried(failure('PER_TRY_TIMEOUT'), { ...keyed, policy: { on: ['per-try-timeout'] } }))
})

t.test('where the policy says unsafeMethods, every method is treated as idempotent', async t => {
  t.ok(await isRetried(failure('UPSTREAM_RESET'), { method: 'POST', policy: { unsafeMethods: true } }))
  t.ok(await isRetried(response(502), { method: 'POST', policy: { unsafeMethods: true } }))
})

t.test('what may have been processed is retried only where the policy lists it', async t => {
  t.notOk(await isRetried(failure('UPSTREAM_RESET'), { policy: { on: ['gateway-error'] } }))
  t.notOk(await isRetried(response(503), { policy: { on: ['reset'] } }))
  t.notOk(await isRetried(response(500)))
  t.ok(await isRetried(response(500), { policy: { on: ['5xx'] } }))
  t.ok(await isRetried(response(409), { policy: { on: ['retriable-status-codes'], codes: [409] } }))
  t.notOk(await isRetried(response(409), { policy: { on: [], codes: [409] } }))
  t.ok(await isRetried(failure('PER_TRY_TIMEOUT')), 'a per-try timeout is a 504')
})

t.test('what never helps is not retried', async t => {
  for (const code of ['UPSTREAM_OVERFLOW', 'NO_CLUSTER', 'REQUEST_TIMEOUT', 'IDLE_TIMEOUT', 'LOOP', 'DOWNSTREAM_CLOSED'] as const) {
    t.notOk(await isRetried(failure(code)), code)
  }
  t.notOk(await isRetried(response(200)))
  t.notOk(await isRetried(new TypeError('bug') as MeshError))
})

t.test('a service without any endpoint fails at once; one whose endpoints cannot serve now is tried again', async t => {
  t.ok(await isRetried(failure('NO_HEALTHY_UPSTREAM')))
  const empty = setUp()
  empty.upstream.hosts = []
  await empty.upstream.answer(0, failure('NO_HEALTHY_UPSTREAM'))
  t.match(empty.result.error, { code: 'NO_HEALTHY_UPSTREAM' })
  t.notOk(empty.exchange.flags.has('URX'))
})

t.test('a receipt is tried elsewhere with any method', async t => {
  for (const code of ['APP_UNAVAILABLE', 'DRAINING', 'OVERLOADED'] as const) {
    t.ok(await isRetried(receipt(code), { method: 'POST' }), code)
    t.ok(await isRetried(receipt(code), { method: 'POST', policy: { on: [] } }), code)
  }
  t.notOk(await isRetried(receipt('UPSTREAM_RESET'), { method: 'POST' }))
})

t.test('inbound retries nothing else', async t => {
  const inbound = { direction: 'inbound' } as const
  t.notOk(await isRetried(failure('UPSTREAM_CLOSED'), { ...inbound, method: 'POST' }))
  for (const code of ['APP_UNAVAILABLE', 'UPSTREAM_RESET', 'UPSTREAM_PROTOCOL', 'NO_HEALTHY_UPSTREAM'] as const) {
    t.notOk(await isRetried(failure(code), inbound), code)
  }
  for (const answer of [response(503), receipt('DRAINING')]) t.notOk(await isRetried(answer, inbound))
})

t.test('if no octet of the request was written any method is tried again, inbound too', async t => {
  for (const direction of ['outbound', 'inbound'] as const) {
    for (const [octetsWritten, tries] of [
      [0, 2],
      [7, 1],
    ] as const) {
      const { upstream, time } = setUp({ method: 'POST', direction })
      const first = upstream.asked[0]
      if (first !== undefined) first.attempt.connection = { ...upstream.connection(), octetsWritten }
      await upstream.answer(0, failure('UPSTREAM_CLOSED'))
      await time.pass(100)
      t.equal(upstream.asked.length, tries, `${direction}, ${octetsWritten} octets`)
    }
  }
})
