import t from 'tap'
import { FieldList } from '../../../proxy/http/fields.ts'
import type { Incoming } from '../../../proxy/http/message.ts'
import { answer, bench, until, type Wire } from './support.ts'

const UPGRADE = 'GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\n\r\n'

t.test('an upgrade becomes a tunnel with half-close on both sides', async t => {
  let head = ''
  const b = await bench({
    upstream: async (wire: Wire) => {
      head = await wire.hears('\r\n\r\n')
      wire.say('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nfirst')
      await wire.hears('ping')
      wire.say('pong')
      await wire.ended()
      wire.say('last words').end()
    },
  })
  t.teardown(() => b.close())
  const wire = b.connect().say(UPGRADE)
  t.match(await wire.hears('first'), /^HTTP\/1\.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nfirst$/)
  t.match(head, 'Connection: Upgrade\r\nUpgrade: websocket\r\n')
  await wire.say('ping').hears('pong')
  wire.end()
  t.match(await wire.ended(), /last words$/)
  await until(() => b.ends.length === 1)
  t.same(b.ends, [null])
})

t.test('an upgrade that is not on the list, and h2c, are as if they had not been asked for', async t => {
  let head = ''
  const b = await bench({
    upstream: async wire => {
      head = await wire.hears('\r\n\r\n')
      wire.say('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
    },
  })
  t.teardown(() => b.close())
  await b
    .connect()
    .say('GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AA\r\n\r\n')
    .hears('ok')
  t.equal(head, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n')
})

t.test('a refused upgrade is an ordinary response', async t => {
  const b = await bench({
    upstream: async wire => {
      for (;;) {
        await wire.hears('\r\n\r\n')
        wire.forget()
        wire.say('HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno')
      }
    },
  })
  t.teardown(() => b.close())
  const wire = b.connect().say(UPGRADE)
  await wire.hears('no')
  wire.forget()
  await wire.say('GET / HTTP/1.1\r\nHost: a\r\n\r\n').hears('no')
})

const tunnel = (incoming: Incoming): void => {
  incoming.respond({
    head: { status: 200, headers: new FieldList() },
    body: {
      length: null,
      pipe(sink) {
        incoming.body.pipe({ data: chunk => sink.data(Buffer.from(`<${chunk}>`)), end: () => sink.end(null), fail() {} })
      },
      pause() {},
      resume() {},
      cancel() {},
    },
  })
}

t.test('CONNECT answered 2xx tunnels, and half-close ends it', async t => {
  const b = await bench({ handle: tunnel })
  t.teardown(() => b.close())
  const wire = b.connect().say('CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n')
  t.equal(await wire.hears('\r\n\r\n'), 'HTTP/1.1 200 OK\r\n\r\n')
  await wire.say('abc').hears('<abc>')
  wire.end()
  t.match(await wire.ended(), /<abc>$/)
  await until(() => b.ends.length === 1)
  t.same(b.ends, [null])
})

t.test('a failed CONNECT is answered with its status and closes: what follows it is no request', async t => {
  let count = 0
  const b = await bench({
    handle: incoming => {
      count++
      incoming.respond(answer(503, 'down'))
    },
  })
  t.teardown(() => b.close())
  const all = await b.connect().say('CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n').ended()
  t.match(all, /^HTTP\/1\.1 503 .*Connection: close.*down$/s)
  t.equal(count, 1)
})

t.test('a terminated CONNECT serves HTTP/1.1 inside, with the authority it was opened for, and no second CONNECT', async t => {
  const seen: (string | null)[] = []
  const b = await bench({
    handle: incoming => {
      if (incoming.head.method === 'CONNECT') incoming.terminate()
      else {
        seen.push(incoming.destination.connect)
        incoming.respond(answer(200, 'inside'))
      }
    },
  })
  t.teardown(() => b.close())
  const wire = b.connect().say('CONNECT orders:80 HTTP/1.1\r\nHost: orders:80\r\n\r\n')
  t.equal(await wire.hears('\r\n\r\n'), 'HTTP/1.1 200 OK\r\n\r\n')
  await wire.spell('GET / HTTP/1.1\r\nHost: orders\r\n\r\n')
  await wire.hears('inside')
  t.same(seen, ['orders:80'])
  wire.forget()
  t.match(await wire.say('CONNECT b:1 HTTP/1.1\r\nHost: b:1\r\n\r\n').ended(), /^HTTP\/1\.1 400/)
})

t.test('what is no HTTP/1 behind a terminated CONNECT comes as one opaque exchange', async t => {
  for (const first of ['\x16\x03\x01hello', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'EHLO me\r\n']) {
    const b = await bench({
      handle: incoming => {
        if (!incoming.isOpaque) incoming.terminate()
        else {
          t.equal(incoming.head.authority, 'orders:80')
          tunnel(incoming)
        }
      },
    })
    const wire = b.connect().say('CONNECT orders:80 HTTP/1.1\r\nHost: orders:80\r\n\r\n')
    await wire.hears('200 OK\r\n\r\n')
    t.equal(await wire.say(first).hears('>'), `HTTP/1.1 200 OK\r\n\r\n<${first}>`)
    await b.close()
  }
})

t.test('too long a target behind a terminated CONNECT does not go past the routes as an opaque tunnel', async t => {
  const b = await bench({
    handle: incoming => {
      t.notOk(incoming.isOpaque)
      incoming.terminate()
    },
  })
  t.teardown(() => b.close())
  const wire = b.connect().say('CONNECT orders:80 HTTP/1.1\r\nHost: orders:80\r\n\r\n')
  await wire.hears('200 OK\r\n\r\n')
  await wire.say(`GET /${'x'.repeat(20_000)} HTTP/1.1\r\nHost: orders\r\n\r\n`).hears('HTTP/1.1 414')
})

t.test('a client that says nothing for 3 s behind a terminated CONNECT waits for the server to speak', async t => {
  let isOpaque = false
  const b = await bench({
    handle: incoming => {
      if (!incoming.isOpaque) incoming.terminate()
      else {
        isOpaque = true
        tunnel(incoming)
      }
    },
  })
  t.teardown(() => b.close())
  const wire = b.connect().say('CONNECT db:5432 HTTP/1.1\r\nHost: db:5432\r\n\r\n')
  await wire.hears('200 OK\r\n\r\n')
  b.advance(2_900)
  t.notOk(isOpaque)
  b.advance(200)
  t.ok(isOpaque)
  await wire.say('late').hears('<late>')
})
