import t from 'tap'
import { MeshError } from '../../../proxy/errors.ts'
import { CODE, FLAG, FRAME } from '../../../proxy/http2/codes.ts'
import { frame } from '../../unit/http2/support.ts'
import { until } from '../http1/support.ts'
import { answer, code, pair, request } from './client-support.ts'
import { Collected, HandBody } from './support.ts'

t.test('a reset keeps its reason: REFUSED_STREAM is safe to try elsewhere, others are not, and a body breaks', async t => {
  const { connection, peer } = await pair(t)
  const refused = code(connection.send(request()))
  const reset = connection.send(request()).then(
    () => null,
    (error: MeshError) => error,
  )
  const broken = connection.send(request())
  await peer.hears(each => each.id === 5)
  peer.say(frame(FRAME.RST_STREAM, 0, 1, '00000007'), frame(FRAME.RST_STREAM, 0, 3, '0000000b'))
  t.equal(await refused, 'UPSTREAM_REFUSED_STREAM')
  t.match(await reset, { code: 'UPSTREAM_RESET', http2Code: CODE.ENHANCE_YOUR_CALM, initiator: 'peer' })
  const collected = new Collected()
  peer.say(answer(peer, 5, false), peer.data(5, 'part', false), frame(FRAME.RST_STREAM, 0, 5, '00000002'))
  ;(await broken).body.pipe(collected)
  await until(() => collected.error !== null)
  t.match(collected.error, { code: 'UPSTREAM_RESET', http2Code: CODE.INTERNAL_ERROR })
  t.equal(collected.text, 'part')
  t.equal(connection.active, 0)
})

t.test('GOAWAY: streams above its last id are refused, those below are answered, and no more go out (section 6.8)', async t => {
  const { connection, peer, events } = await pair(t)
  const first = connection.send(request())
  const second = code(connection.send(request()))
  await peer.hears(each => each.id === 3)
  peer.say(frame(FRAME.GOAWAY, 0, 0, '0000000100000000'))
  t.equal(await second, 'UPSTREAM_REFUSED_STREAM')
  t.equal(connection.capacity, 0)
  t.equal(await code(connection.send(request())), 'UPSTREAM_REFUSED_STREAM')
  peer.say(answer(peer, 1, true))
  t.equal((await first).head.status, 200)
  await peer.ended()
  peer.socket.end()
  await until(() => events.closed.length === 1)
})

t.test('a lost connection: UPSTREAM_RESET on its first request, UPSTREAM_CLOSED on one that it had been kept for', async t => {
  const one = await pair(t)
  const first = code(one.connection.send(request()))
  await one.peer.hears(each => each.id === 1)
  one.peer.socket.destroy()
  t.equal(await first, 'UPSTREAM_RESET')
  const two = await pair(t)
  const good = two.connection.send(request())
  two.peer.say(answer(two.peer, 1, true))
  await good
  const second = code(two.connection.send(request()))
  await two.peer.hears(each => each.id === 3)
  two.peer.socket.destroy()
  t.equal(await second, 'UPSTREAM_CLOSED')
  await until(() => two.events.closed.length === 1)
  t.equal(two.events.closed[0]?.code, 'UPSTREAM_CLOSED')
})

t.test('who cancels a request, or drops its response, resets the stream; the connection goes on', async t => {
  const { connection, peer } = await pair(t)
  const body = new HandBody()
  const given = request({ method: 'POST' }, body)
  const cancelled = code(connection.send(given))
  await peer.hears(each => each.id === 1)
  given.cancelled.cancel(new MeshError('PER_TRY_TIMEOUT', 'slow'))
  t.equal(await cancelled, 'PER_TRY_TIMEOUT')
  t.equal(await peer.hearsReset(1), CODE.CANCEL)
  t.equal((body.cancelled as unknown as MeshError).code, 'PER_TRY_TIMEOUT')
  const dropped = connection.send(request())
  await peer.hears(each => each.id === 3)
  peer.say(answer(peer, 3, false))
  ;(await dropped).body.cancel(new MeshError('DOWNSTREAM_CLOSED', 'left'))
  t.equal(await peer.hearsReset(3), CODE.CANCEL)
  peer.say(peer.data(3, 'late', true))
  const next = connection.send(request())
  await peer.hears(each => each.id === 5)
  peer.say(answer(peer, 5, true))
  t.equal((await next).head.status, 200)
})

t.test('a response that is whole before its request stops it', async t => {
  const { connection, peer } = await pair(t)
  const body = new HandBody()
  const sending = connection.send(request({ method: 'POST' }, body))
  await peer.hears(each => each.id === 1)
  body.give('part')
  peer.say(answer(peer, 1, true, { ':status': '413' }))
  t.equal((await sending).head.status, 413)
  t.not(body.cancelled, null)
  t.equal(await peer.hearsReset(1), CODE.CANCEL)
  t.equal(connection.active, 0)
})

t.test('a drain lets what is in flight finish, says GOAWAY and closes', async t => {
  const { connection, peer, events } = await pair(t)
  const sending = connection.send(request())
  await peer.hears(each => each.id === 1)
  connection.drain()
  t.same(await peer.hearsGoAway(), [{ last: 0, code: CODE.NO_ERROR }])
  t.equal(connection.capacity, 0)
  peer.say(answer(peer, 1, true))
  await sending
  await peer.ended()
  peer.socket.end()
  await until(() => events.closed.length === 1)
})

t.test('a stream that the peer opens, by push or otherwise, ends the connection', async t => {
  for (const pushed of [frame(FRAME.PUSH_PROMISE, FLAG.END_HEADERS, 1, '0000000282'), frame(FRAME.HEADERS, FLAG.END_HEADERS, 2, '88')]) {
    const { connection, peer, events } = await pair(t)
    const sending = code(connection.send(request()))
    await peer.hears(each => each.id === 1)
    peer.say(pushed)
    t.equal((await peer.hearsGoAway())[0]?.code, CODE.PROTOCOL_ERROR)
    t.equal(await sending, 'UPSTREAM_PROTOCOL')
    peer.socket.end()
    await until(() => events.closed.length === 1)
    t.equal(events.closed[0]?.code, 'UPSTREAM_PROTOCOL')
  }
})
