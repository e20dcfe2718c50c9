import t from 'tap'
import { MeshError } from '../../../proxy/errors.ts'
import { answer, bench, turns, until, type Wire } from './support.ts'

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello'

t.test('an early answer reaches a client that is still sending, and the rest is dropped', async t => {
  const b = await bench({
    upstream: async wire => {
      await wire.hears('\r\n\r\n')
      wire.say('HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\n\r\nbig')
    },
  })
  t.teardown(() => b.close())
  const wire = b.connect().say('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 300000\r\n\r\n').say(Buffer.alloc(100_000))
  const all = await wire.ended()
  t.match(all, /^HTTP\/1\.1 413.*Connection: close\r\n.*big$/s)
  wire.say(Buffer.alloc(100_000))
  await turns()
  t.equal(b.acceptor.active, 1, 'octets are still taken')
  b.advance(1_100)
  await until(() => b.acceptor.active === 0)
  t.equal(b.idle.length, 0, 'the upstream connection is not used again')
})

t.test('at most 256 KiB of an unwanted body are discarded', async t => {
  const b = await bench({
    handle: incoming => {
      incoming.body.cancel(new MeshError('DENIED', 'not wanted'))
      incoming.respond(answer(403, 'no'))
    },
  })
  t.teardown(() => b.close())
  const wire = b.connect().say('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 90000000\r\n\r\n').say(Buffer.alloc(80_000_000))
  t.match(await wire.ended(), /^HTTP\/1\.1 403/, 'whoever sends on for long gets the answer all the same')
  await turns(20)
  t.ok(wire.socket.writableLength > 40_000_000, 'what more was sent is not taken')
  b.advance(1_100)
  await until(() => wire.isClosed)
})

t.test('a client that leaves while it waits cancels the request (DC)', async t => {
  let reached = false
  let gone = false
  const b = await bench({
    upstream: async (wire: Wire) => {
      await wire.hears('\r\n\r\n')
      reached = true
      await wire.ended()
      gone = true
    },
  })
  t.teardown(() => b.close())
  const wire = b.connect().say('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
  await until(() => reached)
  wire.end()
  await until(() => gone)
  t.same(b.ends, ['DOWNSTREAM_CLOSED'])
})

for (const [name, octets] of [
  ['Content-Length', 'HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhalf'],
  ['chunked', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n'],
  ['a malformed chunk', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\nzz\r\n'],
] as const) {
  t.test(`a response cut short never looks whole: ${name}`, async t => {
    const b = await bench({
      upstream: async wire => {
        await wire.hears('\r\n\r\n')
        wire.say(octets)
        await turns(5)
        wire.end()
      },
    })
    t.teardown(() => b.close())
    const all = await b.connect().say('GET / HTTP/1.1\r\nHost: a\r\n\r\n').ended()
    t.notMatch(all, '\r\n0\r\n\r\n')
    t.match(b.ends, [/UPSTREAM_(RESET|PROTOCOL)/])
  })
}

for (const [name, octets, code] of [
  ['two lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab', 'UPSTREAM_PROTOCOL'],
  ['length beside coding', 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n', 'UPSTREAM_PROTOCOL'],
  ['bare LF', 'HTTP/1.1 200 OK\nContent-Length: 1\n\na', 'UPSTREAM_PROTOCOL'],
  ['101 that nobody asked for', 'HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\n', 'UPSTREAM_PROTOCOL'],
  ['a hundred informational heads', 'HTTP/1.1 102 P\r\n\r\n'.repeat(100), 'UPSTREAM_PROTOCOL'],
  ['nothing', '', 'UPSTREAM_RESET'],
] as const) {
  t.test(`an upstream that answers with ${name}: ${code}`, async t => {
    const b = await bench({
      upstream: async wire => {
        await wire.hears('\r\n\r\n')
        wire.say(octets).end()
      },
    })
    t.teardown(() => b.close())
    const wire = b.connect().say('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    t.match(await wire.hears(code), /HTTP\/1\.1 50[23]/)
  })
}

t.test('a kept-alive connection that closes before any octet is UPSTREAM_CLOSED', async t => {
  let count = 0
  const b = await bench({
    upstream: async wire => {
      await wire.hears('\r\n\r\n')
      wire.forget()
      wire.say(OK)
      await wire.hears('\r\n\r\n')
      count++
      wire.end()
    },
  })
  t.teardown(() => b.close())
  const wire = b.connect().say('GET /1 HTTP/1.1\r\nHost: a\r\n\r\n')
  await wire.hears('hello')
  wire.say('GET /2 HTTP/1.1\r\nHost: a\r\n\r\n')
  await wire.hears('UPSTREAM_CLOSED')
  t.equal(count, 1)
})

t.test('octets that nobody asked for, or a FIN, close an idle upstream connection', async t => {
  for (const act of [(wire: Wire) => wire.say('HTTP/1.1 408 Request Timeout\r\n\r\n'), (wire: Wire) => wire.end()]) {
    let upstream: Wire | null = null
    const b = await bench({
      upstream: async wire => {
        upstream = wire
        await wire.hears('\r\n\r\n')
        wire.say(OK)
      },
    })
    await b.connect().say('GET / HTTP/1.1\r\nHost: a\r\n\r\n').hears('hello')
    await until(() => b.idle.length === 1)
    act(upstream as unknown as Wire)
    await until(() => b.idle.length === 0)
    t.equal(b.idle.length, 0)
    await b.close()
  }
})

t.test('drain closes idle connections at once and ends busy ones with Connection: close', async t => {
  let respond = () => {}
  const b = await bench({
    handle: incoming => {
      respond = () => incoming.respond(answer(200, 'last'))
    },
  })
  t.teardown(() => b.close())
  const idle = b.connect()
  await until(() => b.servers.length === 1)
  const busy = b.connect().say('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
  await until(() => b.servers[1]?.active === 1)
  for (const server of b.servers) server.drain()
  t.equal(await idle.ended(), '')
  respond()
  t.match(await busy.ended(), /Connection: close\r\n\r\nlast$/)
})

t.test('connections over the limit are closed and counted', async t => {
  const { listen } = await import('../../../proxy/net/acceptor.ts')
  const { Counters } = await import('../../../proxy/util/counters.ts')
  const { Wire: W } = await import('./support.ts')
  for (const readMode of ['onread', 'data'] as const) {
    const counters = new Counters()
    const listening = await listen({ address: '127.0.0.1', port: 0 }, { counters, readMode, maxConnections: 1, accept() {} })
    if (!listening.ok) throw new Error(listening.message)
    const first = W.connect(listening.acceptor.address.port)
    await until(() => listening.acceptor.active === 1)
    await W.connect(listening.acceptor.address.port).ended()
    t.equal(counters.get('downstream_connections_refused'), 1)
    first.socket.destroy()
    listening.acceptor.destroyConnections()
    await listening.acceptor.stop()
  }
})
