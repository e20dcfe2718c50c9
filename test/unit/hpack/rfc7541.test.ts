import t from 'tap'
import { Encoder } from '../../../proxy/hpack/encoder.ts'
import { FieldLine, INDEXING } from '../../../proxy/hpack/line.ts'
import { receivedLine } from '../../../proxy/hpack/lines.ts'
import { nameId } from '../../../proxy/hpack/names.ts'
import { decoder, octetsOf, read, write } from './support.ts'

/** A block of the RFC: its octets, its lines, and the size of the dynamic table behind it. */
type Example = readonly [hex: string, lines: readonly string[], tableSize: number]

const FIRST = [':method: GET', ':scheme: http', ':path: /', ':authority: www.example.com']
const SECOND = [...FIRST, 'cache-control: no-cache']
const THIRD = [':method: GET', ':scheme: https', ':path: /index.html', ':authority: www.example.com', 'custom-key: custom-value']
const REDIRECT = [':status: 302', 'cache-control: private', 'date: Mon, 21 Oct 2013 20:13:21 GMT', 'location: https://www.example.com']
const AGAIN = [':status: 307', ...REDIRECT.slice(1)]
const COOKIE = [
  ':status: 200',
  'cache-control: private',
  'date: Mon, 21 Oct 2013 20:13:22 GMT',
  'location: https://www.example.com',
  'content-encoding: gzip',
  'set-cookie: foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1',
]

const C3: readonly Example[] = [
  ['828684410f7777772e6578616d706c652e636f6d', FIRST, 57],
  ['828684be58086e6f2d6361636865', SECOND, 110],
  ['828785bf400a637573746f6d2d6b65790c637573746f6d2d76616c7565', THIRD, 164],
]
const C4: readonly Example[] = [
  ['828684418cf1e3c2e5f23a6ba0ab90f4ff', FIRST, 57],
  ['828684be5886a8eb10649cbf', SECOND, 110],
  ['828785bf408825a849e95ba97d7f8925a849e95bb8e8b4bf', THIRD, 164],
]
const C5: readonly Example[] = [
  [
    '4803333032580770726976617465611d4d6f6e2c203231204f637420323031332032303a31333a323120474d54' +
      '6e1768747470733a2f2f7777772e6578616d706c652e636f6d',
    REDIRECT,
    222,
  ],
  ['4803333037c1c0bf', AGAIN, 222],
  [
    '88c1611d4d6f6e2c203231204f637420323031332032303a31333a323220474d54c05a04677a69707738666f6f3d4153444a4b48514b425a584f5157454f50' +
      '495541585157454f49553b206d61782d6167653d333630303b2076657273696f6e3d31',
    COOKIE,
    215,
  ],
]
const C6: readonly Example[] = [
  ['488264025885aec3771a4b6196d07abe941054d444a8200595040b8166e082a62d1bff6e919d29ad171863c78f0b97c8e9ae82ae43d3', REDIRECT, 222],
  ['4883640effc1c0bf', AGAIN, 222],
  [
    '88c16196d07abe941054d444a8200595040b8166e084a62d1bffc05a839bd9ab77ad94e7821dd7f2e6c7b335dfdfcd5b3960d5af27087f3672c1ab270fb5291f' +
      '9587316065c003ed4ee5b1063d5007',
    COOKIE,
    215,
  ],
]

for (const [section, table, examples] of [
  ['C.3', 4096, C3],
  ['C.4', 4096, C4],
  ['C.5', 256, C5],
  ['C.6', 256, C6],
] as const) {
  t.test(`the blocks of RFC 7541 appendix ${section} are read, and the table has their size behind each`, async t => {
    const from = decoder({ maxTableBytes: table })
    for (const [hex, lines, tableSize] of examples) {
      t.same(read(from, octetsOf(hex)), lines)
      t.equal(from.tableSize, tableSize)
    }
  })
}

/** Lines that are indexed whatever they are, as the RFC's encoder does it. */
function indexed(text: string): FieldLine {
  const at = text.indexOf(': ')
  const [name, value] = [text.slice(0, at), text.slice(at + 2)]
  if (name === 'set-cookie') return new FieldLine(nameId(name), name, value, INDEXING.INCREMENTAL, false, 0)
  return receivedLine(nameId(name), name, value, INDEXING.INCREMENTAL, false)
}

for (const [section, table, examples] of [
  ['C.4', 4096, C4],
  ['C.6', 256, C6],
] as const) {
  t.test(`our encoder writes the blocks of RFC 7541 appendix ${section} octet for octet`, async t => {
    const to = new Encoder(table)
    for (const [hex, lines, tableSize] of examples) {
      t.equal(write(to, lines.map(indexed)).toString('hex'), hex)
      t.equal(to.tableSize, tableSize)
    }
  })
}

for (const [section, hex, line, tableSize, indexing] of [
  ['C.2.1', '400a637573746f6d2d6b65790d637573746f6d2d686561646572', 'custom-key: custom-header', 55, INDEXING.INCREMENTAL],
  ['C.2.2', '040c2f73616d706c652f70617468', ':path: /sample/path', 0, INDEXING.NONE],
  ['C.2.3', '100870617373776f726406736563726574', 'password: secret', 0, INDEXING.NEVER],
  ['C.2.4', '82', ':method: GET', 0, INDEXING.INCREMENTAL],
] as const) {
  t.test(`the literal of RFC 7541 appendix ${section} is read, and its kind kept`, async t => {
    const from = decoder()
    t.same(read(from, octetsOf(hex)), [line])
    t.equal(from.tableSize, tableSize)
    t.equal(from.lines[0]?.indexing, indexing)
  })
}
