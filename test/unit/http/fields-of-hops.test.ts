import t from 'tap'
import { ERRORS, type ErrorCode, MeshError } from '../../../proxy/errors.ts'
import { EMPTY_BODY } from '../../../proxy/http/body.ts'
import { FieldList } from '../../../proxy/http/fields.ts'
import type { Response } from '../../../proxy/http/message.ts'
import { errorReply, isReceipt, NO_ANSWER, redirectReply, textReply } from '../../../proxy/http/reply.ts'
import { isRequestId, newRequestId } from '../../../proxy/http/request-id.ts'
import { isLoop, viaEntries, viaPseudonym } from '../../../proxy/http/via.ts'
import { seededRandom } from '../../../proxy/util/random.ts'
import { Collector } from './hand-body.ts'

const random = seededRandom(new Uint8Array(16).fill(7))

t.test('every code has an answer with its status, Proxy-Status and a length, and nothing of addresses', async t => {
  for (const code of Object.keys(ERRORS) as ErrorCode[]) {
    const { status, proxyStatus } = ERRORS[code]
    const reply = errorReply(new MeshError(code, '10.0.0.7:8080 refused'), 'GET', 'id-1')
    if (status === 0) {
      t.equal(reply, NO_ANSWER)
      continue
    }
    const sink = new Collector()
    reply.body.pipe(sink)
    t.equal(reply.head.status, status)
    t.equal(reply.head.headers.get('proxy-status'), `outrider; error=${proxyStatus}; details="${code}"`)
    t.equal(reply.head.headers.get('content-length'), String(sink.text.length))
    t.match(reply.head.headers.get('content-type'), /^text\/plain/)
    t.match(sink.text, code)
    t.match(sink.text, 'id-1')
    t.notMatch(sink.text, '10.0.0.7')
  }
})

t.test('an answer to HEAD has the length but no octets (RFC 9110 section 9.3.2)', async t => {
  const reply = errorReply(new MeshError('NO_ROUTE', ''), 'HEAD', null)
  t.equal(reply.body, EMPTY_BODY)
  t.equal(reply.head.headers.get('content-length'), '19')
})

t.test('204 and 304 have neither body nor length', async t => {
  for (const status of [204, 304]) {
    const reply = textReply(status, 'GET', 'x')
    t.equal(reply.body.length, 0)
    t.notOk(reply.head.headers.has('content-length'))
  }
})

t.test('a redirect says where to', async t => {
  const { head } = redirectReply(302, 'http://b/x')
  t.equal(head.status, 302)
  t.equal(head.headers.get('location'), 'http://b/x')
})

t.test('a receipt is a 503 with our code for "the app has seen nothing"', async t => {
  const response = (status: number, ...values: string[]): Response => ({
    head: { status, headers: new FieldList(values.map(value => ['proxy-status', value])) },
    body: EMPTY_BODY,
  })
  for (const code of ['APP_UNAVAILABLE', 'DRAINING', 'OVERLOADED'] as const) {
    t.ok(isReceipt(errorReply(new MeshError(code, ''), 'GET', null)), code)
  }
  t.ok(isReceipt(response(503, 'cdn; error=x, outrider; error=destination_unavailable; details="DRAINING"')))
  t.notOk(isReceipt(errorReply(new MeshError('UPSTREAM_RESET', ''), 'GET', null)))
  t.notOk(isReceipt(response(503)))
  t.notOk(isReceipt(response(502, 'outrider; error=destination_unavailable; details="DRAINING"')))
  t.notOk(isReceipt(response(503, 'nginx; details="DRAINING"')))
  t.notOk(isReceipt(response(503, 'my-outrider; details="DRAINING"')))
  t.notOk(isReceipt(response(503, 'outrider; error=x, other; details="DRAINING"')))
})

t.test('x-request-id is made where missing, in the form of a UUID version 4', async t => {
  const ids = new Set(Array.from({ length: 1000 }, () => newRequestId(random)))
  t.equal(ids.size, 1000)
  for (const id of ids) if (!/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(id)) t.fail(id)
  t.ok(isRequestId(newRequestId(random)))
})

t.test('a request id is 1 to 128 characters of visible ASCII', async t => {
  for (const bad of ['', 'x'.repeat(129), 'a b', 'a\tb', 'caf\u00e9', '\u007f']) t.notOk(isRequestId(bad), JSON.stringify(bad))
  for (const good of ['x', 'x'.repeat(128), '!~']) t.ok(isRequestId(good), good)
})

t.test('Via names the protocol that was received and a token for this node and direction (RFC 9110 section 7.6.3)', async t => {
  t.equal(viaPseudonym('orders@host 1/a', 'inbound'), 'orders-host-1-a-inbound')
  t.equal(viaEntries('n-outbound')['HTTP/1.1'], '1.1 n-outbound')
  t.equal(viaEntries('n-outbound')['HTTP/1.0'], '1.0 n-outbound')
  t.equal(viaEntries('n-outbound')['HTTP/2'], '2.0 n-outbound')
})

t.test('a loop is seen only when this node and direction stands in Via five times', async t => {
  const own = '1.1 n-outbound'
  const via = (...values: string[]) => new FieldList(values.map(value => ['via', value]))
  t.notOk(isLoop(via(), 'n-outbound'))
  t.notOk(isLoop(via(own, own, own, own), 'n-outbound'))
  t.ok(isLoop(via(own, own, own, own, own), 'n-outbound'))
  t.ok(isLoop(via(`${own}, ${own} (comment), 1.1 other`, `${own},${own},\t${own}`), 'n-outbound'))
  t.notOk(isLoop(via(own, own, own, own, '1.1 n-inbound', '1.1 xn-outbound', '1.1 n-outbound2'), 'n-outbound'))
})
