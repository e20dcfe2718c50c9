import t from 'tap'
import { answer, bench } from './support.ts'

const H = 'Host: a\r\n'
const CASES: readonly [string, string, number][] = [
  [
    'Content-Length beside Transfer-Encoding',
    `POST / HTTP/1.1\r\n${H}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    400,
  ],
  ['two Content-Lengths that differ', `POST / HTTP/1.1\r\n${H}Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd`, 400],
  ['two Content-Lengths that agree', `POST / HTTP/1.1\r\n${H}Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc`, 400],
  ['a list of lengths', `POST / HTTP/1.1\r\n${H}Content-Length: 3, 3\r\n\r\nabc`, 400],
  ['a signed length', `POST / HTTP/1.1\r\n${H}Content-Length: +3\r\n\r\nabc`, 400],
  ['an empty length', `POST / HTTP/1.1\r\n${H}Content-Length:\r\n\r\nabc`, 400],
  ['a bare LF behind the request line', `GET / HTTP/1.1\n${H}\n`, 400],
  ['a bare LF behind a field', 'GET / HTTP/1.1\r\nHost: a\nX: y\r\n\r\n', 400],
  ['a bare CR', 'GET / HTTP/1.1\r\nHost: a\rX: y\r\n\r\n', 400],
  ['obs-fold', `GET / HTTP/1.1\r\n${H}X: a\r\n b\r\n\r\n`, 400],
  ['a space before the colon', `GET / HTTP/1.1\r\n${H}X : a\r\n\r\n`, 400],
  ['NUL', `GET / HTTP/1.1\r\n${H}X: a\0b\r\n\r\n`, 400],
  ['a bad name', `GET / HTTP/1.1\r\n${H}X(: a\r\n\r\n`, 400],
  ['no Host', 'GET / HTTP/1.1\r\n\r\n', 400],
  ['an empty Host', 'GET / HTTP/1.1\r\nHost:\r\n\r\n', 400],
  ['two Hosts', `GET / HTTP/1.1\r\n${H}${H}\r\n`, 400],
  ['a Host with a slash', 'GET / HTTP/1.1\r\nHost: a/b\r\n\r\n', 400],
  ['a Host with userinfo', 'GET / HTTP/1.1\r\nHost: u@a\r\n\r\n', 400],
  ['a Host with a list', 'GET / HTTP/1.1\r\nHost: a, b\r\n\r\n', 400],
  ['a Host with a bad port', 'GET / HTTP/1.1\r\nHost: a:8x\r\n\r\n', 400],
  ['userinfo in the target', `GET http://u:p@a/ HTTP/1.1\r\n${H}\r\n`, 400],
  ['a target of another scheme', `GET ftp://a/ HTTP/1.1\r\n${H}\r\n`, 400],
  ['a target without a slash', `GET a HTTP/1.1\r\n${H}\r\n`, 400],
  ['an asterisk for GET', `GET * HTTP/1.1\r\n${H}\r\n`, 400],
  ['CONNECT without a port', `CONNECT a HTTP/1.1\r\n${H}\r\n`, 400],
  ['CONNECT with a body', `CONNECT a:1 HTTP/1.1\r\n${H}Content-Length: 3\r\n\r\nabc`, 400],
  ['an unknown coding', `POST / HTTP/1.1\r\n${H}Transfer-Encoding: xchunked\r\n\r\n`, 501],
  ['two codings', `POST / HTTP/1.1\r\n${H}Transfer-Encoding: gzip, chunked\r\n\r\n`, 400],
  ['Transfer-Encoding twice', `POST / HTTP/1.1\r\n${H}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`, 400],
  ['Transfer-Encoding in HTTP/1.0', `POST / HTTP/1.0\r\n${H}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n`, 400],
  ['another version', `GET / HTTP/2.0\r\n${H}\r\n`, 505],
  ['HTTP/1.2', `GET / HTTP/1.2\r\n${H}\r\n`, 505],
  ['no version', 'GET /\r\n\r\n', 400],
  ['a space in the target', `GET /a b HTTP/1.1\r\n${H}\r\n`, 400],
  ['a control octet in the target', `GET /a\x01 HTTP/1.1\r\n${H}\r\n`, 400],
  ['another expectation', `GET / HTTP/1.1\r\n${H}Expect: x\r\n\r\n`, 417],
  ['a head of more than 32 KiB', `GET / HTTP/1.1\r\n${H}X: ${'a'.repeat(40000)}\r\n\r\n`, 431],
  ['more than 128 fields', `GET / HTTP/1.1\r\n${H}${'a: b\r\n'.repeat(200)}\r\n`, 431],
  ['a target of more than 16 KiB', `GET /${'a'.repeat(17000)} HTTP/1.1\r\n${H}\r\n`, 414],
  ['a malformed Connection', `GET / HTTP/1.1\r\n${H}Connection: a(b\r\n\r\n`, 400],
]
const CODES: Record<number, string> = {
  400: 'DOWNSTREAM_PROTOCOL',
  414: 'DOWNSTREAM_TARGET_TOO_LONG',
  417: 'EXPECTATION_FAILED',
  431: 'DOWNSTREAM_HEAD_TOO_LARGE',
  501: 'NOT_IMPLEMENTED',
  505: 'VERSION_NOT_SUPPORTED',
}

t.test('what is malformed or ambiguous is answered from the table, reported, and the connection closed', async t => {
  let served = 0
  const b = await bench({
    handle: incoming => {
      served++
      incoming.respond(answer(200, ''))
    },
  })
  t.teardown(() => b.close())
  for (const [name, octets, status] of CASES) {
    const all = await b.connect().say(octets).end().ended()
    t.match(all, new RegExp(`^HTTP/1\\.1 ${status} `), `${name}: ${status}`)
    t.match(all, `proxy-status: outrider; error=http_request_error; details="${CODES[status]}"`, name)
    t.match(all, 'Connection: close\r\n', name)
    t.equal(b.refusals.pop()?.code, CODES[status], name)
  }
  t.equal(served, 0)
})

t.test('what only looks odd is served', async t => {
  const b = await bench({
    handle: incoming => incoming.respond(answer(200, `${incoming.head.method} ${incoming.head.authority} ${incoming.head.path}`)),
  })
  t.teardown(() => b.close())
  const served: readonly [string, string][] = [
    [`\r\nGET / HTTP/1.1\r\n${H}\r\n`, 'GET a /'],
    [`GET http://B.example:81/q HTTP/1.1\r\n${H}\r\n`, 'GET B.example:81 /q'],
    [`GET http://b?q HTTP/1.1\r\n${H}\r\n`, 'GET b /?q'],
    [`OPTIONS * HTTP/1.1\r\n${H}\r\n`, 'OPTIONS a *'],
    [`OPTIONS http://b HTTP/1.1\r\n${H}\r\n`, 'OPTIONS b *'],
    ['GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n', 'GET [::1]:80 /'],
    ['GET / HTTP/1.0\r\n\r\n', 'GET  /'],
    [`POST / HTTP/1.1\r\n${H}Connection: content-length, host\r\nContent-Length: 2\r\n\r\nhi`, 'POST a /'],
  ]
  for (const [octets, want] of served)
    t.ok(
      (await b
        .connect()
        .say(octets)
        .end()
        .ended()
        .catch(() => '')) !== undefined,
      want,
    )
  for (const [octets, want] of served) t.match(await b.connect().say(octets).hears(want), want)
})

t.test('a slow head is answered 408 (slow loris), and an idle connection is closed without a word', async t => {
  const b = await bench({ handle: incoming => incoming.respond(answer(200, 'x')) })
  t.teardown(() => b.close())
  const slow = b.connect().say('GET / HT')
  while (b.acceptor.active === 0 || [...b.acceptor.connections][0]?.octetsIn !== 8) await new Promise(resolve => setImmediate(resolve))
  b.advance(9_000)
  b.advance(1_100)
  t.match(await slow.ended(), /^HTTP\/1\.1 408 .*DOWNSTREAM_SLOW_HEAD/s)
  t.equal(b.counters.get('downstream_slow_head'), 1)
  const idle = b.connect()
  await idle.say('GET / HTTP/1.1\r\nHost: a\r\n\r\n').hears('x')
  for (let minute = 0; minute < 62; minute++) b.advance(60_000)
  t.notMatch(await idle.ended(), '408')
  t.equal(b.counters.get('downstream_idle_closed'), 1)
})

t.test('a body over the limit is 413, by its length before and by its chunks within', async t => {
  const b = await bench({
    limits: { maxBodyBytes: 4 },
    handle: incoming =>
      incoming.body.pipe({
        data: () => true,
        end: () => incoming.respond(answer(200, 'ok')),
        fail: error => incoming.respond(answer(error.row.status, '')),
      }),
  })
  t.teardown(() => b.close())
  t.match(await b.connect().say('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nabcde').end().ended(), /^HTTP\/1\.1 413/)
  t.equal(b.refusals.pop()?.code, 'DOWNSTREAM_BODY_TOO_LARGE')
  const chunked = b.connect().say('POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n0\r\n\r\n')
  t.match(await chunked.ended(), /^HTTP\/1\.1 413.*Connection: close/s)
})
