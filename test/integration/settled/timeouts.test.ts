import tap from 'tap'
import { ask, Client, httpRoute, policy, respond, service, TestMesh, Upstream } from './support.ts'

const mesh = await TestMesh.start()
const upstream = await new Upstream(() => respond('ok')).listen()
const via = (await mesh.sidecar('caller', upstream.port)).addresses.outbound.port
let count = 0

tap.teardown(async () => {
  await mesh.stop()
  await upstream.close()
})

async function fresh(act: Upstream['act'], documents: (name: string) => string): Promise<string> {
  const name = `s${++count}`
  upstream.got.length = 0
  upstream.act = act
  await mesh.apply(service(name, [upstream.port]) + documents(name))
  return name
}

const rule = (name: string, fields: string) => httpRoute(name, `[{ ${fields}, backendRefs: [{ name: ${name}, port: 80 }] }]`)

tap.test('`request` holds with all tries and backoffs: 504, code REQUEST_TIMEOUT', async t => {
  const name = await fresh(
    () => 'hang',
    name =>
      rule(name, 'timeouts: { request: 300ms, backendRequest: 120ms }') + policy(name, 'retry: { attempts: 10, on: [gateway-error] }'),
  )
  const answer = await ask(via, name)
  t.equal(answer.status, 504)
  t.match(answer.field('proxy-status'), /REQUEST_TIMEOUT/)
  t.ok(upstream.got.length >= 2 && upstream.got.length <= 3, `${upstream.got.length} tries`)
})

tap.test('`backendRequest` ends a try at its response head: 504, code PER_TRY_TIMEOUT', async t => {
  const name = await fresh(
    () => 'hang',
    name => rule(name, 'timeouts: { backendRequest: 100ms }, retry: { attempts: 0 }'),
  )
  const answer = await ask(via, name)
  t.equal(answer.status, 504)
  t.match(answer.field('proxy-status'), /PER_TRY_TIMEOUT/)
  t.equal(upstream.got.length, 1)
})

tap.test('after the response head only `request` holds: a body may take longer than a try', async t => {
  const head = Promise.withResolvers<void>()
  const name = await fresh(
    () => ({ answer: 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab' }),
    name => rule(name, 'timeouts: { request: 250ms, backendRequest: 100ms }'),
  )
  const client = new Client(via).write(`GET / HTTP/1.1\r\nHost: ${name}\r\n\r\n`)
  await client.read(/\r\n\r\nab/)
  head.resolve()
  const all = await client.closed
  t.match(all, /^HTTP\/1\.1 200/)
  t.notMatch(all, /504/)
  t.equal(upstream.got.length, 1, 'the response was cut by `request`, and not tried again')
})

tap.test("a rule's `0s` switches off what the TrafficPolicy says", async t => {
  const answered = Promise.withResolvers<void>()
  const name = await fresh(
    async () => {
      await answered.promise
      return respond('late')
    },
    name => rule(name, 'timeouts: { request: 0s }') + policy(name, 'timeouts: { request: 100ms }'),
  )
  const other = `s${++count}`
  await mesh.apply(service(other, [upstream.port]) + policy(other, 'timeouts: { request: 200ms }'))
  const late = ask(via, name)
  // The other service's timeout is longer than what was switched off, and shows that time has passed.
  t.equal((await ask(via, other)).status, 504)
  answered.resolve()
  t.equal((await late).body, 'late')
})

tap.test('a stalled upload is caught by idle, and not by `request`', async t => {
  const name = await fresh(
    () => respond('ok'),
    name => policy(name, 'timeouts: { request: 50ms, idle: 300ms }'),
  )
  const client = new Client(via).write(`POST / HTTP/1.1\r\nHost: ${name}\r\nContent-Length: 10\r\n\r\nab`)
  const all = await client.closed
  t.match(all, /^HTTP\/1\.1 408 /)
  t.match(all, /IDLE_TIMEOUT/)
})

tap.test('`backendRequest` > `request` is an error; contradictory numbers are a warning', async t => {
  const bad = await mesh.tryApply(service('bad', [1]) + rule('bad', 'timeouts: { request: 1s, backendRequest: 2s }'))
  t.equal(bad.status, 422)
  t.match(JSON.stringify(bad.json.errors), /backendRequest/)
  const warned = await mesh.tryApply(
    service('bad', [1]) + rule('bad', 'timeouts: { request: 1s, backendRequest: 900ms }, retry: { attempts: 3 }'),
  )
  t.equal(warned.status, 200)
  t.ok(warned.json.warnings.length > 0)
})

tap.test('without a document a connect is given up, and never takes for ever', async t => {
  // TEST-NET-1 (RFC 5737): nothing answers, or there is no way to it.
  await mesh.apply(
    `---\napiVersion: outrider.dev/v1\nkind: Service\nmetadata: { name: nowhere }\nspec: { ports: [{ port: 80, protocol: http }], endpoints: [{ address: 192.0.2.1, port: 9 }] }\n${policy('nowhere', 'timeouts: { connect: 100ms }, retry: { attempts: 0 }')}`,
  )
  const answer = await ask(via, 'nowhere')
  t.equal(answer.status, 503)
  t.match(answer.field('proxy-status'), /UPSTREAM_CONNECT_(TIMEOUT|REFUSED)/)
})
