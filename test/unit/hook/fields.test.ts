import t from 'tap'
import { carriedBy, DEADLINE, fieldsFor, hasField } from '../../../hook/fields.js'
import { DEADLINE as OF_THE_SIDECAR } from '../../../proxy/filter/deadline.ts'

const TRACEPARENT = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'

t.test('hook and sidecar mean the same field', async t => {
  t.equal(DEADLINE, OF_THE_SIDECAR)
})

t.test('what a request carries is handed on as it came, and nothing else', async t => {
  const headers = {
    traceparent: TRACEPARENT,
    tracestate: 'a=1,b=2',
    'x-request-id': 'r1',
    baggage: 'user=7',
    cookie: 'secret',
    authorization: 'secret',
  }
  const carried = carriedBy(headers, 1000)
  t.ok(carried !== undefined)
  if (carried === undefined) return
  const trace = [
    ['traceparent', TRACEPARENT],
    ['tracestate', 'a=1,b=2'],
    ['x-request-id', 'r1'],
  ]
  t.same(fieldsFor(carried, 'all', 1000), [...trace, ['baggage', 'user=7']])
  t.same(fieldsFor(carried, 'trace', 1000), trace)
})

t.test('a request that carries nothing hands on nothing', async t => {
  t.equal(carriedBy({ host: 'orders', accept: '*/*' }, 1000), undefined)
})

t.test('of a deadline what remains is handed on, rounded down, and 0 once it is past', async t => {
  const carried = carriedBy({ [DEADLINE]: '500' }, 1000)
  t.ok(carried !== undefined)
  if (carried === undefined) return
  t.same(fieldsFor(carried, 'all', 1000), [[DEADLINE, '500']])
  t.same(fieldsFor(carried, 'all', 1100.5), [[DEADLINE, '399']])
  t.same(fieldsFor(carried, 'all', 1500), [[DEADLINE, '0']])
  t.same(fieldsFor(carried, 'all', 9000), [[DEADLINE, '0']])
  t.same(fieldsFor(carried, 'trace', 1100), [])
})

t.test('what is no deadline, or no value that a client lets pass, is not handed on', async t => {
  for (const value of ['', '-1', '1.5', '1000000000', 'soon']) t.equal(carriedBy({ [DEADLINE]: value }, 0), undefined, value)
  for (const value of ['', 'caf\u00e9', 'a\r\nb: c', 'a\u0000b'])
    t.equal(carriedBy({ baggage: value, 'x-request-id': value }, 0), undefined, JSON.stringify(value))
  t.equal(carriedBy({ baggage: ['a', 'b'] }, 0), undefined)
})

t.test('what an app has set is seen in each form in which undici holds fields', async t => {
  for (const headers of ['accept: */*\r\nTraceParent: x\r\n', ['accept', '*/*', 'TraceParent', 'x']]) {
    t.ok(hasField(headers, 'traceparent'))
    t.ok(hasField(headers, 'accept'))
    t.notOk(hasField(headers, 'parent'))
    t.notOk(hasField(headers, 'x'))
  }
  for (const headers of ['', []]) t.notOk(hasField(headers, 'traceparent'))
  for (const headers of [null, undefined, {}, new Map()])
    t.ok(hasField(headers, 'traceparent'), 'of a form that is not known nothing is added to')
})
