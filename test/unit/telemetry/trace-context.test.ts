import t from 'tap'
import {
  formatTraceparent,
  keptTracestate,
  MAX_TRACESTATE_LENGTH,
  MAX_TRACESTATE_MEMBERS,
  parentIdOf,
  traceIdOf,
  traceparentFlags,
} from '../../../proxy/telemetry/trace-context.ts'

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736'
const SPAN = '00f067aa0ba902b7'
const GOOD = `00-${TRACE}-${SPAN}-01`

t.test('a traceparent of version 00 is read (W3C Trace Context section 3.2.2)', async t => {
  t.equal(traceparentFlags(GOOD), 1)
  t.equal(traceparentFlags(`00-${TRACE}-${SPAN}-00`), 0)
  t.equal(traceparentFlags(`00-${TRACE}-${SPAN}-03`), 3)
  t.equal(traceparentFlags(`00-${TRACE}-${SPAN}-ff`) & 1, 1, 'flags that are not known are no fault')
  t.equal(traceIdOf(GOOD), TRACE)
  t.equal(parentIdOf(GOOD), SPAN)
})

t.test('of a higher version the parts of version 00 are read (section 3.2.2.1 and "Versioning of traceparent")', async t => {
  t.equal(traceparentFlags(`01-${TRACE}-${SPAN}-01`), 1)
  t.equal(traceparentFlags(`cc-${TRACE}-${SPAN}-01-what-the-future-will-be-like`), 1)
  t.equal(traceparentFlags(`cc-${TRACE}-${SPAN}-01.what-the-future-will-be-like`), -1, 'only a hyphen may follow')
  t.equal(traceparentFlags(`cc-${TRACE}-${SPAN}-01-`), 1)
})

t.test('a traceparent that is malformed counts as none', async t => {
  const malformed: Record<string, string> = {
    empty: '',
    'version ff': `ff-${TRACE}-${SPAN}-01`,
    'version in upper case': `0A-${TRACE}-${SPAN}-01`,
    'version of one digit': `0-${TRACE}-${SPAN}-01`,
    'more than version 00 has': `${GOOD}-what-the-future-will-not-be-like`,
    'a hyphen more': `${GOOD}-`,
    'trace id of zeros': `00-${'0'.repeat(32)}-${SPAN}-01`,
    'parent id of zeros': `00-${TRACE}-${'0'.repeat(16)}-01`,
    'trace id in upper case': `00-${TRACE.toUpperCase()}-${SPAN}-01`,
    'parent id in upper case': `00-${TRACE}-${SPAN.toUpperCase()}-01`,
    'flags in upper case': `00-${TRACE}-${SPAN}-0A`,
    'no hexadecimal digit in the trace id': `00-${TRACE.replace('4', '.')}-${SPAN}-01`,
    'no hexadecimal digit in the parent id': `00-${TRACE}-${SPAN.replace('f', 'x')}-01`,
    'no hexadecimal digit in the flags': `00-${TRACE}-${SPAN}-.1`,
    'a short trace id': `00-${TRACE.slice(1)}-${SPAN}-01`,
    'a long trace id': `00-${TRACE}1-${SPAN}-01`,
    'a short parent id': `00-${TRACE}-${SPAN.slice(1)}-01`,
    'flags of one digit': `00-${TRACE}-${SPAN}-1`,
    'no hyphens': GOOD.replaceAll('-', '_'),
    'two lines': `${GOOD}, ${GOOD}`,
    'two lines of a higher version': `cc-${TRACE}-${SPAN}-01, cc-${TRACE}-${SPAN}-01`,
  }
  for (const [what, text] of Object.entries(malformed)) t.equal(traceparentFlags(text), -1, what)
})

t.test('what goes out is version 00, sampled, and random where the trace is', async t => {
  t.equal(formatTraceparent(TRACE, SPAN, 0), GOOD)
  t.equal(formatTraceparent(TRACE, SPAN, 1), GOOD)
  t.equal(formatTraceparent(TRACE, SPAN, 3), `00-${TRACE}-${SPAN}-03`)
  t.equal(formatTraceparent(TRACE, SPAN, 0xfd), GOOD, 'flags that are not known are zero (section 3.2.2.5)')
})

t.test('a tracestate that is well-formed goes on as it came (section 3.3.1)', async t => {
  const good = [
    'foo=1',
    'foo=1,bar=2',
    'rojo=00f067aa0ba902b7,congo=t61rcWkgMzE',
    'foo=1 \t , \t bar=2,baz=3',
    'foo=1,,,bar=2',
    'fw529a3039@dt=FfAAA,0z@a=1',
    'a_-*/z=1',
    `${'z'.repeat(256)}=1`,
    `${'t'.repeat(241)}@${'v'.repeat(14)}=1`,
    'foo=a value with spaces!',
    'foo=1,foo=2',
    Array.from({ length: MAX_TRACESTATE_MEMBERS }, (_, i) => `bar${i}=${i}`).join(','),
  ]
  for (const text of good) t.equal(keptTracestate(text), text, text)
})

t.test('a tracestate that is malformed, or has 33 members, does not go on', async t => {
  const malformed = [
    '',
    ' , ,',
    'foo',
    'foo=',
    '=1',
    'foo 1',
    'foo=1=2',
    'FOO=1',
    'foo.bar=1',
    'foo@=1',
    '@foo=1',
    'foo@@bar=1',
    'foo@bar@baz=1',
    '0foo=1',
    'foo =1',
    'foo=\u0001',
    'foo=\u00e9',
    `${'z'.repeat(257)}=1`,
    `${'t'.repeat(242)}@v=1`,
    `t@${'v'.repeat(15)}=1`,
    `foo=${'1'.repeat(257)}`,
    Array.from({ length: MAX_TRACESTATE_MEMBERS + 1 }, (_, i) => `bar${i}=${i}`).join(','),
  ]
  for (const text of malformed) t.equal(keptTracestate(text), null, text)
})

t.test('a tracestate of more than 512 characters loses its large members first, then its last (section 3.3.1.5)', async t => {
  const large = `large=${'x'.repeat(200)}`
  const small = Array.from({ length: 31 }, (_, i) => `k${i}=${'y'.repeat(11)}`)
  const all = [small[0], large, ...small.slice(1)].join(',')
  t.ok(all.length > MAX_TRACESTATE_LENGTH)
  t.equal(keptTracestate(all), small.join(','))
  const medium = Array.from({ length: 6 }, (_, i) => `m${i}=${'y'.repeat(97)}`)
  t.equal(keptTracestate(medium.join(',')), medium.slice(0, 5).join(','), 'whole members go, from the end')
  t.equal(keptTracestate([large, large.replace('large', 'huge'), `more=${'z'.repeat(200)}`].join(','))?.length, large.length + large.length)
})
