import tap from 'tap'
import { ask, httpRoute, policy, respond, service, TestMesh, Upstream } from './support.ts'

const mesh = await TestMesh.start()
const first = await new Upstream(() => respond('first')).listen()
const second = await new Upstream(() => respond('second')).listen()
const refusing = await new Upstream(() => 'reset').listen()
const refusingPort = refusing.port
await refusing.close()
const sidecar = await mesh.sidecar('caller', first.port)
const via = sidecar.addresses.outbound.port
let count = 0

tap.teardown(async () => {
  await mesh.stop()
  await Promise.all([first.close(), second.close()])
})

/** A fresh service, so that no test sees another's budget or avoided endpoints. */
async function fresh(act: Upstream['act'], documents: (name: string) => string = () => '', more: readonly number[] = []): Promise<string> {
  const name = `s${++count}`
  first.got.length = 0
  second.got.length = 0
  first.act = act
  await mesh.apply(service(name, [first.port, ...more]) + documents(name))
  return name
}

tap.test('`attempts` counts retries: 2 means at most 3 tries', async t => {
  const name = await fresh(
    () => respond('', 503),
    name => policy(name, 'retry: { attempts: 2, budget: { percent: 100, minPerSecond: 10 } }'),
  )
  const answer = await ask(via, name)
  t.equal(answer.status, 503)
  t.equal(first.got.length, 3)
})

tap.test('without any document: 2 retries on gateway-error', async t => {
  const name = await fresh(() => respond('', 502))
  t.equal((await ask(via, name)).status, 502)
  t.equal(first.got.length, 3)
})

tap.test('a response that is no gateway error is not retried', async t => {
  const name = await fresh(() => respond('', 500))
  t.equal((await ask(via, name)).status, 500)
  t.equal(first.got.length, 1)
})

tap.test('a failure to connect is retried for every method, at another endpoint first', async t => {
  const name = await fresh(
    () => respond('ok'),
    () => '',
    [refusingPort],
  )
  for (let i = 0; i < 6; i++) t.equal((await ask(via, name, '/', { method: 'POST', body: 'once' })).status, 200)
  t.equal(first.got.length, 6)
})

tap.test('reset before the response: GET, PUT and DELETE are retried, POST and PATCH are not', async t => {
  const budget = (name: string) => policy(name, 'retry: { budget: { percent: 100, minPerSecond: 50 } }')
  const act: Upstream['act'] = ({ number }) => (number === 1 ? 'reset' : respond('ok'))
  for (const method of ['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE', 'TRACE']) {
    const name = await fresh(act, budget)
    t.equal((await ask(via, name, '/', { method })).status, 200, method)
    t.equal(first.got.length, 2, method)
  }
  for (const method of ['POST', 'PATCH']) {
    const name = await fresh(act, budget)
    const answer = await ask(via, name, '/', { method, body: 'x' })
    t.equal(answer.status, 503, method)
    t.match(answer.field('proxy-status'), /UPSTREAM_RESET|UPSTREAM_CLOSED/)
    t.equal(first.got.length, 1, method)
  }
})

tap.test('with an Idempotency-Key: on reset and 503, the same key on every try, but not on 502', async t => {
  const fields = 'Idempotency-Key: "k-1"\r\n'
  for (const [act, tries, status] of [
    ['reset', 2, 200],
    [respond('', 503), 2, 200],
    [respond('', 502), 1, 502],
  ] as const) {
    const name = await fresh(({ number }) => (number === 1 ? act : respond('ok')))
    const answer = await ask(via, name, '/', { method: 'POST', body: 'pay', fields })
    t.equal(answer.status, status)
    t.equal(first.got.length, tries)
    for (const { head, body } of first.got) {
      t.match(head, /\r\nIdempotency-Key: "k-1"/)
      t.equal(body, 'pay')
    }
  }
})

tap.test('a keyed POST is not retried on a per-try timeout, a GET is', async t => {
  const timeouts = (name: string) => policy(name, 'retry: { perTryTimeout: 100ms, on: [gateway-error] }')
  const act: Upstream['act'] = ({ number }) => (number === 1 ? 'hang' : respond('ok'))
  const keyed = await fresh(act, timeouts)
  const refused = await ask(via, keyed, '/', { method: 'POST', body: 'x', fields: 'Idempotency-Key: a\r\n' })
  t.equal(refused.status, 504)
  t.match(refused.field('proxy-status'), /PER_TRY_TIMEOUT/)
  t.equal(first.got.length, 1)
  const plain = await fresh(act, timeouts)
  t.equal((await ask(via, plain)).status, 200)
  t.equal(first.got.length, 2)
})

tap.test('where the policy says `unsafeMethods: true` a POST is retried', async t => {
  const name = await fresh(
    ({ number }) => (number === 1 ? 'reset' : respond('ok')),
    name => policy(name, 'retry: { unsafeMethods: true }'),
  )
  t.equal((await ask(via, name, '/', { method: 'POST', body: 'x' })).status, 200)
  t.equal(first.got.length, 2)
})

tap.test('when the budget is spent the original response passes with the reason `budget`', async t => {
  const name = await fresh(
    () => respond('tired', 503),
    name => policy(name, 'retry: { attempts: 5, backoff: 1ms, budget: { percent: 0, minPerSecond: 0 } }'),
  )
  const answer = await ask(via, name)
  t.equal(answer.status, 503)
  t.equal(answer.body, 'tired')
  t.equal(first.got.length, 1)
})

tap.test('a reset after the response head is never retried and cuts the response short', async t => {
  const name = await fresh(() => ({ answer: 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc', after: 'reset' }))
  const answer = await ask(via, name)
  t.equal(answer.status, 200)
  t.ok(answer.body.length < 10)
  t.equal(first.got.length, 1)
})

tap.test('a body of 64 KiB is replayed, a longer one is not', async t => {
  const act: Upstream['act'] = ({ number }) => (number === 1 ? respond('', 503) : respond('ok'))
  const small = await fresh(act)
  const body = 'x'.repeat(65_536)
  t.equal((await ask(via, small, '/', { method: 'PUT', body })).status, 200)
  t.same(
    first.got.map(each => each.body.length),
    [65_536, 65_536],
  )
  const large = await fresh(act)
  t.equal((await ask(via, large, '/', { method: 'PUT', body: `${body}y` })).status, 503)
  t.equal(first.got.length, 1)
})

tap.test("a route's field beats the TrafficPolicy's, field by field", async t => {
  const name = await fresh(
    () => respond('', 503),
    name =>
      httpRoute(name, `[{ retry: { attempts: 1 }, backendRefs: [{ name: ${name}, port: 80 }] }]`) +
      policy(name, 'retry: { attempts: 4, backoff: 1ms, budget: { percent: 100, minPerSecond: 50 } }'),
  )
  await ask(via, name)
  t.equal(first.got.length, 2)
})

tap.test('codes of a route: exactly these are retried', async t => {
  const name = await fresh(
    ({ number }) => (number === 1 ? respond('', 418) : respond('ok')),
    name => httpRoute(name, `[{ retry: { codes: [418], attempts: 1 }, backendRefs: [{ name: ${name}, port: 80 }] }]`),
  )
  t.equal((await ask(via, name)).status, 200)
  t.equal(first.got.length, 2)
})

tap.test('a kept-alive connection that dies before any octet of the response: an idempotent request is sent again', async t => {
  const name = await fresh(({ onConnection }) => (onConnection === 1 ? respond('ok') : 'close'))
  t.equal((await ask(via, name)).status, 200)
  t.equal((await ask(via, name)).status, 200)
  t.equal(first.got.length, 3)
  t.equal((await ask(via, name, '/', { method: 'POST', body: 'x' })).status, 503)
})

tap.test('a receipt: a POST that inbound could not hand to its app is tried elsewhere', async t => {
  first.act = () => respond('first')
  second.act = () => respond('second')
  const receipt = respond('', 503, 'Proxy-Status: outrider; error=connection_refused; details="APP_UNAVAILABLE"\r\n')
  const name = `s${++count}`
  first.got.length = second.got.length = 0
  first.act = () => receipt
  // In turns: two at random might never be the first of them.
  const turns = 'loadBalancer: { policy: roundRobin }, retry: { budget: { percent: 100, minPerSecond: 50 } }'
  await mesh.apply(service(name, [first.port, second.port]) + policy(name, turns))
  for (let i = 0; i < 8; i++) t.equal((await ask(via, name, '/', { method: 'POST', body: 'x' })).body, 'second')
  t.ok(first.got.length > 0, 'the first endpoint was tried')
  t.equal(second.got.length, 8)
})

tap.test('a POST that reaches its app through two sidecars is tried once', async t => {
  first.act = () => 'reset'
  first.got.length = 0
  await mesh.sidecar('app', first.port)
  await mesh.apply(policy('app', 'retry: { budget: { percent: 100, minPerSecond: 50 } }'))
  const answer = await ask(via, 'app', '/', { method: 'POST', body: 'x' })
  t.equal(answer.status, 503)
  t.equal(first.got.length, 1)
})
