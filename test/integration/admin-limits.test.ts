import { connect, type Socket } from 'node:net'
import t, { type Test } from 'tap'
import { ADMIN_MAX_CONNECTIONS, type AdminLimits, serveAdmin } from '../../proxy/admin/server.ts'
import { Counters } from '../../proxy/util/counters.ts'

async function started(t: Test, limits: Partial<AdminLimits> = {}) {
  const counters = new Counters()
  const pages = [
    { method: 'GET', path: '/live', summary: 'alive', handle: () => ({ status: 200, body: 'live\n' }) },
    { method: 'GET', path: '/large', summary: 'large', handle: () => ({ status: 200, body: 'x'.repeat(20_000_000) }) },
  ] as const
  const server = await serveAdmin(pages, { address: '127.0.0.1', port: 0 }, false, { counters, lookMs: 10, ...limits })
  const sockets: Socket[] = []
  t.teardown(async () => {
    for (const socket of sockets) socket.destroy()
    await server.close()
  })
  const open = () =>
    new Promise<Socket>(resolve => {
      const socket = connect(server.port, '127.0.0.1', () => resolve(socket))
      socket.on('error', () => {})
      sockets.push(socket)
    })
  return { counters, open }
}

const closed = (socket: Socket) => new Promise<void>(resolve => socket.once('close', () => resolve()))

t.test('a connection over the limit is closed at once and counted', async t => {
  const { counters, open } = await started(t)
  const all = await Promise.all(Array.from({ length: ADMIN_MAX_CONNECTIONS }, open))
  t.equal(all.length, ADMIN_MAX_CONNECTIONS)
  const over = await open()
  over.resume()
  await closed(over)
  t.equal(counters.get('admin_connections_refused'), 1)
})

t.test('a head that does not end in time has its connection closed', async t => {
  const { open } = await started(t, { timeoutMs: 30 })
  const socket = await open()
  let heard = ''
  socket.on('data', octets => {
    heard += octets
  })
  socket.write('GET /live HTTP/1.1\r\nHost:')
  await closed(socket)
  t.match(heard, /^HTTP\/1\.1 408 /)
})

t.test('a client that does not read its answer has its connection closed', async t => {
  const { counters, open } = await started(t, { idleMs: 60 })
  const socket = await open()
  socket.pause()
  socket.write('GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n')
  while (counters.get('admin_stalled_closed') === 0) await new Promise(resolve => setImmediate(resolve))
  let octets = 0
  socket.on('data', chunk => {
    octets += chunk.length
  })
  socket.resume()
  await closed(socket)
  t.ok(octets < 20_000_000, `${octets} octets came`)
})
