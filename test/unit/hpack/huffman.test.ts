import t from 'tap'
import { decodeHuffman, encodeHuffman, huffmanLength, maxDecodedLength } from '../../../proxy/hpack/huffman.ts'
import { CODE_LENGTHS, CODES } from '../../../proxy/hpack/huffman-table.ts'
import { Page } from '../../../proxy/hpack/output.ts'
import { seededRandom } from '../../../proxy/util/random.ts'
import { octetsOf } from './support.ts'

function encode(text: string): Buffer {
  const page = new Page(text.length * 4 + 8)
  encodeHuffman(page, text)
  return page.octets.subarray(0, page.end)
}

function decode(octets: Buffer): string | null {
  // Among octets of other strings, as it is in a block.
  const around = Buffer.concat([Buffer.from([0x1c]), octets, Buffer.from([0x7e, 0, 0xff])])
  const out = Buffer.alloc(maxDecodedLength(octets.length) + 1)
  const length = decodeHuffman(around, 1, 1 + octets.length, out)
  return length === -1 ? null : out.toString('latin1', 0, length)
}

t.test('the codes are those of RFC 7541 appendix B', async t => {
  for (const [symbol, code, length] of [
    [48, 0x0, 5],
    [97, 0x3, 5],
    [32, 0x14, 6],
    [38, 0xf8, 8],
    [0, 0x1ff8, 13],
    [1, 0x7fffd8, 23],
    [10, 0x3ffffffc, 30],
    [22, 0x3ffffffe, 30],
    [127, 0xffffffc, 28],
    [128, 0xfffe6, 20],
    [255, 0x3ffffee, 26],
    [256, 0x3fffffff, 30],
  ] as const) {
    t.equal(CODES[symbol], code, `symbol ${symbol}`)
    t.equal(CODE_LENGTHS[symbol], length, `symbol ${symbol}`)
  }
})

t.test('strings of every octet come back, codes of 30 bits beside each other too', async t => {
  const random = seededRandom(new Uint8Array(16).fill(7))
  const all = String.fromCharCode(...Array.from({ length: 256 }, (_, i) => i))
  for (const text of ['', 'www.example.com', 'no-cache', '\n\r\x16\n\r\x16', '\x16'.repeat(9), all, [...all].reverse().join('')]) {
    t.equal(decode(encode(text)), text)
    t.equal(encode(text).length, huffmanLength(text))
  }
  for (let n = 0; n < 20_000; n++) {
    const from = n % 2 === 0 ? 256 : 96
    const text = Array.from({ length: random.uint32() % 24 }, () => String.fromCharCode((256 - from) / 5 + (random.uint32() % from))).join(
      '',
    )
    if (decode(encode(text)) !== text) t.fail(JSON.stringify(text))
  }
})

t.test('padding longer than seven bits, or not of ones, and EOS are refused (RFC 7541 section 5.2)', async t => {
  t.equal(decode(octetsOf('1f')), 'a')
  t.equal(decode(octetsOf('1fff')), null, 'eleven bits')
  t.equal(decode(octetsOf('ff')), null, 'eight bits')
  t.equal(decode(octetsOf('ffff')), null)
  t.equal(decode(octetsOf('18')), null, 'zeros')
  t.equal(decode(octetsOf('1e')), null, 'a zero at the end')
  t.equal(decode(octetsOf('ffffffff')), null, 'EOS')
  t.equal(decode(octetsOf('fffffffc')), null, 'EOS and zeros')
  t.equal(decode(octetsOf('1ffffffffc')), null, 'EOS behind a symbol')
  t.equal(decode(octetsOf('fffffff0')), null, 'a long code that is cut off')
})

t.test('random octets are refused or come back as they were', async t => {
  const random = seededRandom(new Uint8Array(16).fill(3))
  for (let n = 0; n < 50_000; n++) {
    const octets = Buffer.from(Array.from({ length: 1 + (random.uint32() % 9) }, () => random.uint32() | (n % 3 === 0 ? 0xe0 : 0)))
    const text = decode(octets)
    if (text !== null && !encode(text).equals(octets)) t.fail(octets.toString('hex'))
  }
})
