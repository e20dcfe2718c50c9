import t from 'tap'
import { DEFAULT_TABLE_BYTES } from '../../../proxy/hpack/dynamic-table.ts'
import { Encoder } from '../../../proxy/hpack/encoder.ts'
import { type FieldLine, INDEXING } from '../../../proxy/hpack/line.ts'
import { lineOf } from '../../../proxy/hpack/lines.ts'
import { type Random, seededRandom } from '../../../proxy/util/random.ts'
import { decoder, octetsOf, read, write } from './support.ts'

const text = (lines: readonly FieldLine[]) => lines.map(line => `${line.name}: ${line.value}`)

t.test('indices that no table has are refused (RFC 7541 sections 2.3.3 and 6.1)', async t => {
  for (const hex of ['80', 'be', 'ff00', '7f0000', '0f7f00']) t.throws(() => read(decoder(), octetsOf(hex)), hex)
})

t.test('what is cut off is refused, wherever', async t => {
  const block = octetsOf('828684418cf1e3c2e5f23a6ba0ab90f4ff400a637573746f6d2d6b65790c637573746f6d2d76616c7565')
  let read = 0
  for (let cut = 0; cut <= block.length; cut++) if (decoder().decode(block.subarray(0, cut), 0, cut)) read++
  t.equal(read, 6, 'only between lines')
})

t.test('a table size may be said twice, at the start of a block, within the limit; all else is refused (sections 4.2 and 6.3)', async t => {
  t.same(read(decoder(), octetsOf('20 82')), [':method: GET'])
  t.same(read(decoder(), octetsOf('20 3fe11f 82')), [':method: GET'], 'zero, then 4096')
  t.throws(() => read(decoder(), octetsOf('20 20 20 82')), 'three')
  t.throws(() => read(decoder(), octetsOf('82 20')), 'behind a line')
  t.throws(() => read(decoder(), octetsOf('3fe21f')), '4097')
  t.same(read(decoder({ maxTableBytes: 8192 }), octetsOf('3fe13f')), [], '8192 where that was announced')
})

t.test('a table size of zero empties the table', async t => {
  const from = decoder()
  read(from, octetsOf('400a637573746f6d2d6b65790d637573746f6d2d686561646572'))
  t.equal(from.tableSize, 55)
  t.throws(() => read(from, octetsOf('20 be')))
  t.equal(from.tableSize, 0)
})

t.test('a smaller table that the peer asks for is said at the next block; a smaller one in between is said too', async t => {
  const to = new Encoder()
  const from = decoder()
  const line = lineOf('x-tenant', 'acme')
  read(from, write(to, [line]))
  to.allowTable(100)
  to.allowTable(64)
  to.allowTable(80)
  const block = write(to, [line])
  t.equal(block.toString('hex', 0, 4), '3f213f31', '64, then 80')
  t.same(read(from, block), ['x-tenant: acme'])
  t.equal(to.tableSize, from.tableSize)
  t.equal(write(to, [line]).length, 1, 'indexed again')
  to.allowTable(1_000_000)
  t.equal(write(to, [])[0], 0x3f, 'and grows again')
  t.ok(to.tableSize <= DEFAULT_TABLE_BYTES)
  to.allowTable(0)
  t.equal(write(to, [line])[0], 0x20)
  t.equal(to.tableSize, 0)
})

t.test('secrets are never indexed, whoever sent them, and stay so (section 7.1)', async t => {
  for (const [name, value] of [
    ['authorization', 'Bearer abcdefghijklmnopqrstuvwxyz'],
    ['proxy-authorization', 'Basic eDp5'],
    ['set-cookie', 'id=1'],
    ['cookie', 'a=1'],
  ] as const) {
    const to = new Encoder()
    const block = write(to, [lineOf(name, value)])
    t.equal((block[0] as number) & 0xf0, 0x10, name)
    t.equal(to.tableSize, 0)
    const from = decoder()
    t.same(read(from, block), [`${name}: ${value}`])
    t.equal((write(to, from.lines)[0] as number) & 0xf0, 0x10, 'and on the next hop')
  }
  const from = decoder()
  read(from, octetsOf('570161'))
  t.equal(from.lines[0]?.indexing, INDEXING.NEVER, 'also when its sender indexed it')
  t.equal(from.tableSize, 46, 'which the table has to follow')
})

t.test('a value that its sender did not index is not indexed further on', async t => {
  const from = decoder()
  read(from, octetsOf('00 81f3 0179'))
  const to = new Encoder()
  t.equal(write(to, from.lines).toString('hex'), '0081f30179')
})

t.test('a bomb of indexed lines is counted, not kept, and the table stays in step', async t => {
  const from = decoder({ maxListBytes: 16_384, maxLines: 100 })
  const huge = Buffer.concat([octetsOf('4001787f811e'), Buffer.alloc(3968, 97)])
  t.ok(from.decode(huge, 0, huge.length))
  t.notOk(from.isTooLarge)
  const bomb = Buffer.concat([Buffer.alloc(60_000, 0xbe), octetsOf('400a637573746f6d2d6b65790d637573746f6d2d686561646572')])
  t.ok(from.decode(bomb, 0, bomb.length))
  t.ok(from.isTooLarge)
  t.ok(from.lines.length <= 4)
  t.ok(from.listSize > 200_000_000)
  t.same(read(from, octetsOf('be')), ['custom-key: custom-header'])
  const many = Buffer.alloc(101, 0x82)
  t.ok(from.decode(many, 0, many.length))
  t.ok(from.isTooLarge, 'by count')
})

t.test('a line larger than the table empties it and is not in it (section 4.4)', async t => {
  const from = decoder({ maxTableBytes: 64 })
  read(from, octetsOf('4001780179'))
  t.equal(from.tableSize, 34)
  read(from, Buffer.concat([octetsOf('40017840'), Buffer.alloc(64, 97)]))
  t.equal(from.tableSize, 0)
})

t.test(
  'names that are no tokens in lower case, and values with controls or spaces at their ends, are malformed but do not break the table',
  async t => {
    for (const [name, value] of [
      ['X', 'y'],
      ['', 'y'],
      ['a b', 'y'],
      ['x:', 'y'],
      ['x', ' y'],
      ['x', 'y\t'],
      ['x', 'a\r\nb: c'],
      ['x', 'a\0'],
      ['x', '\x7f'],
    ] as const) {
      const block = Buffer.concat([
        Buffer.from([0x40, name.length]),
        Buffer.from(name, 'latin1'),
        Buffer.from([value.length]),
        Buffer.from(value, 'latin1'),
      ])
      for (let time = 0; time < 2; time++) {
        const from = decoder()
        t.same(read(from, block), [`${name}: ${value}`])
        t.ok(from.isMalformed, JSON.stringify(name + value))
        read(from, octetsOf('be'))
        t.ok(from.isMalformed, 'by its index too')
      }
    }
    const from = decoder()
    read(from, octetsOf('4001780461 20 09 ff'))
    t.notOk(from.isMalformed, 'a space and a tab within, and octets above 127, are fine')
  },
)

const NAMES = [
  'x-a',
  'x-b',
  'cookie',
  'user-agent',
  ':path',
  'authorization',
  'content-type',
  'x-request-id',
  'accept',
  'vary',
  'x-very-long-name-of-a-field',
]

function randomLine(random: Random): FieldLine {
  const name = NAMES[random.uint32() % NAMES.length] as string
  const length = random.uint32() % (random.uint32() % 20 === 0 ? 3000 : 40)
  const few = random.uint32() % 2 === 0
  const value = Array.from({ length }, (_, i) => String.fromCharCode(few ? 97 + (i % 3) : 33 + (random.uint32() % 90))).join('')
  return lineOf(name, value)
}

t.test('ten thousand random blocks come back, tables in step, sizes changed in between', async t => {
  const random = seededRandom(new Uint8Array(16).fill(11))
  const to = new Encoder()
  const from = decoder()
  for (let n = 0; n < 10_000; n++) {
    if (random.uint32() % 50 === 0) to.allowTable(random.uint32() % 5000)
    const lines = Array.from({ length: random.uint32() % 12 }, () => randomLine(random))
    const block = write(to, lines)
    const back = read(from, block)
    if (JSON.stringify(back) !== JSON.stringify(text(lines))) t.same(back, text(lines))
    if (to.tableSize !== from.tableSize) t.equal(to.tableSize, from.tableSize)
  }
})

t.test('the same line is the same object, so that a second block costs an octet a line', async t => {
  const to = new Encoder()
  const from = decoder()
  const lines = [lineOf('x-tenant', 'acme'), lineOf('content-type', 'application/grpc'), lineOf(':method', 'POST')]
  read(from, write(to, lines))
  const again = write(to, [lineOf('x-tenant', 'acme'), lineOf('content-type', 'application/grpc'), lineOf(':method', 'POST')])
  t.equal(again.length, 3)
  t.same(read(from, again), text(lines))
  const onward = new Encoder()
  write(onward, from.lines)
  read(from, again)
  t.equal(write(onward, from.lines).length, 3, 'received lines too')
})

t.test('what cannot stand in a value is replaced when a line is made', async t => {
  t.equal(lineOf('x', 'a\r\nEvil: 1\u010a\0').value, 'a  Evil: 1? ')
})
