import net from 'node:net'
import t from 'tap'
import { MeshError } from '../../../proxy/errors.ts'
import { type Acceptor, listen } from '../../../proxy/net/acceptor.ts'
import { formatHostPort } from '../../../proxy/net/address.ts'
import { canAdopt } from '../../../proxy/net/adopt.ts'
import { dial } from '../../../proxy/net/dial.ts'
import type { RawSocket, SocketEvents } from '../../../proxy/net/socket.ts'
import { Cancellation } from '../../../proxy/util/cancellation.ts'
import { Counters } from '../../../proxy/util/counters.ts'
import { TimerWheel } from '../../../proxy/util/timers.ts'
import { turns, until, Wire } from './support.ts'

const HERE = '127.0.0.1'
const clock = { time: 1, now: () => clock.time }
const timers = new TimerWheel(clock)
const silent: SocketEvents = { data() {}, ended() {}, drained() {}, closed() {} }

async function acceptor(accept: (socket: RawSocket) => void): Promise<Acceptor> {
  const listening = await listen({ address: HERE, port: 0 }, { counters: new Counters(), accept })
  if (!listening.ok) throw new Error(listening.message)
  return listening.acceptor
}

t.test('this Node lets accepted connections read into a shared buffer', async t => {
  t.equal(await canAdopt(), true)
})

t.test('a busy port and a foreign address are errors that name the address', async t => {
  const first = await acceptor(() => {})
  const busy = await listen(first.address, { counters: new Counters(), accept() {} })
  t.match(busy, {
    ok: false,
    code: 'EADDRINUSE',
    message: `cannot listen on ${formatHostPort(first.address)}: another process listens there`,
  })
  t.match(await listen({ address: '203.0.113.1', port: 0 }, { counters: new Counters(), accept() {} }), {
    ok: false,
    code: 'EADDRNOTAVAIL',
  })
  await first.stop()
  const again = await listen(first.address, { counters: new Counters(), accept() {} })
  t.ok(again.ok, 'a stopped port is free')
  if (again.ok) await again.acceptor.stop()
})

t.test('a refused connection names its address', async t => {
  const gone = await acceptor(() => {})
  await gone.stop()
  await t.rejects(dial(gone.address, { timers, timeoutMs: 1000 }), {
    code: 'UPSTREAM_CONNECT_REFUSED',
    message: `connecting to ${formatHostPort(gone.address)} failed: ECONNREFUSED`,
  })
})

t.test('a dial that takes too long, or is given up, ends with its reason', async t => {
  const slow = dial({ address: '203.0.113.1', port: 9 }, { timers, timeoutMs: 500 })
  clock.time += 600
  timers.advance()
  await t.rejects(slow, { code: 'UPSTREAM_CONNECT_TIMEOUT', message: 'no connection to 203.0.113.1:9 within 500 ms' })
  const cancelled = new Cancellation()
  const given = dial({ address: '203.0.113.1', port: 9 }, { timers, timeoutMs: 500, cancelled })
  cancelled.cancel(new MeshError('DOWNSTREAM_CLOSED', 'left'))
  await t.rejects(given, { code: 'DOWNSTREAM_CLOSED' })
  t.equal(timers.size, 0)
})

t.test('what a peer said before it reset the connection is read, although a write fails first', async t => {
  const peers: net.Socket[] = []
  const server = net.createServer(peer => peers.push(peer))
  await new Promise<void>(resolve => server.listen(0, HERE, resolve))
  t.teardown(() => server.close())
  const { port } = server.address() as net.AddressInfo
  const socket = await dial({ address: HERE, port }, { timers, timeoutMs: 1000 })
  let heard = ''
  let isClosed = false
  socket.start({
    ...silent,
    data(octets, end) {
      heard += octets.toString('latin1', 0, end)
    },
    closed() {
      isClosed = true
    },
  })
  await until(() => peers.length === 1)
  // All in one turn, so that the write comes before the loop polls.
  peers[0]?.write('HTTP/1.1 413 Content Too Large\r\n\r\n')
  peers[0]?.resetAndDestroy()
  socket.write(Buffer.alloc(100_000))
  socket.flush()
  await until(() => isClosed)
  t.match(heard, /^HTTP\/1\.1 413/)
})

t.test('what is written in one turn leaves in one write, large chunks between small ones included', async t => {
  const a = await acceptor(socket => {
    socket.start(silent)
    for (let i = 0; i < 50; i++) socket.write(Buffer.from(`<${i}>`))
    socket.write(Buffer.alloc(20_000, 'x'))
    socket.write(Buffer.from('tail'))
    t.equal(socket.octetsOut, 0)
    setImmediate(() => setImmediate(() => t.equal(socket.octetsOut, 20_194)))
  })
  const wire = Wire.connect(a.address.port)
  await wire.hears('tail')
  t.match(wire.received, /^<0><1>.*<49>x+tail$/)
  wire.socket.destroy()
  a.destroyConnections()
  await a.stop()
})

t.test('a slow reader makes write say false, and drained follows', async t => {
  let drained = 0
  let written = 0
  let taken: RawSocket | null = null
  const a = await acceptor(socket => {
    taken = socket
    socket.start({ ...silent, drained: () => drained++ })
    while (written < 64 * 1024 * 1024) {
      written += 65_536
      if (!socket.write(Buffer.alloc(65_536, 'x'))) break
    }
  })
  const wire = Wire.connect(a.address.port)
  wire.socket.pause()
  await until(() => taken !== null)
  await turns()
  t.ok(written < 64 * 1024 * 1024, 'bounded')
  t.ok((taken as unknown as RawSocket).unsent <= 262_144, 'at most the mark and a chunk')
  wire.socket.resume()
  await until(() => drained > 0 && wire.received.length === written)
  wire.socket.destroy()
  a.destroyConnections()
  await a.stop()
})
