import t, { type Test } from 'tap'
import { CODE } from '../../../proxy/http2/codes.ts'
import { FrameReader, type FrameSink, MAX_FRAME_BYTES } from '../../../proxy/http2/frame-reader.ts'
import { seededRandom } from '../../../proxy/util/random.ts'
import { frame } from './support.ts'

/** What a reader says of octets that come in pieces of `next()`. DATA is joined, since how it is cut is not the reader's choice. */
function read(octets: Buffer, next: () => number): string[] {
  const log: string[] = []
  let data = ''
  const sink: FrameSink = {
    frame: (type, flags, id, from, start, end) => void log.push(`${type} ${flags} ${id} ${from.toString('hex', start, end)}`),
    dataBegun: (flags, id, length) => void log.push(`data ${flags} ${id} ${length}`),
    dataCame: (from, start, end) => {
      data += from.toString('hex', start, end)
    },
    dataEnded: () => {
      log.push(`octets ${data}`)
      data = ''
    },
    unreadable: (code, reason) => void log.push(`fault ${code} ${reason}`),
  }
  const reader = new FrameReader(sink)
  // Read from where the next piece overwrites it, as from a socket.
  const wire = Buffer.alloc(octets.length)
  for (let p = 0; p < octets.length; ) {
    const count = Math.min(next(), octets.length - p)
    octets.copy(wire, 0, p, p + count)
    reader.read(wire, 0, count, false)
    p += count
  }
  if (reader.isPartial) log.push('partial')
  return log
}

function alike(t: Test, octets: Buffer): string[] {
  const whole = read(octets, () => octets.length)
  const random = seededRandom(new Uint8Array(16).fill(octets.length & 255))
  t.same(
    read(octets, () => 1),
    whole,
    'octet by octet',
  )
  for (let n = 0; n < 20; n++) {
    t.same(
      read(octets, () => 1 + (random.uint32() % 40)),
      whole,
      'in random cuts',
    )
  }
  return whole
}

t.test('frames are the same however they are cut', async t => {
  const octets = Buffer.concat([
    frame(4, 0, 0, '000300000064'),
    frame(1, 5, 1, '82868441'),
    frame(0, 0, 1, '00112233445566778899'),
    frame(0, 8, 3, '03aabb000000'),
    frame(0, 9, 3, '00'),
    frame(0, 1, 5, ''),
    frame(6, 0, 0, '0102030405060708'),
    frame(200, 7, 9, ''),
    frame(1, 4, 7, 'ab'.repeat(900)),
  ])
  t.same(alike(t, octets), [
    '4 0 0 000300000064',
    '1 5 1 82868441',
    'data 0 1 10',
    'octets 00112233445566778899',
    'data 8 3 6',
    'octets aabb',
    'data 9 3 1',
    'octets ',
    'data 1 5 0',
    'octets ',
    '6 0 0 0102030405060708',
    '200 7 9 ',
    `1 4 7 ${'ab'.repeat(900)}`,
  ])
})

t.test('the reserved bit of a stream id is ignored (RFC 9113 section 4.1)', async t => {
  const octets = frame(8, 0, 0x7fffffff, '00000001')
  octets[5] = 0xff
  t.same(alike(t, octets), ['8 0 2147483647 00000001'])
})

t.test('a frame longer than the limit is refused at its head, and nothing behind it is read (section 4.2)', async t => {
  const largest = frame(0, 0, 1, '00'.repeat(MAX_FRAME_BYTES))
  t.equal(read(largest, () => 4096)[0], `data 0 1 ${MAX_FRAME_BYTES}`)
  const head = frame(1, 4, 1, '')
  head.writeUIntBE(MAX_FRAME_BYTES + 1, 0, 3)
  t.same(alike(t, Buffer.concat([head, frame(6, 0, 0, '0102030405060708')])), [`fault ${CODE.FRAME_SIZE_ERROR} a frame of 16385 octets`])
})

t.test('padding longer than its frame, or without its length, is refused (section 6.1)', async t => {
  t.same(alike(t, frame(0, 8, 1, '03aabb')), ['data 8 1 3', `fault ${CODE.PROTOCOL_ERROR} padding longer than its frame`])
  t.same(alike(t, frame(0, 8, 1, '')), ['data 8 1 0', `fault ${CODE.FRAME_SIZE_ERROR} a padded frame without a pad length`])
})

t.test('what has begun and is not whole is said to be so', async t => {
  t.same(
    read(frame(1, 4, 1, '828684').subarray(0, 10), () => 100),
    ['partial'],
  )
  t.same(
    read(frame(1, 4, 1, '828684').subarray(0, 3), () => 1),
    ['partial'],
  )
})
