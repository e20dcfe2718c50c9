import t from 'tap'
import { readRequestHead, readTrailers } from '../../../proxy/http2/field-rules.ts'
import { received } from './support.ts'

const RULES = { maxTargetBytes: 100, upgrades: ['websocket'] }
const GET = [':method: GET', ':scheme: http', ':authority: orders:80', ':path: /a?b=1']
const read = (...lines: string[]) => readRequestHead(received(...lines), RULES)

/** Names and values that are shown. */
function shown(...lines: string[]): string[] {
  const all: string[] = []
  read(...lines).value?.headers.forEach((name, value) => void all.push(`${name}: ${value}`))
  return all
}

t.test('a request has its pseudo-fields as head, and its other fields as fields', async t => {
  const { value: head } = read(...GET, 'accept: */*', 'te: trailers', 'content-length: 12', 'proxy-authorization: Basic eDp5')
  t.match(head, {
    method: 'GET',
    scheme: 'http',
    authority: 'orders:80',
    path: '/a?b=1',
    protocol: 'HTTP/2',
    upgrade: null,
    trailersAccepted: true,
    contentLength: 12,
  })
  t.same(shown(...GET, 'accept: */*', 'te: trailers', 'content-length: 12', 'proxy-authorization: Basic eDp5'), [
    'accept: */*',
    'content-length: 12',
  ])
})

t.test('host stands in for a missing :authority, and must say the same as one (RFC 9113 section 8.3.1)', async t => {
  const [method, scheme, authority, path] = GET as [string, string, string, string]
  t.equal(read(method, scheme, path, 'host: orders').value?.authority, 'orders')
  t.equal(read(method, scheme, authority, path, 'host: ORDERS:80').value?.authority, 'orders:80')
  t.notOk(read(...GET, 'host: orders:80').value?.headers.has('host'), 'and is never shown')
  t.ok(read(...GET, 'host: other').fault?.isMalformed)
  t.ok(read(...GET, 'host: orders:80', 'host: other').fault?.isMalformed)
})

t.test('crumbs of a cookie are one field (section 8.2.3)', async t => {
  t.same(shown(...GET, 'cookie: a=1', 'accept: x', 'cookie: b=2', 'cookie: c=3'), ['cookie: a=1; b=2; c=3', 'accept: x'])
})

t.test('OPTIONS may ask for everything; CONNECT has an authority with a port and nothing else (section 8.5)', async t => {
  t.equal(read(':method: OPTIONS', ':scheme: https', ':authority: a', ':path: *').value?.path, '*')
  t.match(read(':method: CONNECT', ':authority: db:5432').value, { method: 'CONNECT', authority: 'db:5432', path: null })
  for (const lines of [
    [':method: CONNECT', ':authority: db'],
    [':method: CONNECT', ':authority: db:1', ':path: /'],
    [':method: CONNECT', ':authority: db:1', ':scheme: http'],
    [':method: CONNECT', ':authority: db:1', 'content-length: 3'],
    [':method: CONNECT'],
  ]) {
    t.ok(read(...lines).fault?.isMalformed, lines.join(', '))
  }
})

t.test('an extended CONNECT is a GET that asks for an upgrade (RFC 8441)', async t => {
  const lines = [':method: CONNECT', ':protocol: websocket', ':scheme: https', ':authority: chat', ':path: /room']
  t.match(read(...lines).value, { method: 'GET', upgrade: 'websocket', path: '/room', authority: 'chat' })
  t.same(read(...lines.with(1, ':protocol: connect-udp')).fault, {
    code: 'NOT_IMPLEMENTED',
    isMalformed: false,
    reason: 'a :protocol that is not tunnelled',
  })
  t.ok(read(...GET, ':protocol: websocket').fault?.isMalformed)
})

t.test('a target over the limit is answered, not reset', async t => {
  t.equal(read(...GET.with(3, `:path: /${'a'.repeat(99)}`)).fault, null)
  t.match(read(...GET.with(3, `:path: /${'a'.repeat(100)}`)).fault, { code: 'DOWNSTREAM_TARGET_TOO_LONG', isMalformed: false })
})

for (const [why, lines] of [
  ['a field before a pseudo-field', ['accept: x', ...GET]],
  ['two pseudo-fields of a name', [...GET, ':path: /b']],
  ['an unknown pseudo-field', [':x: y', ...GET]],
  ['a pseudo-field of responses', [':status: 200', ...GET]],
  ['no method', GET.slice(1)],
  ['no scheme', GET.toSpliced(1, 1)],
  ['no authority', GET.toSpliced(2, 1)],
  ['no path', GET.slice(0, 3)],
  ['an empty path', GET.with(3, ':path: ')],
  ['a path that would end an HTTP/1.1 start line', GET.with(3, ':path: /a HTTP/1.1')],
  ['a path with a fragment', GET.with(3, ':path: /a#b')],
  ['a path in absolute form', GET.with(3, ':path: http://a/')],
  ['* without OPTIONS', GET.with(3, ':path: *')],
  ['an octet above 126 in a path', GET.with(3, ':path: /\xe9')],
  ['a method with a space', GET.with(0, ':method: GET /x')],
  ['a scheme that is not carried', GET.with(1, ':scheme: ftp')],
  ['userinfo', GET.with(2, ':authority: a@b')],
  ['an upper-case name', [...GET, 'Accept: x']],
  ['a line feed in a value', [...GET, 'x: a\nb: c']],
  ['a space at the start of a value', [...GET, 'x:  a']],
  ...['connection: close', 'keep-alive: 1', 'proxy-connection: x', 'transfer-encoding: chunked', 'upgrade: h2c', 'http2-settings: x'].map(
    line => [line, [...GET, line]] as const,
  ),
  ['te that is not trailers', [...GET, 'te: gzip']],
  ['te of two', [...GET, 'te: trailers, gzip']],
  ['two content-lengths, though equal', [...GET, 'content-length: 1', 'content-length: 1']],
  ...['', '+1', '-1', '1,1', '0x1', '1 ', '1234567890123456'].map(
    value => [`content-length ${JSON.stringify(value)}`, [...GET, `content-length: ${value}`]] as const,
  ),
] as const) {
  t.test(`${why} makes a request malformed (RFC 9113 section 8)`, async t => {
    const { fault } = read(...lines)
    t.match(fault, { code: 'DOWNSTREAM_PROTOCOL', isMalformed: true })
  })
}

t.test('trailers carry no pseudo-field, and lose what would mean something else', async t => {
  const names: string[] = []
  const trailers = readTrailers(received('grpc-status: 0', 'content-length: 5', 'authorization: x', 'trailer: y', 'grpc-message: m'))
  trailers.value?.forEach(name => void names.push(name))
  t.same(names, ['grpc-status', 'grpc-message'])
  t.equal(readTrailers(received('host: a')).value, null)
  t.ok(readTrailers(received(':status: 200')).fault?.isMalformed)
  t.ok(readTrailers(received('connection: close')).fault?.isMalformed)
})
