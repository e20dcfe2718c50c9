import t from 'tap'
import type { Incoming } from '../../../proxy/http/message.ts'
import { textReply } from '../../../proxy/http/reply.ts'
import { CODE, FLAG, FRAME } from '../../../proxy/http2/codes.ts'
import { frame } from '../../unit/http2/support.ts'
import { until } from '../http1/support.ts'
import { bench, HandBody, response } from './support.ts'

const LARGEST_ID = 0x7fff_ffff

t.test(
  'a drain says GOAWAY twice: streams opened before the second one are served, later ones refused, and the last closes (RFC 9113 section 6.8)',
  async t => {
    const open: Incoming[] = []
    const b = await bench(t, incoming => void open.push(incoming))
    const peer = b.connect().greet()
    peer.say(peer.request(1, true))
    await until(() => open.length === 1)
    b.servers[0]?.drain()
    t.same(await peer.hearsGoAway(), [{ last: LARGEST_ID, code: CODE.NO_ERROR }])
    peer.say(peer.request(3, true))
    await until(() => open.length === 2)
    const { payload } = await peer.hears(each => each.type === FRAME.PING)
    peer.say(frame(FRAME.PING, FLAG.ACK, 0, payload))
    t.same((await peer.hearsGoAway(2))[1], { last: 3, code: CODE.NO_ERROR })
    peer.say(peer.request(5, true))
    t.equal(await peer.hearsReset(5), CODE.REFUSED_STREAM)
    for (const incoming of open) incoming.respond(textReply(200, 'GET', 'ok'))
    await peer.hearsEnd(3)
    await peer.ended()
    t.same(b.ends, [null, null])
  },
)

t.test('drainMs: a peer that does not answer the PING gets the second GOAWAY all the same', async t => {
  const b = await bench(t, () => {}, { drainMs: 100 })
  const peer = b.connect().greet()
  await peer.hears(each => each.flags === FLAG.ACK)
  b.servers[0]?.drain()
  await peer.hearsGoAway()
  b.clock.pass(110)
  t.same((await peer.hearsGoAway(2))[1], { last: 0, code: CODE.NO_ERROR })
  await peer.ended()
})

t.test('a FIN while a request is in flight means that the downstream has left', async t => {
  const body = new HandBody()
  const exchanges: Incoming[] = []
  const b = await bench(t, incoming => {
    exchanges.push(incoming)
    incoming.respond(response(200, body))
  })
  const peer = b.connect().greet()
  peer.say(peer.request(1, true))
  await until(() => exchanges.length === 1)
  peer.socket.end()
  await until(() => b.ends.length === 1)
  t.same(b.ends, ['DOWNSTREAM_CLOSED'])
  t.equal(exchanges[0]?.cancelled.reason?.code, 'DOWNSTREAM_CLOSED')
  t.equal((body.cancelled as unknown as { code: string }).code, 'DOWNSTREAM_CLOSED')
  await until(() => b.acceptor.active === 0)
})

t.test('a lost connection ends every exchange, once', async t => {
  const b = await bench(t, () => {})
  const peer = b.connect().greet()
  for (let id = 1; id < 20; id += 2) peer.say(peer.request(id, id % 4 === 1))
  await until(() => b.servers[0]?.active === 10)
  peer.socket.resetAndDestroy()
  await until(() => b.ends.length === 10)
  t.same(new Set(b.ends), new Set(['DOWNSTREAM_CLOSED']))
  t.equal(b.servers[0]?.active, 0)
})

t.test('a GOAWAY of the peer closes the connection when its last stream has ended', async t => {
  const open: Incoming[] = []
  const b = await bench(t, incoming => void open.push(incoming))
  const peer = b.connect().greet()
  peer.say(peer.request(1, true))
  await until(() => open.length === 1)
  peer.say(frame(FRAME.GOAWAY, 0, 0, '0000000000000000'))
  open[0]?.respond(textReply(200, 'GET', 'ok'))
  await peer.hearsEnd(1)
  await peer.ended()
})

t.test('a broken header block ends the connection, its streams with it, and is told with its reason', async t => {
  const b = await bench(t, () => {})
  const peer = b.connect().greet()
  peer.say(peer.request(1, false), frame(FRAME.HEADERS, FLAG.END_HEADERS, 3, 'ff00'))
  t.same(await peer.hearsGoAway(), [{ last: 1, code: CODE.COMPRESSION_ERROR }])
  await until(() => b.ends.length === 1)
  t.equal(b.refusals[0]?.message, 'an index that no table has (COMPRESSION_ERROR)')
  t.equal(b.counters.get('downstream_protocol_error'), 1)
})
