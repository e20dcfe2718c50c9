import t from 'tap'
import { ChunkedDecoder } from '../../../proxy/http1/chunked.ts'
import { limits } from '../../../proxy/http1/limits.ts'

const LIMITS = limits({ maxTrailerBytes: 20, maxChunkExtensionBytes: 4 })

/** Data, where the body ends, and the fault, of a body read in pieces of `step` octets. */
function decode(text: string, step: number) {
  const octets = Buffer.from(text, 'latin1')
  const decoder = new ChunkedDecoder(LIMITS)
  let data = ''
  for (let p = 0; p < octets.length && !decoder.isDone; p += step) {
    const stop = decoder.run(octets, p, Math.min(p + step, octets.length))
    for (let i = 0; i < decoder.runs.length; i += 2) data += octets.toString('latin1', decoder.runs[i], decoder.runs[i + 1])
    if (stop === -1) return { data, fault: decoder.fault, trailers: null }
  }
  const trailers: string[] = []
  decoder.trailers?.forEach((name, value) => void trailers.push(`${name}=${value}`))
  return { data, fault: decoder.isDone ? null : 'unfinished', trailers }
}

const GOOD: readonly [string, string, string[]][] = [
  ['0\r\n\r\n', '', []],
  ['3\r\nabc\r\n0\r\n\r\nNEXT', 'abc', []],
  ['A;x=1\r\n0123456789\r\n2\r\n\r\n\r\n000\r\nX-A:  b \r\n\r\n', '0123456789\r\n', ['x-a=b']],
]
for (const [text, data, trailers] of GOOD) {
  t.test(`${JSON.stringify(text)} holds ${JSON.stringify(data)} however it is cut`, async t => {
    for (const step of [1, 2, 3, 7, 1000]) {
      const read = decode(text, step)
      t.same(read, { data, fault: null, trailers })
    }
  })
}

for (const text of [
  '\r\n',
  'g\r\n',
  ' 3\r\nabc\r\n',
  '3 \r\nabc\r\n',
  '+3\r\nabc\r\n',
  '0x3\r\nabc\r\n',
  '3\nabc\r\n',
  '3\r\nabcd\r\n',
  '3\r\nabc\n0\r\n\r\n',
  '1234567890123\r\n',
  '3;\x01\r\nabc',
  '3;abcde\r\nabc',
  '0\r\nbad name: x\r\n\r\n',
  '0\r\n: x\r\n\r\n',
  '0\r\nx: a\0\r\n\r\n',
  '0\r\nx: a\n\r\n',
  '0\r\nx: 0123456789012345678901234\r\n\r\n',
  '0\r\n\rX',
]) {
  t.test(`${JSON.stringify(text)} is refused alike however it is cut (RFC 9112 section 7.1)`, async t => {
    const whole = decode(text, 1000)
    t.ok(whole.fault !== null && whole.fault !== 'unfinished')
    for (const step of [1, 2, 3]) t.equal(decode(text, step).fault, whole.fault)
  })
}

t.test('framing, routing and identity fields are dropped from trailers (RFC 9110 section 6.5.1)', async t => {
  const decoder = new ChunkedDecoder(limits())
  const octets = Buffer.from('0\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: x\r\nAuthorization: y\r\nGrpc-Status: 0\r\n\r\n')
  t.equal(decoder.run(octets, 0, octets.length), octets.length)
  const names: string[] = []
  decoder.trailers?.forEach(name => void names.push(name))
  t.same(names, ['grpc-status'])
})
