import t from 'tap'
import type { Incoming } from '../../../proxy/http/message.ts'
import { textReply } from '../../../proxy/http/reply.ts'
import { CODE, FLAG, FRAME } from '../../../proxy/http2/codes.ts'
import { DEFAULT_HTTP2_LIMITS, type Http2Limits } from '../../../proxy/http2/limits.ts'
import { LINGER_MS } from '../../../proxy/http2/linger.ts'
import type { CounterName } from '../../../proxy/util/counters.ts'
import { frame } from '../../unit/http2/support.ts'
import { turns, until } from '../http1/support.ts'
import { bench, type FramePeer, HandBody, response } from './support.ts'

const ok = (incoming: Incoming): void => incoming.respond(textReply(200, incoming.head.method, 'ok'))
/** Keeps every stream open. */
const never = (): void => {}

const PING = frame(FRAME.PING, 0, 0, '0102030405060708')
const SETTINGS = frame(FRAME.SETTINGS, 0, 0, '')
const UPDATE = frame(FRAME.WINDOW_UPDATE, 0, 0, '00000001')
const PRIORITY = frame(FRAME.PRIORITY, 0, 1, '0000000010')
const UNKNOWN = frame(99, 0, 1, '00')

/** Each flood: its limit, its counter, and the octets of one, by number. Stream 1 is open. */
const FLOODS: readonly [limit: keyof Http2Limits, counter: CounterName, one: (peer: FramePeer, n: number) => Buffer[]][] = [
  ['maxResetFlood', 'http2_reset_flood', (peer, n) => [peer.request(2 * n + 3, false), frame(FRAME.RST_STREAM, 0, 2 * n + 3, '00000008')]],
  ['maxResetFlood', 'http2_reset_flood', (peer, n) => [peer.request(2 * n + 3, false, { te: 'gzip' })]],
  ['maxSettingsFlood', 'http2_settings_flood', () => [SETTINGS]],
  ['maxPingFlood', 'http2_ping_flood', () => [PING]],
  ['maxWindowUpdateFlood', 'http2_window_update_flood', () => [UPDATE]],
  ['maxEmptyFrameFlood', 'http2_empty_frame_flood', peer => [peer.data(1, '', false)]],
  ['maxTinyFrameFlood', 'http2_tiny_frame_flood', peer => [peer.data(1, 'abcd', false)]],
  ['maxPriorityFlood', 'http2_priority_flood', () => [PRIORITY]],
  ['maxPriorityFlood', 'http2_priority_flood', () => [UNKNOWN]],
]

for (const [limit, counter, one] of FLOODS) {
  t.test(`${limit}: as many are taken, one more ends the connection with ENHANCE_YOUR_CALM and counts as ${counter}`, async t => {
    const b = await bench(t, never, { [limit]: 20 })
    const peer = b.connect().greet()
    peer.say(peer.request(1, false))
    await until(() => b.servers[0]?.active === 1)
    // The peer's own SETTINGS are one of them.
    const allowed = limit === 'maxSettingsFlood' ? 19 : 20
    for (let n = 0; n < allowed; n++) peer.say(...one(peer, n))
    await turns(50)
    t.equal(b.counters.get(counter), 0)
    t.equal(b.servers[0]?.active, 1)
    peer.say(...one(peer, allowed))
    t.equal((await peer.hearsGoAway())[0]?.code, CODE.ENHANCE_YOUR_CALM)
    await peer.ended()
    t.equal(b.counters.get(counter), 1)
    t.equal(b.servers[0]?.active, 0)
    t.equal(b.ends.at(-1), 'DOWNSTREAM_PROTOCOL')
    t.ok((DEFAULT_HTTP2_LIMITS[limit] as number) > 20)
  })
}

t.test('a flood that is slow enough is none, and our own DATA earns WINDOW_UPDATEs', async t => {
  const b = await bench(t, ok, { maxPingFlood: 10, maxWindowUpdateFlood: 10 })
  const peer = b.connect().greet()
  for (let second = 0; second < 20; second++) {
    peer.say(PING)
    await until(() => peer.seen.filter(each => each.type === FRAME.PING).length === second + 1)
    b.clock.pass(1_000)
  }
  for (let n = 0; n < 10; n++) {
    peer.say(peer.request(2 * n + 1, true))
    await peer.hearsEnd(2 * n + 1)
    for (let i = 0; i < 10; i++) peer.say(UPDATE)
  }
  await turns(50)
  t.notOk(peer.isEnded)
})

t.test('maxStreams: a stream more is refused, to be tried again, and the others go on', async t => {
  const open: Incoming[] = []
  const b = await bench(t, incoming => void open.push(incoming), { maxStreams: 2 })
  const peer = b.connect().greet()
  peer.say(peer.request(1, true), peer.request(3, true), peer.request(5, false), peer.data(5, 'on its way', true))
  t.equal(await peer.hearsReset(5), CODE.REFUSED_STREAM)
  t.equal(b.counters.get('http2_streams_refused'), 1)
  t.equal(open.length, 2)
  for (const incoming of open) ok(incoming)
  await peer.hearsEnd(3)
  peer.say(peer.request(7, true))
  await until(() => open.length === 3)
  t.match(peer.seen.find(each => each.type === FRAME.SETTINGS)?.payload.toString('hex'), /000300000002/, 'and it was said in SETTINGS')
})

t.test('maxListBytes and maxFields are answered 431, maxTargetBytes 414; the connection goes on, its tables in step', async t => {
  const b = await bench(t, ok, { maxListBytes: 400, maxFields: 8, maxTargetBytes: 50 })
  const peer = b.connect().greet()
  peer.say(peer.request(1, true, { 'x-long': 'x'.repeat(400) }))
  const { lines } = await peer.hearsEnd(1)
  t.same(lines, [':status: 431', 'proxy-status: outrider; error=http_request_error; details="DOWNSTREAM_HEAD_TOO_LARGE"'])
  peer.say(peer.request(3, false, { a: '1', b: '2', c: '3', d: '4', e: '5' }), peer.data(3, 'dropped', true))
  t.equal((await peer.hearsEnd(3)).lines[0], ':status: 431')
  t.equal(await peer.hearsReset(3), CODE.NO_ERROR)
  t.equal(b.counters.get('downstream_head_too_large'), 2)
  peer.say(peer.request(5, true, { ':path': `/${'x'.repeat(50)}` }))
  t.equal((await peer.hearsEnd(5)).lines[0], ':status: 414')
  t.equal(b.counters.get('downstream_target_too_long'), 1)
  t.same(
    b.refusals.map(error => error.code),
    ['DOWNSTREAM_HEAD_TOO_LARGE', 'DOWNSTREAM_HEAD_TOO_LARGE', 'DOWNSTREAM_TARGET_TOO_LONG'],
  )
  peer.say(peer.request(7, true, { a: '1', b: '2' }))
  t.equal((await peer.hearsEnd(7)).type, FRAME.DATA)
})

t.test('maxBlockBytes: a header block that is longer as it comes ends the connection', async t => {
  const b = await bench(t, ok, { maxBlockBytes: 20_000 })
  const peer = b.connect().greet()
  peer.say(frame(FRAME.HEADERS, FLAG.END_STREAM, 1, Buffer.alloc(10_000)), frame(FRAME.CONTINUATION, 0, 1, Buffer.alloc(10_001)))
  t.equal((await peer.hearsGoAway())[0]?.code, CODE.ENHANCE_YOUR_CALM)
  await peer.ended()
})

t.test('maxContinuations: one frame more ends the connection and counts as http2_continuation_flood', async t => {
  const b = await bench(t, ok)
  const peer = b.connect().greet()
  peer.say(frame(FRAME.HEADERS, FLAG.END_STREAM, 1, ''))
  for (let n = 0; n <= DEFAULT_HTTP2_LIMITS.maxContinuations; n++) peer.say(frame(FRAME.CONTINUATION, 0, 1, ''))
  t.equal((await peer.hearsGoAway())[0]?.code, CODE.ENHANCE_YOUR_CALM)
  t.equal(b.counters.get('http2_continuation_flood'), 1)
})

t.test('streamWindowBytes and connectionWindowBytes: who sends more than they allow has broken the protocol', async t => {
  const b = await bench(t, never, { streamWindowBytes: 70_000, connectionWindowBytes: 100_000 })
  const peer = b.connect().greet()
  const chunk = Buffer.alloc(10_000)
  peer.say(peer.request(1, false))
  await until(() => b.servers[0]?.active === 1)
  for (let n = 0; n < 7; n++) peer.say(peer.data(1, chunk, false))
  await turns(50)
  t.equal(b.servers[0]?.active, 1)
  peer.say(peer.data(1, 'x', false))
  t.equal(await peer.hearsReset(1), CODE.FLOW_CONTROL_ERROR)
  t.equal(b.counters.get('downstream_protocol_error'), 1)
  const credit = peer.seen.filter(each => each.type === FRAME.WINDOW_UPDATE && each.id === 0)
  t.ok(credit.length >= 2, 'octets of the connection are given back, whoever holds them')
})

t.test('headTimeoutMs: a header block, or another frame, that does not end in time ends the connection', async t => {
  for (const part of [frame(FRAME.HEADERS, 0, 1, '82'), PING.subarray(0, 5)]) {
    const b = await bench(t, ok, { headTimeoutMs: 100 })
    const peer = b.connect().greet().say(part)
    await peer.hears(each => each.type === FRAME.SETTINGS && each.flags === FLAG.ACK)
    await turns()
    b.clock.pass(110)
    t.equal((await peer.hearsGoAway())[0]?.code, CODE.ENHANCE_YOUR_CALM)
    t.equal(b.counters.get('downstream_slow_head'), 1)
  }
})

t.test('settingsTimeoutMs: who does not acknowledge, or does not even say its preface, is left', async t => {
  const b = await bench(t, ok, { settingsTimeoutMs: 100 })
  const silent = b.connect()
  await silent.hears(each => each.type === FRAME.SETTINGS)
  const deaf = b.connect().say(Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), SETTINGS)
  await deaf.hears(each => each.flags === FLAG.ACK)
  const good = b.connect().greet()
  await good.hears(each => each.flags === FLAG.ACK)
  await turns()
  b.clock.pass(110)
  for (const peer of [silent, deaf]) t.equal((await peer.hearsGoAway())[0]?.code, CODE.SETTINGS_TIMEOUT)
  t.equal(b.counters.get('http2_settings_timeouts'), 2)
  t.notOk(good.isEnded)
})

t.test('idleTimeoutMs: a connection without a stream goes away, one with a stream does not', async t => {
  const b = await bench(t, never, { idleTimeoutMs: 1_000, pingAfterMs: 60_000 })
  const idle = b.connect().greet()
  const busy = b.connect().greet()
  busy.say(busy.request(1, true))
  await until(() => b.servers.length === 2 && b.servers.some(server => server.active === 1))
  await idle.hears(each => each.flags === FLAG.ACK)
  b.clock.pass(1_100)
  t.equal((await idle.hearsGoAway())[0]?.code, CODE.NO_ERROR)
  t.equal(b.counters.get('downstream_idle_closed'), 1)
  await turns()
  t.notOk(busy.isEnded)
})

t.test('pingAfterMs and pingTimeoutMs: silence is asked about, and who does not answer has gone', async t => {
  const b = await bench(t, never, { pingAfterMs: 1_000, pingTimeoutMs: 500 })
  const peer = b.connect().greet()
  peer.say(peer.request(1, true))
  await until(() => b.servers[0]?.active === 1)
  b.clock.pass(1_010)
  const { payload } = await peer.hears(each => each.type === FRAME.PING)
  peer.say(frame(FRAME.PING, FLAG.ACK, 0, payload))
  await turns(50)
  b.clock.pass(900)
  t.notOk(peer.isEnded)
  b.clock.pass(200)
  await until(() => peer.seen.filter(each => each.type === FRAME.PING).length === 2)
  b.clock.pass(510)
  await peer.ended()
  t.equal(b.counters.get('http2_ping_timeouts'), 1)
  t.same(b.ends, ['DOWNSTREAM_CLOSED'])
})

t.test('stallTimeoutMs: a peer that keeps its windows shut is left; one that opens them a little is not', async t => {
  const bodies: HandBody[] = []
  const b = await bench(
    t,
    incoming => {
      const body = new HandBody()
      bodies.push(body)
      incoming.respond(response(200, body))
    },
    { stallTimeoutMs: 1_000, pingAfterMs: 60_000 },
  )
  // INITIAL_WINDOW_SIZE 10.
  const shut = b.connect().greet('00040000000a')
  shut.say(shut.request(1, true))
  await until(() => bodies.length === 1)
  bodies[0]?.give(Buffer.alloc(100))
  t.ok(bodies[0]?.isPaused)
  await until(() => shut.received(1) === 10)
  for (let n = 0; n < 3; n++) {
    shut.say(frame(FRAME.WINDOW_UPDATE, 0, 1, '00000001'))
    await until(() => shut.received(1) === 11 + n)
    b.clock.pass(900)
  }
  t.equal(b.counters.get('http2_stalled_closed'), 0)
  b.clock.pass(2_100)
  await shut.ended()
  t.equal(b.counters.get('http2_stalled_closed'), 1)
  t.same(b.ends, ['DOWNSTREAM_CLOSED'])
})

t.test('LINGER_MS: a peer that does not close after our last word is closed', async t => {
  const b = await bench(t, ok)
  const peer = b.connect().say(Buffer.from('GET / HTTP/1.1\r\n\r\n'))
  await peer.hearsGoAway()
  t.equal(b.acceptor.active, 1)
  b.clock.pass(LINGER_MS + 10)
  await until(() => b.acceptor.active === 0)
  t.same(
    b.refusals.map(error => error.message),
    ['no HTTP/2 preface (PROTOCOL_ERROR)'],
  )
})

for (const isReading of [true, false]) {
  t.test(
    `after a drain, a reader that ${isReading ? 'is slow gets the whole of its last answer' : 'takes nothing for 30 s is given up'}`,
    async t => {
      const body = new HandBody()
      const b = await bench(t, incoming => incoming.respond(response(200, body)))
      const peer = b.connect().greet('00047fffffff')
      peer.say(peer.request(1, true), frame(FRAME.WINDOW_UPDATE, 0, 0, '7fff0000'))
      await until(() => body.sink !== null)
      peer.socket.pause()
      const [socket] = b.acceptor.connections
      let given = 0
      // Until the operating system is full, and some of it waits with us.
      while (socket?.unsent === 0) {
        body.give(Buffer.alloc(16_000))
        given += 16_000
        await turns(2)
      }
      b.servers[0]?.drain()
      b.clock.pass(DEFAULT_HTTP2_LIMITS.drainMs + 10)
      body.sink?.end(null)
      t.equal(b.servers[0]?.active, 0)
      b.clock.pass(20 * LINGER_MS)
      await turns()
      t.equal(b.acceptor.active, 1, 'nothing is cut off')
      if (isReading) {
        peer.socket.resume()
        await peer.hearsEnd(1)
        t.equal(peer.received(1), given)
        peer.socket.end()
      } else b.clock.pass(20 * LINGER_MS)
      await until(() => b.acceptor.active === 0)
    },
  )
}
