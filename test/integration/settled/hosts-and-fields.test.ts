import tap from 'tap'
import { ask, Client, exchange, respond, service, TestMesh, Upstream } from './support.ts'

const mesh = await TestMesh.start()
const app = await new Upstream(({ line, head }) => respond(JSON.stringify({ line, head }))).listen()
const caller = await mesh.sidecar('caller', app.port)
const elsewhere = await mesh.sidecar('elsewhere', app.port, { namespace: 'shop' })
const orders = await mesh.sidecar('orders', app.port)
const via = caller.addresses.outbound.port
await mesh.apply(service('listed', [app.port]) + service('empty', []))

tap.teardown(async () => {
  await mesh.stop()
  await app.close()
})

const code = (answer: { field(name: string): string | null }) => /details="(\w+)"/.exec(answer.field('proxy-status') ?? '')?.[1] ?? ''
const headOf = (answer: { body: string }): string => JSON.parse(answer.body).head

tap.test("a service's names: case-insensitive, port stripped where it is the service's, registered ones at once", async t => {
  for (const name of ['orders', 'listed']) {
    for (const suffix of ['', '.default', '.default.svc', '.default.svc.cluster.local']) {
      for (const host of [name + suffix, (name + suffix).toUpperCase(), `${name}${suffix}.`, `${name}${suffix}:80`]) {
        t.equal((await ask(via, host)).status, 200, host)
      }
    }
  }
})

tap.test("a short name is looked up in the sidecar's own namespace", async t => {
  const from = elsewhere.addresses.outbound.port
  t.equal((await ask(from, 'elsewhere')).status, 200)
  t.equal((await ask(from, 'orders.default')).status, 200)
  t.equal((await ask(via, 'elsewhere.shop')).status, 200)
})

tap.test('a known name never falls through to DNS: unknown port NR, no endpoints UH', async t => {
  for (const host of ['orders:8080', 'listed.default.svc.cluster.local:1']) {
    const answer = await ask(via, host)
    t.equal(answer.status, 404)
    t.equal(code(answer), 'NO_ROUTE')
  }
  t.equal(code(await ask(via, 'empty')), 'NO_HEALTHY_UPSTREAM')
})

tap.test('absolute forms route by their target, whatever Host says', async t => {
  const answer = await exchange(via, 'GET HTTP://LISTED:80/a?b HTTP/1.1\r\nHost: other.example\r\nConnection: close\r\n\r\n')
  t.equal(JSON.parse(answer.body).line, 'GET /a?b HTTP/1.1')
  t.match(headOf(answer), /\r\nhost: listed:80/i)
})

tap.test('CONNECT to a service: HTTP inside goes through its routes', async t => {
  const client = new Client(via).write('CONNECT orders:80 HTTP/1.1\r\nHost: orders:80\r\n\r\n')
  await client.read(/^HTTP\/1\.1 200 .*\r\n\r\n/s)
  client.write('GET /in HTTP/1.1\r\nHost: orders\r\nConnection: close\r\n\r\n')
  const all = await client.closed
  t.match(all, /GET \/in HTTP\/1\.1/)
  t.match(all, /\r\nvia: 1\.1 caller-0-outbound/i)
})

tap.test('CONNECT to a service: no nested CONNECT, and nothing inside ends in silence', async t => {
  const nested = new Client(via).write('CONNECT orders:80 HTTP/1.1\r\nHost: o\r\n\r\nCONNECT orders:80 HTTP/1.1\r\nHost: o\r\n\r\n')
  t.match(await nested.closed, /^HTTP\/1\.1 200 .*HTTP\/1\.1 400 /s)
  const nothing = new Client(via).write('CONNECT orders:80 HTTP/1.1\r\nHost: o\r\n\r\n')
  await nothing.read(/200/)
  nothing.socket.end()
  t.match(await nothing.closed, /^HTTP\/1\.1 200 [^\r]*\r\n\r\n$/)
})

tap.test('CONNECT to a service: all else stays opaque, to one endpoint', async t => {
  const client = new Client(via).write('CONNECT listed:80 HTTP/1.1\r\nHost: l\r\n\r\n')
  await client.read(/200/)
  // No HTTP: but this upstream reads anything with an empty line, and answers it as it came.
  client.write('\x16\x03\x01opaque\r\n\r\n')
  t.match(await client.read(/opaque/), /u0003/)
  client.destroy()
})

tap.test('CONNECT: a failure is answered with a status, never with a bare close', async t => {
  const closed = await new Upstream(() => 'close').listen()
  const { port } = closed
  await closed.close()
  for (const [target, status, expected] of [
    [`127.0.0.1:${port}`, 503, 'UPSTREAM_CONNECT_REFUSED'],
    ['nosuch.invalid:443', 503, 'UPSTREAM_DNS'],
    ['orders:8080', 404, 'NO_ROUTE'],
    ['orders', 400, 'DOWNSTREAM_PROTOCOL'],
  ] as const) {
    const answer = await exchange(via, `CONNECT ${target} HTTP/1.1\r\nHost: ${target}\r\n\r\n`)
    t.equal(answer.status, status, target)
    t.equal(code(answer), expected, target)
  }
})

tap.test('CONNECT to a host outside: octets both ways, and half-close', async t => {
  const client = new Client(via).write(`CONNECT 127.0.0.1:${app.port} HTTP/1.1\r\nHost: x\r\n\r\n`)
  await client.read(/200/)
  client.write('GET /out HTTP/1.1\r\nHost: q\r\n\r\n')
  await client.read(/GET \/out/)
  client.socket.end()
  t.match(await client.closed, /GET \/out/)
})

tap.test('inbound is no open proxy: CONNECT and foreign absolute forms are refused, Host changes nothing', async t => {
  const inbound = orders.addresses.inbound.port
  for (const target of [`CONNECT 127.0.0.1:${app.port}`, `GET http://127.0.0.1:${app.port}/`, 'GET https://example.org/']) {
    const answer = await exchange(inbound, `${target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`)
    t.equal(answer.status, 403, target)
    t.equal(code(answer), 'FORBIDDEN_TARGET')
  }
  t.equal((await ask(inbound, 'example.org')).status, 200)
})

tap.test('an address equal to any own listener is refused, however it is spelled', async t => {
  const { inbound, outbound } = caller.addresses
  for (const { port } of [inbound, outbound]) {
    for (const host of ['127.0.0.1', 'localhost', '0.0.0.0', '[::ffff:127.0.0.1]', '[::ffff:7f00:1]', '[::]']) {
      const answer = await ask(via, `${host}:${port}`)
      t.equal(code(answer), 'LOOP', `${host}:${port}`)
      t.equal(answer.status, 508)
      t.equal(code(await exchange(via, `CONNECT ${host}:${port} HTTP/1.1\r\nHost: x\r\n\r\n`)), 'LOOP')
    }
  }
})

tap.test('Via: 508 only when this node and direction stands in it five times', async t => {
  const times = (count: number) => `Via: ${Array(count).fill('1.1 caller-0-outbound').join(', ')}\r\n`
  t.equal((await ask(via, 'listed', '/', { fields: times(4) })).status, 200)
  const answer = await ask(via, 'listed', '/', { fields: times(5) })
  t.equal(answer.status, 508)
  t.match(answer.field('proxy-status'), /proxy_loop_detected/)
})

tap.test('`egress: unknownHosts: deny` refuses hosts outside the mesh', async t => {
  const egress = (what: string) =>
    `apiVersion: outrider.dev/v1\nkind: Mesh\nmetadata: { name: default }\nspec: { egress: { unknownHosts: ${what} } }\n`
  t.equal((await ask(via, `127.0.0.1:${app.port}`)).status, 200)
  await mesh.apply(egress('deny'))
  const answer = await ask(via, `127.0.0.1:${app.port}`)
  t.equal(answer.status, 404)
  t.equal(code(answer), 'NO_ROUTE')
  t.equal((await exchange(via, `CONNECT 127.0.0.1:${app.port} HTTP/1.1\r\nHost: x\r\n\r\n`)).status, 404)
  await mesh.apply(egress('allow'))
})

tap.test('X-Forwarded-*: outbound never adds or changes them, inbound sets them if absent', async t => {
  t.notMatch(headOf(await ask(via, 'listed')), /x-forwarded/i)
  const set = headOf(await ask(via, 'orders'))
  t.match(set, /\r\nx-forwarded-for: 127\.0\.0\.1\r/i)
  t.match(set, /\r\nx-forwarded-proto: http\r/i)
  t.match(set, /\r\nx-forwarded-host: orders\r/i)
  const kept = headOf(await ask(via, 'orders', '/', { fields: 'X-Forwarded-For: 9.9.9.9\r\n' }))
  t.match(kept, /\r\nX-Forwarded-For: 9\.9\.9\.9\r/)
  t.notMatch(kept, /127\.0\.0\.1\r/)
})

tap.test('to hosts outside the mesh nothing is added, and `baggage` is removed', async t => {
  const host = `127.0.0.1:${app.port}`
  const head = headOf(await ask(via, host, '/', { fields: 'baggage: a=b\r\nX-Mine: 1\r\n' }))
  t.equal(head, `GET / HTTP/1.1\r\nHost: ${host}\r\nX-Mine: 1`)
})

tap.test('x-request-id is made where missing, replaced where longer than 128 or not visible ASCII', async t => {
  const id = async (fields: string) => /\r\nx-request-id: ([^\r]*)/i.exec(headOf(await ask(via, 'orders', '/', { fields })))?.[1]
  const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/
  t.match(await id(''), uuid)
  t.equal(await id('X-Request-Id: mine\r\n'), 'mine')
  t.equal(await id(`X-Request-Id: ${'a'.repeat(128)}\r\n`), 'a'.repeat(128))
  for (const bad of ['a'.repeat(129), 'a b', '\xe9', '']) t.match(await id(`X-Request-Id: ${bad}\r\n`), uuid)
})

tap.test('Upgrade: `h2c`, `HTTP2-Settings` and unlisted protocols are always removed', async t => {
  for (const protocol of ['h2c', 'foo']) {
    for (const host of ['listed', `127.0.0.1:${app.port}`]) {
      const fields = `Upgrade: ${protocol}\r\nHTTP2-Settings: AAMAAABk\r\nConnection: Upgrade, HTTP2-Settings\r\n`
      const answer = await exchange(via, `GET / HTTP/1.1\r\nHost: ${host}\r\n${fields}Connection: close\r\n\r\n`)
      t.equal(answer.status, 200)
      t.notMatch(headOf(answer), /upgrade|http2-settings/i)
    }
  }
})

tap.test('a websocket tunnels octets only after 101', async t => {
  const fields = 'Upgrade: websocket\r\nConnection: Upgrade\r\n'
  const refused = new Client(via).write(`GET / HTTP/1.1\r\nHost: listed\r\n${fields}\r\n`)
  t.match(await refused.read(/\r\n\r\n\{.*\}/s), /^HTTP\/1\.1 200/)
  refused.destroy()
  app.act = ({ line }) => (line.includes('/ws') ? { answer: `HTTP/1.1 101 Go\r\n${fields}\r\nhello` } : respond(line))
  const client = new Client(via).write(`GET /ws HTTP/1.1\r\nHost: listed\r\n${fields}\r\n`)
  await client.read(/^HTTP\/1\.1 101 .*\r\n\r\nhello$/s)
  client.write('frames\r\n\r\n')
  t.match(await client.read(/frames/), /frames/)
  client.destroy()
})
