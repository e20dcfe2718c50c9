import http2 from 'node:http2'
import t from 'tap'
import type { Incoming } from '../../../proxy/http/message.ts'
import { seededRandom } from '../../../proxy/util/random.ts'
import { bench, response } from './support.ts'

/** What Node's own HTTP/2 client (nghttp2, with an HPACK of its own) gets of one request. */
function call(
  session: http2.ClientHttp2Session,
  headers: http2.OutgoingHttpHeaders,
  body: Buffer | null,
): Promise<{ readonly headers: http2.IncomingHttpHeaders; readonly trailers: http2.IncomingHttpHeaders; readonly body: Buffer }> {
  return new Promise((resolve, reject) => {
    const stream = session.request(headers, { endStream: body === null })
    const chunks: Buffer[] = []
    let head: http2.IncomingHttpHeaders = {}
    let trailers: http2.IncomingHttpHeaders = {}
    stream.on('response', received => {
      head = received
    })
    stream.on('trailers', received => {
      trailers = received
    })
    stream.on('data', (chunk: Buffer) => chunks.push(chunk))
    stream.on('error', reject)
    stream.on('end', () => resolve({ headers: head, trailers, body: Buffer.concat(chunks) }))
    if (body !== null) stream.end(body)
  })
}

/** Sends back what came: fields, octets, and a trailer that counts them. */
const echo = (incoming: Incoming): void => {
  const answer = response(200, incoming.body)
  incoming.head.headers.forEach((name, value) => {
    if (name.startsWith('x-')) answer.head.headers.append(name, value)
  })
  incoming.respond(answer)
}

function connect(t: { teardown(done: () => unknown): void }, port: number, settings: http2.Settings = {}): http2.ClientHttp2Session {
  const session = http2.connect(`http://127.0.0.1:${port}`, { settings, maxSessionMemory: 100 })
  t.teardown(() => session.destroy())
  return session
}

t.test(
  'fields of a thousand random requests come back from an HPACK of another make as they were, whatever the size of its table',
  async t => {
    const b = await bench(t, echo)
    const random = seededRandom(new Uint8Array(16).fill(5))
    for (const headerTableSize of [4_096, 0, 100, 65_536]) {
      const session = connect(t, b.port, { headerTableSize })
      for (let n = 0; n < 250; n++) {
        const sent: Record<string, string> = { 'x-same': 'the same each time', 'x-new': String(random.uint32()) }
        for (let i = random.uint32() % 8; i > 0; i--) {
          const length = random.uint32() % (random.uint32() % 10 === 0 ? 2_000 : 30)
          sent[`x-${random.uint32() % 20}`] = Array.from({ length }, () => String.fromCharCode(33 + (random.uint32() % 94))).join('')
        }
        const { headers } = await call(session, { ':path': `/${n}`, ...sent }, null)
        for (const [name, value] of Object.entries(sent)) if (headers[name] !== value) t.equal(headers[name], value, name)
      }
      t.ok(!session.destroyed)
    }
  },
)

t.test('16 MiB each way, on twenty streams at once, come back octet for octet', async t => {
  const b = await bench(t, echo)
  const session = connect(t, b.port)
  const octets = Buffer.alloc(16_777_216)
  for (let i = 0; i < octets.length; i += 4) octets.writeUInt32LE(i, i)
  const large = call(session, { ':method': 'POST' }, octets)
  const small = Array.from({ length: 19 }, (_, n) => call(session, { ':method': 'POST' }, octets.subarray(n * 1_000, n * 1_000 + 100_000)))
  for (const [n, each] of (await Promise.all(small)).entries()) t.ok(each.body.equals(octets.subarray(n * 1_000, n * 1_000 + 100_000)))
  t.ok((await large).body.equals(octets))
})

t.test('more streams than maxStreams are queued by the client, and all are answered', async t => {
  const b = await bench(t, echo, { maxStreams: 10 })
  const session = connect(t, b.port)
  await new Promise(resolve => session.once('remoteSettings', resolve))
  const all = await Promise.all(
    Array.from({ length: 100 }, (_, n) => call(session, { ':method': 'POST', 'x-n': `${n}` }, Buffer.from(`${n}`))),
  )
  t.same(
    all.map(each => [each.headers['x-n'], each.body.toString()]),
    all.map((_, n) => [`${n}`, `${n}`]),
  )
  t.equal(b.counters.get('http2_streams_refused'), 0)
})

t.test('a drain lets every request of a busy client through', async t => {
  const b = await bench(t, echo)
  const session = connect(t, b.port)
  const first = call(session, { ':method': 'POST' }, Buffer.alloc(1_000_000))
  await new Promise(resolve => session.once('remoteSettings', resolve))
  const gone = new Promise(resolve => session.once('close', resolve))
  b.servers[0]?.drain()
  t.equal((await first).body.length, 1_000_000)
  await gone
  t.same(b.ends, [null])
})
