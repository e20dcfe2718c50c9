import t from 'tap'
import { copyRequestHead } from '../../../proxy/http/head.ts'
import { HeadReader } from '../../../proxy/http1/head-reader.ts'
import { DEFAULT_LIMITS } from '../../../proxy/http1/limits.ts'
import { readRequest } from '../../../proxy/http1/request-head.ts'
import { writeRequestHead } from '../../../proxy/http1/writer.ts'
import { Page, requestHead } from './support.ts'

const RAW =
  'GET /a HTTP/1.1\r\nHost: orders\r\nX-One: 1\r\nCOOKIE: a=1\r\nConnection: x-hop, cookie\r\nX-Hop: h\r\nCookie:  b=2 \r\nTE: trailers, deflate\r\n\r\n'

t.test('a password that was meant for the proxy stays with the proxy', async t => {
  const { headers } = requestHead('GET /a HTTP/1.1\r\nHost: orders\r\nProxy-Authorization: Basic eDp5\r\nAuthorization: Basic eDp6\r\n\r\n')
  t.notOk(headers.has('proxy-authorization'))
  t.equal(headers.get('authorization'), 'Basic eDp6')
})

t.test('fields are found by lower-case name, hop-by-hop and nominated ones are not', async t => {
  const { headers, trailersAccepted } = requestHead(RAW)
  t.equal(headers.get('x-one'), '1')
  t.equal(headers.joined('cookie'), 'a=1, b=2', 'what identity rests on cannot be nominated away')
  for (const hidden of ['host', 'connection', 'x-hop', 'te', 'nothing']) {
    t.equal(headers.get(hidden), null, hidden)
    t.notOk(headers.has(hidden), hidden)
  }
  t.ok(trailersAccepted)
  const seen: string[] = []
  headers.forEach((name, value) => void seen.push(`${name}=${value}`))
  t.same(seen, ['x-one=1', 'cookie=a=1', 'cookie=b=2'])
  t.equal(headers.listSize, 5 + 1 + 32 + 2 * (6 + 3 + 32))
})

t.test('a changed copy leaves the first one as it was', async t => {
  const head = requestHead(RAW)
  const copy = copyRequestHead(head)
  copy.headers.set('x-one', '2')
  copy.headers.append('x-new', 'n')
  copy.headers.delete('cookie')
  const second = copyRequestHead(copy)
  second.headers.delete('x-new')
  t.equal(head.headers.get('x-one'), '1')
  t.ok(head.headers.has('cookie'))
  t.equal(copy.headers.get('x-one'), '2')
  t.notOk(copy.headers.has('cookie'))
  t.equal(copy.headers.get('x-new'), 'n')
  t.notOk(second.headers.has('x-new'))
})

t.test('unchanged lines are written as they came, changed ones behind them', async t => {
  const head = copyRequestHead(requestHead(RAW))
  head.headers.set('x-one', '2')
  head.authority = 'other:81'
  head.path = '/b c\r\nX: y'
  const page = new Page()
  writeRequestHead(page, head, 'until-close', 0)
  t.equal(
    page.text(),
    'GET /b%20c%0D%0AX:%20y HTTP/1.1\r\nHost: other:81\r\nCOOKIE: a=1\r\nCookie:  b=2 \r\nx-one: 2\r\nConnection: TE\r\nTE: trailers\r\n\r\n',
  )
})

t.test('no value that a filter sets can add a line, in whatever characters it is written', async t => {
  const head = copyRequestHead(requestHead('GET / HTTP/1.1\r\nHost: a\r\n\r\n'))
  head.headers.set('x', 'a\r\nEvil: 1\u010aEvil: 2\0')
  const page = new Page()
  writeRequestHead(page, head, 'until-close', 0)
  t.equal(page.text(), 'GET / HTTP/1.1\r\nHost: a\r\nx: a  Evil: 1?Evil: 2 \r\n\r\n')
})

t.test('Content-Length is kept where it is true, replaced where it is not, dropped where the body is chunked', async t => {
  const raw = 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n'
  const write = (framing: 'length' | 'chunked' | 'empty', length: number): string => {
    const page = new Page()
    writeRequestHead(page, requestHead(raw), framing, length)
    return page.text().slice('POST / HTTP/1.1\r\nHost: a\r\n'.length)
  }
  t.equal(write('length', 3), 'Content-Length: 3\r\n\r\n')
  t.equal(write('length', 4), 'Content-Length: 4\r\n\r\n')
  t.equal(write('empty', 0), 'Content-Length: 0\r\n\r\n')
  t.equal(write('chunked', 0), 'Transfer-Encoding: chunked\r\n\r\n')
})

t.test('heads stay what they are while thousands of others are read into the same memory', async t => {
  const heads = Array.from({ length: 5000 }, (_, i) => requestHead(`GET /${i} HTTP/1.1\r\nHost: h${i}\r\nX-N: ${i}\r\n\r\n`))
  t.ok(heads.every((head, i) => head.path === `/${i}` && head.authority === `h${i}` && head.headers.get('x-n') === String(i)))
})

t.test('a head in parts is the same as a whole one, wherever it is cut', async t => {
  const octets = Buffer.from(RAW, 'latin1')
  for (let cut = 1; cut < octets.length; cut++) {
    const reader = new HeadReader('request', DEFAULT_LIMITS)
    t.equal(reader.read(octets, 0, cut), 0)
    const { octets: all, start, end } = reader.stash.join(octets, cut, octets.length)
    t.equal(reader.read(all, start, end), octets.length)
    const { head } = readRequest(reader.parser, all, start, DEFAULT_LIMITS, [], { text: '' })
    if (head.headers.joined('cookie') !== 'a=1, b=2') t.fail(`cut at ${cut}`)
  }
})
