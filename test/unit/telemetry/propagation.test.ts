import t from 'tap'
import { FieldList } from '../../../proxy/http/fields.ts'
import { callersDecision, callersTraceId, readPropagation, writePropagation } from '../../../proxy/telemetry/propagation.ts'

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736'
const SPAN = '00f067aa0ba902b7'
const W3C = `00-${TRACE}-${SPAN}-01`
const B3_TRACE = '80f198ee56343ba864fe8b2a57d3eff7'
const B3_SPAN = 'e457b5a2e4d86bd1'
const OWN_TRACE = 'a'.repeat(32)
const OWN_SPAN = 'b'.repeat(16)

const fields = (lines: Record<string, string>) => new FieldList(Object.entries(lines))
const parentOf = (lines: Record<string, string>) => readPropagation(fields(lines), ['tracecontext']).parent

/** All lines after our span was written. */
function written(lines: Record<string, string>, ...propagators: ('tracecontext' | 'b3' | 'b3multi')[]): Record<string, string> {
  const head = fields(lines)
  writePropagation(head, readPropagation(head, propagators), OWN_TRACE, OWN_SPAN)
  const all: Record<string, string> = {}
  head.forEach((name, value) => {
    all[name] = value
  })
  return all
}

t.test('the decision of the caller', async t => {
  const decisions: [Record<string, string>, boolean | null][] = [
    [{}, null],
    [{ traceparent: W3C }, true],
    [{ traceparent: W3C.replace(/1$/, '0') }, false],
    [{ traceparent: 'nonsense' }, null],
    [{ traceparent: 'nonsense', b3: '1' }, true],
    [{ traceparent: W3C.replace(/1$/, '0'), b3: '1' }, false],
    [{ b3: '0' }, false],
    [{ b3: '1' }, true],
    [{ b3: 'd' }, true],
    [{ b3: `${B3_TRACE}-${B3_SPAN}` }, null],
    [{ b3: `${B3_TRACE}-${B3_SPAN}-0` }, false],
    [{ b3: `${B3_TRACE}-${B3_SPAN}-1` }, true],
    [{ b3: `${B3_TRACE}-${B3_SPAN}-d-05e3ac9a4f6e3b90` }, true],
    [{ b3: `${B3_TRACE}-${B3_SPAN}-2` }, null],
    [{ b3: 'nonsense', 'x-b3-sampled': '1' }, true],
    [{ 'x-b3-sampled': '1' }, true],
    [{ 'x-b3-sampled': 'true' }, true],
    [{ 'x-b3-sampled': '0' }, false],
    [{ 'x-b3-sampled': 'false' }, false],
    [{ 'x-b3-sampled': 'maybe' }, null],
    [{ 'x-b3-flags': '1', 'x-b3-sampled': '0' }, true],
    [{ 'x-b3-traceid': B3_TRACE, 'x-b3-spanid': B3_SPAN }, null],
  ]
  for (const [lines, wanted] of decisions) t.equal(callersDecision(fields(lines)), wanted, JSON.stringify(lines))
})

t.test('several traceparent lines are malformed together', async t => {
  const twice = new FieldList([
    ['traceparent', W3C],
    ['traceparent', W3C],
  ])
  t.equal(callersDecision(twice), null)
  t.equal(readPropagation(twice, []).parent, null)
})

t.test('the parent is of W3C where that is well-formed, else of B3', async t => {
  const b3 = { b3: `${B3_TRACE}-${B3_SPAN}-1` }
  t.same(parentOf({ traceparent: W3C, ...b3 }), { traceId: TRACE, spanId: SPAN })
  t.same(parentOf({ traceparent: 'nonsense', ...b3 }), { traceId: B3_TRACE, spanId: B3_SPAN })
  t.same(parentOf({ 'x-b3-traceid': B3_TRACE, 'x-b3-spanid': B3_SPAN, 'x-b3-sampled': '1' }), { traceId: B3_TRACE, spanId: B3_SPAN })
  t.same(parentOf({ b3: `64fe8b2a57d3eff7-${B3_SPAN}-1` }), { traceId: '000000000000000064fe8b2a57d3eff7', spanId: B3_SPAN }, '64 bits')
  t.same(parentOf({ b3: `${B3_TRACE.toUpperCase()}-${B3_SPAN.toUpperCase()}-1` }), { traceId: B3_TRACE, spanId: B3_SPAN }, 'upper case')
  const none = [
    '1',
    `${'0'.repeat(32)}-${B3_SPAN}-1`,
    `${B3_TRACE}-${'0'.repeat(16)}-1`,
    `${B3_TRACE}1-${B3_SPAN}-1`,
    `${B3_TRACE}-${B3_SPAN}-1-`,
  ]
  for (const text of none) t.equal(parentOf({ b3: text }), null, text)
  t.equal(parentOf({ 'x-b3-traceid': B3_TRACE, 'x-b3-sampled': '1' }), null, 'half of the ids')
})

t.test('the id of a trace is known whether it is recorded or not', async t => {
  t.equal(callersTraceId(fields({ traceparent: W3C.replace(/1$/, '0') })), TRACE)
  t.equal(callersTraceId(fields({ b3: `${B3_TRACE}-${B3_SPAN}-0` })), B3_TRACE)
  t.equal(callersTraceId(fields({ traceparent: 'nonsense' })), null)
  t.equal(callersTraceId(fields({})), null)
})

t.test('what goes on is W3C, and B3 in the forms that came or are asked for', async t => {
  const traceparent = `00-${OWN_TRACE}-${OWN_SPAN}-01`
  const b3 = `${OWN_TRACE}-${OWN_SPAN}-1`
  const multi = { 'x-b3-traceid': OWN_TRACE, 'x-b3-spanid': OWN_SPAN, 'x-b3-sampled': '1' }
  t.same(written({}), { traceparent })
  t.same(written({}, 'tracecontext', 'b3'), { traceparent, b3 })
  t.same(written({}, 'b3multi'), { traceparent, ...multi })
  t.same(written({ b3: '1' }), { traceparent, b3 })
  t.same(written({ traceparent: W3C, b3: `${B3_TRACE}-${B3_SPAN}-1` }), { traceparent, b3 })
  const came = { 'x-b3-traceid': B3_TRACE, 'x-b3-spanid': B3_SPAN, 'x-b3-parentspanid': B3_SPAN, 'x-b3-sampled': 'true' }
  t.same(written(came), { traceparent, ...multi }, 'no parent of a parent')
})

t.test('debug stays debug', async t => {
  const traceparent = `00-${OWN_TRACE}-${OWN_SPAN}-01`
  t.same(written({ b3: 'd' }), { traceparent, b3: `${OWN_TRACE}-${OWN_SPAN}-d` })
  const came = { 'x-b3-flags': '1', 'x-b3-sampled': '1' }
  t.same(written(came), { traceparent, 'x-b3-traceid': OWN_TRACE, 'x-b3-spanid': OWN_SPAN, 'x-b3-flags': '1' })
})

t.test('tracestate goes on with the traceparent that it belongs to, and never without', async t => {
  const traceparent = `00-${OWN_TRACE}-${OWN_SPAN}-01`
  t.same(written({ traceparent: W3C, tracestate: 'foo=1' }), { traceparent, tracestate: 'foo=1' })
  t.same(written({ traceparent: W3C, tracestate: 'FOO' }), { traceparent })
  t.same(written({ traceparent: 'nonsense', tracestate: 'foo=1' }), { traceparent })
  t.same(written({ tracestate: 'foo=1', b3: '1' }), { traceparent, b3: `${OWN_TRACE}-${OWN_SPAN}-1` })
  const lines = new FieldList([
    ['traceparent', W3C],
    ['tracestate', 'foo=1'],
    ['tracestate', 'bar=2'],
  ])
  t.equal(readPropagation(lines, []).tracestate, 'foo=1, bar=2', 'several lines are one list')
})

t.test('a random trace id is said to be one all the way', async t => {
  t.equal(written({ traceparent: W3C.replace(/1$/, '3') })['traceparent'], `00-${OWN_TRACE}-${OWN_SPAN}-03`)
})
