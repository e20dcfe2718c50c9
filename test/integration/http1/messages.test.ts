import t from 'tap'
import { answer, bench, turns, until, type Wire } from './support.ts'

const OK = 'HTTP/1.1 200 OK\r\nX-Case: Kept\r\nContent-Length: 5\r\n\r\nhello'
/** Answers every request with the same octets. */
const always =
  (octets: string) =>
  async (wire: Wire): Promise<void> => {
    for (;;) {
      await wire.hears('\r\n\r\n')
      wire.forget()
      wire.say(octets)
    }
  }

for (const readMode of ['onread', 'data'] as const) {
  t.test(`by ${readMode}: a request and its response pass unchanged, hop-by-hop fields left out`, async t => {
    let seen = ''
    const b = await bench({
      readMode,
      upstream: async wire => {
        seen = await wire.hears('\r\n\r\n')
        wire.say(OK)
      },
    })
    t.teardown(() => b.close())
    const wire = b
      .connect()
      .say(
        'GET /a?b HTTP/1.1\r\nHost: Orders\r\nX-Odd-CASE: 1\r\nConnection: keep-alive, X-Hop\r\nX-Hop: 1\r\nKeep-Alive: 5\r\nZ:  z \r\n\r\n',
      )
    t.equal(await wire.hears('hello'), OK)
    t.equal(seen, 'GET /a?b HTTP/1.1\r\nHost: Orders\r\nX-Odd-CASE: 1\r\nZ:  z \r\n\r\n')
    t.same(b.ends, [null])
  })

  t.test(`by ${readMode}: 8 MiB go both ways through a slow reader, unchanged and in bounded memory`, async t => {
    const size = 8 * 1024 * 1024
    let received = 0
    const b = await bench({
      readMode,
      upstream: wire => {
        let head = ''
        wire.socket.removeAllListeners('data')
        wire.socket.on('data', octets => {
          if (!head.includes('\r\n\r\n')) {
            head += octets.toString('latin1')
            if (!head.includes('\r\n\r\n')) return
            received += head.length - head.indexOf('\r\n\r\n') - 4
          } else received += octets.length
          if (received !== size) return
          wire.say(`HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\n\r\n`)
          wire.say(Buffer.alloc(size, 'y'))
        })
      },
    })
    t.teardown(() => b.close())
    const wire = b.connect()
    wire.say(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${size}\r\n\r\n`).say(Buffer.alloc(size, 'x'))
    await wire.hears('\r\n\r\n')
    wire.socket.pause()
    await turns(50)
    wire.socket.resume()
    await until(() => wire.received.length >= size)
    t.equal(received, size)
    t.match(wire.received.slice(-3), 'yyy')
    await until(() => b.ends.length === 1)
    t.same(b.ends, [null])
  })
}

t.test('a head that comes octet by octet is the same head', async t => {
  const b = await bench({
    upstream: async wire => {
      await wire.hears('0\r\n\r\n')
      wire.say(OK)
      await wire.hears('GET /t HTTP/1.1\r\nHost: a\r\n\r\n')
      wire.say(OK)
    },
  })
  t.teardown(() => b.close())
  const wire = b.connect()
  await wire.spell(
    'POST /s HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\nGET /t HTTP/1.1\r\nHost: a\r\n\r\n',
  )
  await until(() => wire.received === OK + OK)
  t.same(b.ends, [null, null])
})

t.test('pipelined requests are answered one at a time, in order', async t => {
  const waiting: string[] = []
  const b = await bench({
    handle: incoming => {
      waiting.push(incoming.head.path as string)
      setImmediate(() => incoming.respond(answer(200, incoming.head.path as string)))
    },
  })
  t.teardown(() => b.close())
  const wire = b.connect().say(['/1', '/2', '/3'].map(path => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`).join(''))
  await wire.hears('/3')
  t.same(waiting, ['/1', '/2', '/3'])
  t.match(wire.received, /\/1HTTP.*\/2HTTP.*\/3$/s)
})

t.test('pipelined octets beyond one head limit are not read until their turn', async t => {
  let respond = () => {}
  let count = 0
  const b = await bench({
    limits: { maxPipelinedBytes: 1000, maxHeadBytes: 1000 },
    handle: incoming => {
      count++
      respond = () => incoming.respond(answer(204, ''))
    },
  })
  t.teardown(() => b.close())
  const one = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'
  const wire = b.connect().say(one)
  await until(() => count === 1)
  const before = 200_000
  wire.say(one.repeat(before))
  await turns(60)
  const [socket] = [...b.acceptor.connections]
  t.ok(socket?.isPaused)
  t.ok((socket?.octetsIn ?? 0) < 200_000, 'a read or two at most')
  respond()
  await until(() => count === 2)
})

t.test('a chunked body with trailers passes both ways, extensions left out', async t => {
  let seen = ''
  const b = await bench({
    upstream: async wire => {
      seen = await wire.hears('x-up: 1\r\n\r\n')
      wire.say('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4;a=b\r\nwiki\r\n0\r\nX-Down: 2\r\nContent-Length: 9\r\n\r\n')
    },
  })
  t.teardown(() => b.close())
  const wire = b
    .connect()
    .say('POST / HTTP/1.1\r\nHost: a\r\nTE: trailers\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-Up: 1\r\n\r\n')
  await wire.hears('x-down: 2\r\n\r\n')
  t.equal(wire.received, 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nwiki\r\n0\r\nx-down: 2\r\n\r\n')
  t.equal(
    seen,
    'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nConnection: TE\r\nTE: trailers\r\n\r\n3\r\nabc\r\n0\r\nx-up: 1\r\n\r\n',
  )
})

t.test('HEAD, 204 and 304 have no body, and HEAD keeps its length', async t => {
  const answers = [
    'HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n',
    'HTTP/1.1 204 No Content\r\n\r\n',
    'HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n',
  ]
  let n = 0
  const b = await bench({
    upstream: async wire => {
      for (const octets of answers) {
        await wire.hears('\r\n\r\n')
        wire.forget()
        wire.say(octets)
        n++
      }
    },
  })
  t.teardown(() => b.close())
  const wire = b.connect().say('HEAD / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n')
  await until(() => b.ends.length === 3)
  await wire.hears('Content-Length: 7\r\n\r\n')
  t.equal(wire.received, answers.join(''))
  t.equal(n, 3)
})

t.test('100 and 103 pass to an HTTP/1.1 client and not to an HTTP/1.0 one', async t => {
  const b = await bench({ upstream: always(`HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n${OK}`) })
  t.teardown(() => b.close())
  const wire = b.connect().say('PUT / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 0\r\n\r\n')
  t.equal(await wire.hears('hello'), `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n${OK}`)
  const old = b.connect().say('GET / HTTP/1.0\r\n\r\n')
  t.notMatch(await old.ended(), /10[03]/)
})

t.test('a response of unknown length becomes chunked for HTTP/1.1 and ends with the connection for HTTP/1.0', async t => {
  const b = await bench({
    upstream: async wire => {
      await wire.hears('\r\n\r\n')
      wire.say('HTTP/1.0 200 OK\r\n\r\nuntil').end()
    },
  })
  t.teardown(() => b.close())
  const wire = b.connect().say('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
  t.equal(await wire.hears('0\r\n\r\n'), 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nuntil\r\n0\r\n\r\n')
  const old = b.connect().say('GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n')
  t.equal(await old.ended(), 'HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nuntil')
})

t.test('an HTTP/1.0 client that asks for keep-alive gets it, and another one is closed', async t => {
  const b = await bench({ upstream: always(OK) })
  t.teardown(() => b.close())
  const kept = b.connect().say('GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n')
  t.match(await kept.hears('hello'), 'Connection: keep-alive')
  kept.forget()
  t.match(await kept.say('GET / HTTP/1.0\r\n\r\n').ended(), /Connection: close.*hello$/s)
})

t.test('head and body leave in one write', async t => {
  const b = await bench({ handle: incoming => incoming.respond(answer(200, 'body')) })
  t.teardown(() => b.close())
  const wire = b.connect()
  const pieces: number[] = []
  wire.socket.on('data', octets => pieces.push(octets.length))
  await wire.say('GET / HTTP/1.1\r\nHost: a\r\n\r\n').hears('body')
  t.equal(pieces.length, 1)
})
