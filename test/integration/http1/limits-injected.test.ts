import t from 'tap'
import { DEFAULT_LIMITS, type Limits } from '../../../proxy/http1/limits.ts'
import { answer, type BenchOptions, bench, turns, until } from './support.ts'

const ok: NonNullable<BenchOptions['handle']> = incoming =>
  incoming.body.pipe({
    data: () => true,
    end: () => incoming.respond(answer(200, 'ok')),
    fail: error => incoming.respond(answer(error.row.status, error.code)),
  })

const GET = 'GET / HTTP/1.1\r\nHost: a\r\n'
const CHUNKED = 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n'

const REACHED: readonly [name: keyof Limits, limit: number, request: string, status: number, counter: string][] = [
  ['maxHeadBytes', 200, `${GET}X: ${'x'.repeat(200)}\r\n\r\n`, 431, 'downstream_head_too_large'],
  ['maxFields', 3, `${GET}A: 1\r\nB: 2\r\nC: 3\r\n\r\n`, 431, 'downstream_head_too_large'],
  ['maxTargetBytes', 20, `GET /${'x'.repeat(30)} HTTP/1.1\r\nHost: a\r\n\r\n`, 414, 'downstream_target_too_long'],
  ['maxBodyBytes', 4, `${CHUNKED}3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n`, 413, 'downstream_body_too_large'],
  ['maxTrailerBytes', 10, `${CHUNKED}0\r\nX-Long: ${'x'.repeat(10)}\r\n\r\n`, 400, 'downstream_protocol_error'],
  ['maxChunkExtensionBytes', 4, `${CHUNKED}1;abcde\r\nx\r\n0\r\n\r\n`, 400, 'downstream_protocol_error'],
]

for (const [name, limit, request, status, counter] of REACHED) {
  t.test(`${name}: ${status}, counted as ${counter}; within the default it is taken`, async t => {
    const full = await bench({ limits: { [name]: limit }, handle: ok })
    const all = await full.connect().say(request).ended()
    t.match(all, new RegExp(`^HTTP/1\\.1 ${status} `))
    t.equal(full.counters.get(counter as 'downstream_protocol_error'), 1)
    await full.close()
    t.ok((DEFAULT_LIMITS[name] ?? Number.POSITIVE_INFINITY) > limit)
    const free = await bench({ handle: ok })
    t.match(await free.connect().say(request).hears('ok'), /^HTTP\/1\.1 200 /)
    await free.close()
  })
}

t.test('a chunked body that goes over its limit in a later read is broken off there, and counted once', async t => {
  const b = await bench({ limits: { maxBodyBytes: 4 }, handle: ok })
  t.teardown(() => b.close())
  const wire = b.connect().say(`${CHUNKED}3\r\nabc\r\n`)
  await until(() => b.servers[0]?.active === 1)
  wire.say('2\r\nde\r\n').say('2\r\nfg\r\n')
  t.match(await wire.ended(), /^HTTP\/1\.1 413 .*DOWNSTREAM_BODY_TOO_LARGE$/s)
  t.equal(b.counters.get('downstream_body_too_large'), 1)
})

t.test('a head that takes longer than headTimeoutMs is 408, and idle connections close after idleTimeoutMs; both count', async t => {
  const b = await bench({ limits: { headTimeoutMs: 50, idleTimeoutMs: 200 }, handle: ok })
  t.teardown(() => b.close())
  const slow = b.connect().say('GET / HTTP/1.1\r\nHo')
  const idle = b.connect()
  await until(() => b.servers.length === 2)
  await turns()
  b.advance(60)
  t.match(await slow.ended(), /^HTTP\/1\.1 408 /)
  t.equal(b.counters.get('downstream_slow_head'), 1)
  b.advance(210)
  t.equal(await idle.ended(), '')
  t.equal(b.counters.get('downstream_idle_closed'), 1)
})

t.test('informational responses up to maxInformational pass; one more is a server that never answers: 502, counted', async t => {
  for (const [count, status] of [
    [2, 200],
    [3, 502],
  ] as const) {
    const b = await bench({
      limits: { maxInformational: 2 },
      upstream: async wire => {
        await wire.hears('\r\n\r\n')
        wire.say(`${'HTTP/1.1 103 Early Hints\r\n\r\n'.repeat(count)}HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok`)
      },
    })
    const all = await b
      .connect()
      .say(`${GET}\r\n`)
      .hears(new RegExp(`HTTP/1\\.1 ${status} `))
    t.equal(all.split('HTTP/1.1 103 ').length - 1, 2)
    t.equal(b.counters.get('upstream_protocol_error'), status === 502 ? 1 : 0)
    await b.close()
  }
})

t.test('of a body that nobody wants no more than maxDiscardedBytes is read, and after lingerMs the connection closes', async t => {
  const b = await bench({ limits: { maxDiscardedBytes: 1_000, lingerMs: 100 }, handle: incoming => incoming.respond(answer(401, 'no')) })
  t.teardown(() => b.close())
  const wire = b.connect().say('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000000\r\n\r\n')
  await wire.hears('no')
  const [socket] = b.acceptor.connections
  wire.say(Buffer.alloc(4_000_000))
  await until(() => socket?.socket.isPaused() === true || (socket?.socket.bytesRead ?? 0) > 3_000_000)
  await turns()
  t.ok((socket?.socket.bytesRead ?? 0) < 3_000_000, 'what is beyond waits at the client')
  b.advance(110)
  await until(() => b.acceptor.active === 0)
  t.pass('closed')
})

t.test('a client that takes nothing of its last answer for 30 times lingerMs is given up, and counted', async t => {
  const b = await bench({ limits: { lingerMs: 100 }, handle: incoming => incoming.respond(answer(200, 'x'.repeat(30_000_000))) })
  t.teardown(() => b.close())
  const wire = b.connect().say(`${GET}Connection: close\r\n\r\n`)
  wire.socket.pause()
  await until(() => b.ends.length === 1)
  await turns()
  for (let i = 0; i < 40 && b.acceptor.active > 0; i++) {
    b.advance(110)
    await turns(3)
  }
  t.equal(b.acceptor.active, 0)
  t.equal(b.counters.get('downstream_stalled_closed'), 1)
})
