import t from 'tap'
import { BufferBody } from '../../../proxy/http/body.ts'
import { FLAG, FRAME } from '../../../proxy/http2/codes.ts'
import { MAX_SENT_FRAME_BYTES } from '../../../proxy/http2/frame-writer.ts'
import { frame } from '../../unit/http2/support.ts'
import { turns, until } from '../http1/support.ts'
import { bench, Collected, HandBody, response } from './support.ts'

const update = (id: number, octets: number) => frame(FRAME.WINDOW_UPDATE, 0, id, octets.toString(16).padStart(8, '0'))

t.test('a response waits for the window of its stream and of its connection, its source is paused, and no octet is lost', async t => {
  const body = new HandBody()
  const b = await bench(t, incoming => incoming.respond(response(200, body)))
  const peer = b.connect().greet()
  peer.say(peer.request(1, true))
  await until(() => body.sink !== null)
  const octets = Buffer.from(Array.from({ length: 100_000 }, (_, i) => i & 255))
  body.give(octets)
  t.ok(body.isPaused)
  await until(() => peer.received(1) === 65_535)
  await turns()
  t.equal(peer.received(1), 65_535)
  peer.say(update(1, 50_000))
  await turns()
  t.equal(peer.received(1), 65_535, "the connection's window is shut still")
  peer.say(update(0, 1_000))
  await until(() => peer.received(1) === 66_535)
  t.ok(body.isPaused)
  peer.say(update(0, 100_000))
  await until(() => peer.received(1) === 100_000)
  t.notOk(body.isPaused, 'and goes on when all has left')
  body.sink?.end(null)
  await peer.hearsEnd(1)
  t.equal(peer.text(1), octets.toString('latin1'))
  t.ok(peer.seen.every(each => each.payload.length <= MAX_SENT_FRAME_BYTES))
})

t.test('a smaller INITIAL_WINDOW_SIZE makes windows negative, which are filled before anything goes (RFC 9113 section 6.9.2)', async t => {
  const b = await bench(t, incoming => incoming.respond(response(200, new BufferBody(Buffer.alloc(30)))))
  const peer = b.connect().greet('000400000014')
  peer.say(peer.request(1, true))
  await until(() => peer.received(1) === 20)
  peer.say(frame(FRAME.SETTINGS, 0, 0, '000400000005'), update(1, 15))
  await turns(50)
  t.equal(peer.received(1), 20)
  peer.say(update(1, 4))
  await until(() => peer.received(1) === 24)
  peer.say(frame(FRAME.SETTINGS, 0, 0, '000400000064'))
  await peer.hearsEnd(1)
  t.equal(peer.received(1), 30)
})

t.test('streams that wait for the connection take turns, a frame each', async t => {
  const b = await bench(t, incoming => incoming.respond(response(200, new BufferBody(Buffer.alloc(200_000)))))
  const peer = b.connect().greet('00047fffffff')
  peer.say(peer.request(1, true))
  await until(() => peer.received(1) === 65_535)
  peer.say(peer.request(3, true), peer.request(5, true))
  await turns(50)
  peer.say(update(0, 6 * MAX_SENT_FRAME_BYTES))
  await until(() => peer.received(1) + peer.received(3) + peer.received(5) === 65_535 + 6 * MAX_SENT_FRAME_BYTES)
  t.equal(peer.received(3), 2 * MAX_SENT_FRAME_BYTES)
  t.equal(peer.received(5), 2 * MAX_SENT_FRAME_BYTES)
  peer.say(update(0, 1_000_000))
  for (const id of [1, 3, 5]) await peer.hearsEnd(id)
})

t.test('a paused request holds its own window shut, and no other stream nor the connection', async t => {
  const requests: Collected[] = []
  const b = await bench(
    t,
    incoming => {
      const request = new Collected()
      request.isOpen = incoming.head.path !== '/slow'
      requests.push(request)
      incoming.body.pipe(request)
      resumes.push(() => incoming.body.resume())
    },
    { streamWindowBytes: 65_535, connectionWindowBytes: 65_535 },
  )
  const resumes: (() => void)[] = []
  const peer = b.connect().greet()
  const chunk = Buffer.alloc(16_000, 'x')
  peer.say(peer.request(1, false, { ':path': '/slow' }), peer.request(3, false))
  for (let n = 0; n < 4; n++) peer.say(peer.data(1, chunk, false))
  await until(() => requests.length === 2 && requests[0]?.text.length === 16_000)
  // The window of the connection would be shut long ago.
  for (let n = 0; n < 20; n++) {
    peer.say(peer.data(3, chunk, n === 19))
    await until(() => requests[1]?.text.length === 16_000 * (n + 1))
  }
  t.ok(requests[1]?.isEnded)
  t.equal(requests[0]?.text.length, 16_000)
  const credits = (id: number) =>
    peer.seen
      .filter(each => each.type === FRAME.WINDOW_UPDATE && each.id === id)
      .reduce((sum, each) => sum + each.payload.readUInt32BE(0), 0)
  await turns()
  t.equal(credits(1), 0)
  t.ok(credits(3) >= 250_000)
  for (let n = 0; n < 3; n++) resumes[0]?.()
  await until(() => requests[0]?.text.length === 64_000)
  await until(() => credits(1) > 0)
})

t.test('padding is given back, as octets are', async t => {
  const b = await bench(t, incoming => incoming.body.pipe(new Collected()), { streamWindowBytes: 65_535, connectionWindowBytes: 65_535 })
  const peer = b.connect().greet()
  peer.say(peer.request(1, false))
  for (let n = 0; n < 1_000; n++) {
    peer.say(frame(FRAME.DATA, FLAG.PADDED, 1, Buffer.concat([Buffer.from([250]), Buffer.alloc(10), Buffer.alloc(250)])))
    if (n % 100 === 99) await turns(10)
  }
  const credits = (id: number) =>
    peer.seen
      .filter(each => each.type === FRAME.WINDOW_UPDATE && each.id === id)
      .reduce((sum, each) => sum + each.payload.readUInt32BE(0), 0)
  await until(() => credits(1) > 220_000 && credits(0) > 220_000)
  t.equal(b.servers[0]?.active, 1)
})

t.test('what a slow reader does not take stays with its source: the sidecar holds a bounded number of octets', async t => {
  const body = new HandBody()
  const b = await bench(t, incoming => incoming.respond(response(200, body)))
  const peer = b.connect().greet('00047fffffff')
  peer.say(peer.request(1, true), update(0, 1_000_000_000))
  await until(() => body.sink !== null)
  peer.socket.pause()
  let given = 0
  for (let n = 0; n < 10_000 && !body.isPaused; n++) {
    body.give(Buffer.alloc(64_000))
    given += 64_000
    await turns(2)
  }
  t.ok(body.isPaused)
  t.ok(given < 20_000_000, `${given} octets until the operating system's buffers and ours were full`)
  peer.socket.resume()
  await until(() => peer.received(1) === given)
  t.notOk(body.isPaused)
})
