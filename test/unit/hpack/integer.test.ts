import t from 'tap'
import { readInteger, writeInteger } from '../../../proxy/hpack/integer.ts'
import { Page } from '../../../proxy/hpack/output.ts'
import { octetsOf } from './support.ts'

const read = (hex: string, mask: number) => readInteger({ octets: octetsOf(hex), at: 0, end: octetsOf(hex).length }, mask)

t.test('the integers of RFC 7541 appendix C.1 are read and written', async t => {
  for (const [value, mask, hex] of [
    [10, 31, '0a'],
    [1337, 31, '1f9a0a'],
    [42, 255, '2a'],
  ] as const) {
    t.equal(read(hex, mask), value)
    const page = new Page(8)
    writeInteger(page, value, mask, 0)
    t.equal(page.octets.toString('hex', 0, page.end), hex)
  }
})

t.test('every integer of 28 bits comes back, for each prefix', async t => {
  for (let bits = 1; bits <= 8; bits++) {
    const mask = (1 << bits) - 1
    for (const value of [0, mask - 1, mask, mask + 127, mask + 128, 16_383, 16_384, 2_097_151, 268_435_455]) {
      const page = new Page(8)
      writeInteger(page, value, mask, 0)
      t.equal(readInteger({ octets: page.octets, at: 0, end: page.end }, mask), value)
    }
  }
})

t.test('an integer that is cut off, or longer than any could be, is refused (section 5.1)', async t => {
  t.equal(read('', 127), -1)
  t.equal(read('7f', 127), -1)
  t.equal(read('7fff', 127), -1)
  t.equal(read('7f8080808001', 127), -1)
  t.equal(read('7fffffffffff0f', 127), -1)
  t.equal(read('7fffffff7f', 127), 127 + 0xfffffff, 'the largest')
  t.equal(read('7f80808000', 127), 127, 'zeros that say nothing are allowed')
})
