import t from 'tap'
import { MeshError } from '../../../proxy/errors.ts'
import { BufferBody, EMPTY_BODY } from '../../../proxy/http/body.ts'
import { FieldList } from '../../../proxy/http/fields.ts'
import type { Incoming } from '../../../proxy/http/message.ts'
import { textReply } from '../../../proxy/http/reply.ts'
import { CODE, FLAG, FRAME } from '../../../proxy/http2/codes.ts'
import { StreamError } from '../../../proxy/http2/stream-error.ts'
import { frame } from '../../unit/http2/support.ts'
import { turns, until } from '../http1/support.ts'
import { bench, Collected, HandBody, response } from './support.ts'

t.test('a request is handed over with its head, and its answer leaves in one write with the end on its last frame', async t => {
  let seen: Incoming | null = null
  const b = await bench(t, incoming => {
    seen = incoming
    incoming.respond(response(200, new BufferBody(Buffer.from('hello')), [['content-type', 'text/plain']]))
  })
  const peer = b.connect().greet()
  peer.say(peer.request(1, true, { ':path': '/a?b', 'x-one': '1', te: 'trailers' }))
  await peer.hearsEnd(1)
  const { head, peer: other, bytesOut } = seen as unknown as Incoming
  t.match(head, { method: 'GET', path: '/a?b', authority: 'orders', protocol: 'HTTP/2', trailersAccepted: true })
  t.equal(head.headers.get('x-one'), '1')
  t.equal(other.address, '127.0.0.1')
  t.equal(bytesOut, 5)
  const frames = peer.seen.filter(each => each.id === 1)
  t.same(
    frames.map(({ type, flags }) => [type, flags]),
    [
      [FRAME.HEADERS, FLAG.END_HEADERS],
      [FRAME.DATA, FLAG.END_STREAM],
    ],
  )
  t.same(frames[0]?.lines, [':status: 200', 'content-type: text/plain'])
  t.equal(peer.text(1), 'hello')
  t.same(b.ends, [null])
})

t.test('an answer without octets ends with its head; to HEAD, 204 and 304 it has none, whatever its length says', async t => {
  const b = await bench(t, incoming => {
    const status = Number(incoming.head.path?.slice(1))
    incoming.respond(response(status, status === 200 ? EMPTY_BODY : new BufferBody(Buffer.from('no')), [['content-length', '2']]))
  })
  const peer = b.connect().greet()
  peer.say(
    peer.request(1, true, { ':path': '/200', ':method': 'HEAD' }),
    peer.request(3, true, { ':path': '/204' }),
    peer.request(5, true, { ':path': '/304' }),
    peer.request(7, true, { ':path': '/200' }),
  )
  for (const id of [1, 3, 5, 7]) t.equal((await peer.hearsEnd(id)).type, FRAME.HEADERS)
  t.match((await peer.hearsEnd(5)).lines, [':status: 304', 'content-length: 2'])
  t.same((await peer.hearsEnd(7)).lines, [':status: 200'], 'a length that is not true is left out')
})

t.test('trailers pass both ways, also behind content-length: 0', async t => {
  const request = new Collected()
  const trailers = new FieldList([['grpc-status', '0']])
  const b = await bench(t, incoming => {
    incoming.body.pipe({
      data: chunk => request.data(chunk),
      end(received) {
        request.end(received)
        incoming.respond(response(200, { ...EMPTY_BODY, pipe: sink => sink.end(trailers) }, [['content-length', '0']]))
      },
      fail: error => request.fail(error),
    })
  })
  const peer = b.connect().greet()
  peer.say(peer.request(1, false), frame(FRAME.HEADERS, FLAG.END_HEADERS | FLAG.END_STREAM, 1, peer.block({ 'x-checksum': 'abc' })))
  t.same((await peer.hearsEnd(1)).lines, ['grpc-status: 0'])
  await until(() => request.isEnded)
  t.equal(request.trailers?.get('x-checksum'), 'abc')
  const heads = peer.seen.filter(each => each.type === FRAME.HEADERS)
  t.same(heads[0]?.lines, [':status: 200', 'content-length: 0'])
})

t.test('informational heads go before the final one, 101 and others do not', async t => {
  const b = await bench(t, incoming => {
    for (const status of [100, 103, 101, 200]) incoming.informational({ status, headers: new FieldList([['x', `${status}`]]) })
    incoming.respond(textReply(200, 'GET', 'ok'))
    incoming.informational({ status: 103, headers: new FieldList() })
  })
  const peer = b.connect().greet()
  peer.say(peer.request(1, true))
  await peer.hearsEnd(1)
  t.same(
    peer.seen.filter(each => each.type === FRAME.HEADERS).map(each => each.lines[0]),
    [':status: 100', ':status: 103', ':status: 200'],
  )
})

t.test('a response that breaks is reset and never looks whole; its reason goes on', async t => {
  const bodies: HandBody[] = []
  const b = await bench(t, incoming => {
    const body = new HandBody()
    bodies.push(body)
    incoming.respond(response(200, body))
  })
  const peer = b.connect().greet()
  peer.say(peer.request(1, true), peer.request(3, true))
  await until(() => bodies.length === 2)
  bodies[0]?.give('par')
  bodies[0]?.sink?.fail(new MeshError('UPSTREAM_RESET', 'gone'))
  bodies[1]?.sink?.fail(new StreamError('UPSTREAM_RESET', CODE.ENHANCE_YOUR_CALM, 'peer', 'reset'))
  t.equal(await peer.hearsReset(1), CODE.INTERNAL_ERROR)
  t.equal(await peer.hearsReset(3), CODE.ENHANCE_YOUR_CALM)
  t.notOk(peer.seen.some(each => each.type !== FRAME.RST_STREAM && each.id !== 0 && (each.flags & FLAG.END_STREAM) !== 0))
  t.same(b.ends, ['UPSTREAM_RESET', 'UPSTREAM_RESET'])
})

t.test('a response longer or shorter than its length is reset', async t => {
  const bodies: HandBody[] = []
  const b = await bench(t, incoming => {
    const body = new HandBody()
    body.length = 3
    bodies.push(body)
    incoming.respond(response(200, body))
  })
  const peer = b.connect().greet()
  peer.say(peer.request(1, true), peer.request(3, true))
  await until(() => bodies.length === 2)
  bodies[0]?.give('four')
  bodies[1]?.give('12')
  bodies[1]?.sink?.end(null)
  t.equal(await peer.hearsReset(1), CODE.INTERNAL_ERROR)
  t.equal(await peer.hearsReset(3), CODE.INTERNAL_ERROR)
})

t.test('a reset by the downstream cancels its exchange with the reason, and is not echoed', async t => {
  const request = new Collected()
  const body = new HandBody()
  const exchanges: Incoming[] = []
  const b = await bench(t, incoming => {
    exchanges.push(incoming)
    incoming.body.pipe(request)
    incoming.respond(response(200, body))
  })
  const peer = b.connect().greet()
  peer.say(peer.request(1, false), peer.data(1, 'abcdef', false))
  await until(() => request.text === 'abcdef')
  peer.say(frame(FRAME.RST_STREAM, 0, 1, '00000008'))
  await until(() => b.ends.length === 1)
  t.same(b.ends, ['DOWNSTREAM_CLOSED'])
  t.match(exchanges[0]?.cancelled.reason, { http2Code: CODE.CANCEL })
  t.match(body.cancelled, { http2Code: CODE.CANCEL })
  t.equal(request.error?.code, 'DOWNSTREAM_CLOSED')
  await turns()
  t.notOk(peer.seen.some(each => each.type === FRAME.RST_STREAM))
  t.equal(b.servers[0]?.active, 0)
})

t.test(
  'a response that is whole before its request ends the stream with NO_ERROR (RFC 9113 section 8.1), and late DATA is ignored',
  async t => {
    const b = await bench(t, incoming => {
      incoming.body.cancel(new MeshError('DENIED', 'no'))
      incoming.respond(textReply(403, 'POST', 'no'))
    })
    const peer = b.connect().greet()
    peer.say(peer.request(1, false), peer.data(1, 'abcdefgh', false))
    await peer.hearsEnd(1)
    t.equal(await peer.hearsReset(1), CODE.NO_ERROR)
    peer.say(peer.data(1, 'late octets', true), frame(FRAME.PING, 0, 0, '0102030405060708'))
    await peer.hears(each => each.type === FRAME.PING)
    t.equal(peer.seen.filter(each => each.type === FRAME.RST_STREAM || each.type === FRAME.GOAWAY).length, 1)
  },
)

t.test('DATA that does not fit its content-length resets the stream before the request looks whole (section 8.1.1)', async t => {
  const requests: Collected[] = []
  const b = await bench(t, incoming => {
    const request = new Collected()
    requests.push(request)
    incoming.body.pipe(request)
  })
  const peer = b.connect().greet()
  peer.say(peer.request(1, false, { 'content-length': '5' }), peer.data(1, 'abcdefgh', true))
  peer.say(peer.request(3, false, { 'content-length': '5' }), peer.data(3, 'abc', true))
  peer.say(peer.request(5, true, { 'content-length': '5' }))
  for (const id of [1, 3, 5]) t.equal(await peer.hearsReset(id), CODE.PROTOCOL_ERROR)
  t.equal(requests.length, 2)
  for (const request of requests) t.notOk(request.isEnded)
  t.equal(b.counters.get('downstream_protocol_error'), 3)
})

t.test('a CONNECT is a tunnel of the stream, each side ends on its own; an extended one is answered 200 for 101 (RFC 8441)', async t => {
  for (const [head, status] of [
    [{ ':method': 'CONNECT', ':authority': 'db:5432' }, 200],
    [{ ':method': 'CONNECT', ':protocol': 'websocket', ':scheme': 'http', ':authority': 'chat', ':path': '/' }, 101],
  ] as const) {
    const tunnel = new HandBody()
    const request = new Collected()
    const b = await bench(t, incoming => {
      incoming.respond(response(status, tunnel))
      incoming.body.pipe(request)
    })
    const peer = b.connect().greet()
    peer.say(frame(FRAME.HEADERS, FLAG.END_HEADERS, 1, peer.block(head)), peer.data(1, 'up you go', false))
    t.same((await peer.hears(each => each.type === FRAME.HEADERS)).lines, [':status: 200'])
    await until(() => request.text === 'up you go')
    tunnel.give('down')
    tunnel.sink?.end(null)
    await peer.hearsEnd(1)
    t.equal(peer.text(1), 'down')
    t.same(b.ends, [], 'the other side is still open')
    peer.say(peer.data(1, ', and more', true))
    await until(() => b.ends.length === 1)
    t.equal(request.text, 'up you go, and more')
    t.ok(request.isEnded)
    t.same(b.ends, [null])
    t.equal(b.counters.get('tunnels_opened'), 1)
  }
})

t.test('a CONNECT that is terminated comes once more as an opaque tunnel, already answered', async t => {
  const tunnel = new HandBody()
  const seen: boolean[] = []
  const b = await bench(t, incoming => {
    seen.push(incoming.isOpaque)
    if (incoming.isOpaque) incoming.respond(response(200, tunnel))
    else incoming.terminate()
  })
  const peer = b.connect().greet()
  peer.say(frame(FRAME.HEADERS, FLAG.END_HEADERS, 1, peer.block({ ':method': 'CONNECT', ':authority': 'db:5432' })))
  await peer.hears(each => each.type === FRAME.HEADERS)
  t.same(seen, [false, true])
  tunnel.give('octets')
  tunnel.sink?.end(null)
  await peer.hearsEnd(1)
  t.equal(peer.seen.filter(each => each.type === FRAME.HEADERS).length, 1)
  t.equal(peer.text(1), 'octets')
})

t.test('a head of more than a frame leaves in CONTINUATION frames, and comes in them', async t => {
  const long = 'a'.repeat(20_000)
  const b = await bench(t, incoming => incoming.respond(response(200, EMPTY_BODY, [['x-long', incoming.head.headers.get('x-long') ?? '']])))
  const peer = b.connect().greet()
  const block = peer.block({ ':method': 'GET', ':scheme': 'http', ':authority': 'a', ':path': '/', 'x-long': long })
  peer.say(
    frame(FRAME.HEADERS, FLAG.END_STREAM, 1, block.subarray(0, 10)),
    frame(FRAME.CONTINUATION, 0, 1, block.subarray(10, 12_000)),
    frame(FRAME.CONTINUATION, FLAG.END_HEADERS, 1, block.subarray(12_000)),
  )
  const rest = await peer.hears(each => each.type === FRAME.CONTINUATION)
  t.equal(rest.flags, FLAG.END_HEADERS)
  t.ok(rest.payload.toString('latin1').endsWith('aaaa'))
})
