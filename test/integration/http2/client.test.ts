import t from 'tap'
import { BufferBody, EMPTY_BODY } from '../../../proxy/http/body.ts'
import { FieldList } from '../../../proxy/http/fields.ts'
import type { ResponseHead } from '../../../proxy/http/head.ts'
import { connectHttp2 } from '../../../proxy/http2/client.ts'
import { CODE, FLAG, FRAME } from '../../../proxy/http2/codes.ts'
import { dial } from '../../../proxy/net/dial.ts'
import { Counters } from '../../../proxy/util/counters.ts'
import { HandClock } from '../../support/hand-clock.ts'
import { frame } from '../../unit/http2/support.ts'
import { turns, until } from '../http1/support.ts'
import { answer, code, pair, request } from './client-support.ts'
import { bench, Collected, HandBody, response } from './support.ts'

t.test('a request leaves as pseudo-fields and fields, and its response comes with body and trailers', async t => {
  const { connection, peer, events } = await pair(t)
  const headers = new FieldList([
    ['x-one', '1'],
    ['connection', 'close'],
    ['content-length', '5'],
  ])
  const sending = connection.send(request({ method: 'POST', trailersAccepted: true, headers }, new BufferBody(Buffer.from('hello'))))
  const head = await peer.hears(each => each.type === FRAME.HEADERS)
  t.same(head.lines, [':method: POST', ':scheme: http', ':path: /a', ':authority: orders', 'te: trailers', 'x-one: 1', 'content-length: 5'])
  await peer.hearsEnd(1)
  t.equal(peer.text(1), 'hello')
  t.equal(connection.active, 1)
  peer.say(answer(peer, 1, false, { 'content-type': 'text/plain', 'content-length': '0' }))
  const { head: received, body } = await sending
  t.equal(received.status, 200)
  t.equal(received.headers.get('content-type'), 'text/plain')
  t.equal(body.length, null, 'trailers may follow, whatever content-length says')
  const collected = new Collected()
  body.pipe(collected)
  const before = events.available
  peer.say(frame(FRAME.HEADERS, FLAG.END_HEADERS | FLAG.END_STREAM, 1, peer.block({ 'grpc-status': '0' })))
  await until(() => collected.isEnded)
  t.equal(collected.trailers?.get('grpc-status'), '0')
  t.equal(connection.active, 0)
  t.equal(events.available, before + 1)
  t.ok(connection.isReused)
})

t.test("capacity is the peer's stream limit, and follows it; beyond it a request is refused before anything leaves", async t => {
  const { connection, peer, events } = await pair(t, '000300000002')
  t.equal(connection.capacity, 2)
  const first = connection.send(request())
  void connection.send(request()).catch(() => {})
  t.equal(await code(connection.send(request())), 'UPSTREAM_REFUSED_STREAM')
  await peer.hears(each => each.id === 3)
  const before = events.available
  peer.say(frame(FRAME.SETTINGS, 0, 0, '000300000005'))
  await until(() => connection.capacity === 5)
  t.equal(events.available, before + 1)
  peer.say(answer(peer, 1, true))
  await first
  t.notOk(peer.seen.some(each => each.id === 5))
})

t.test('informational heads go by, 101 has no place in HTTP/2, and more than maxInformational is a fault', async t => {
  const { connection, peer, counters } = await pair(t)
  const heads: ResponseHead[] = []
  const good = connection.send(request({}, EMPTY_BODY, heads))
  for (const status of ['100', '103']) peer.say(answer(peer, 1, false, { ':status': status }))
  peer.say(answer(peer, 1, true))
  t.equal((await good).head.status, 200)
  t.same(
    heads.map(head => head.status),
    [100, 103],
  )
  const switching = code(connection.send(request()))
  await peer.hears(each => each.id === 3)
  peer.say(answer(peer, 3, false, { ':status': '101' }))
  t.equal(await switching, 'UPSTREAM_PROTOCOL')
  t.equal(await peer.hearsReset(3), CODE.PROTOCOL_ERROR)
  const endless = code(connection.send(request()))
  await peer.hears(each => each.id === 5)
  for (let n = 0; n < 4; n++) peer.say(answer(peer, 5, false, { ':status': '102' }))
  t.equal(await endless, 'UPSTREAM_PROTOCOL')
  t.equal(counters.get('upstream_protocol_error'), 2)
})

t.test('a response that is no message is UPSTREAM_PROTOCOL (RFC 9113 section 8.1.1)', async t => {
  const { connection, peer } = await pair(t)
  let id = -1
  for (const [lines, isEnd] of [
    [{ ':status': '99' }, true],
    [{ ':status': '' }, true],
    [{ ':path': '/' }, true],
    [{ connection: 'close' }, true],
    [{ 'content-length': '5' }, true],
    [{ 'content-length': 'x' }, false],
    [{ ':status': '103' }, true],
  ] as const) {
    id += 2
    const sending = code(connection.send(request()))
    await peer.hears(each => each.id === id)
    peer.say(answer(peer, id, isEnd, lines as Record<string, string>))
    t.equal(await sending, 'UPSTREAM_PROTOCOL', JSON.stringify(lines))
    t.equal(await peer.hearsReset(id), CODE.PROTOCOL_ERROR)
  }
  const early = code(connection.send(request()))
  await peer.hears(each => each.id === id + 2)
  peer.say(peer.data(id + 2, 'before its head', false))
  t.equal(await early, 'UPSTREAM_PROTOCOL')
})

t.test('a response to HEAD keeps its length and has no octets; one that is cut short fails, and never ends', async t => {
  const { connection, peer } = await pair(t)
  const head = connection.send(request({ method: 'HEAD' }))
  peer.say(answer(peer, 1, true, { 'content-length': '1000' }))
  t.equal((await head).head.headers.get('content-length'), '1000')
  const cut = connection.send(request())
  await peer.hears(each => each.id === 3)
  peer.say(answer(peer, 3, false, { 'content-length': '10' }), peer.data(3, 'half', true))
  const collected = new Collected()
  ;(await cut).body.pipe(collected)
  await until(() => collected.error !== null)
  t.equal(collected.error?.code, 'UPSTREAM_PROTOCOL')
  t.notOk(collected.isEnded)
})

t.test('an upgrade is an extended CONNECT where the peer takes it, answered as 101, and a tunnel; else it is not implemented', async t => {
  const plain = await pair(t)
  t.equal(await code(plain.connection.send(request({ upgrade: 'websocket' }))), 'NOT_IMPLEMENTED')
  const { connection, peer } = await pair(t, '000800000001')
  const up = new HandBody()
  const sending = connection.send(request({ upgrade: 'websocket' }, up))
  const head = await peer.hears(each => each.type === FRAME.HEADERS)
  t.same(head.lines, [':method: CONNECT', ':protocol: websocket', ':scheme: http', ':path: /a', ':authority: orders'])
  t.equal(head.flags, FLAG.END_HEADERS)
  t.equal(up.sink, null, 'its octets follow the answer')
  peer.say(answer(peer, 1, false), peer.data(1, 'down', false))
  const { head: received, body } = await sending
  t.equal(received.status, 101)
  const down = new Collected()
  body.pipe(down)
  up.give('up')
  await until(() => peer.received(1) === 2 && down.text === 'down')
  peer.say(peer.data(1, '', true))
  await until(() => down.isEnded)
  up.give(' and on')
  up.sink?.end(null)
  await peer.hearsEnd(1)
  t.equal(peer.text(1), 'up and on')
  t.equal(connection.active, 0)
})

t.test("both roles: octets and trailers pass through a connection of ours to a server of ours, within each other's windows", async t => {
  const b = await bench(t, incoming => incoming.respond(response(200, incoming.body)))
  const clock = new HandClock()
  const raw = await dial({ address: '127.0.0.1', port: b.port }, { timers: clock.wheel, timeoutMs: 1_000 })
  const events = { available() {}, closed() {} }
  const connection = connectHttp2(raw, { timers: clock.wheel, counters: new Counters(), name: 'ours', events })
  const octets = Buffer.from(Array.from({ length: 3_000_000 }, (_, i) => (i * 7) & 255))
  const all = Array.from({ length: 20 }, async () => {
    const collected = new Collected()
    const { body } = await connection.send(request({ method: 'POST' }, new BufferBody(octets)))
    body.pipe(collected)
    await until(() => collected.isEnded || collected.error !== null)
    return collected.text === octets.toString('latin1')
  })
  t.same(
    await Promise.all(all),
    all.map(() => true),
  )
  await turns()
  t.equal(connection.active, 0)
  t.same(
    b.ends,
    all.map(() => null),
  )
  connection.drain()
})
