import { CODE_LENGTHS, CODES, COUNTS, EOS, FIRST_CODES, FIRST_PLACES, LONGEST, LOOK_UP, LOOK_UP_BITS, SYMBOLS } from './huffman-table.ts'
import type { Output } from './output.ts'

/** Octets that `length` octets of Huffman code can stand for at most: the shortest code has 5 bits. */
export function maxDecodedLength(length: number): number {
  return Math.ceil((length * 8) / 5)
}

/**
 * Decodes `octets[start..end)` into `out` from 0 (RFC 7541 section 5.2). `out` holds `maxDecodedLength` and one more.
 * @returns how many octets; -1: EOS in the string, or padding that is longer than 7 bits or not of ones.
 */
export function decodeHuffman(octets: Uint8Array, start: number, end: number, out: Uint8Array): number {
  const endBit = (end - start) * 8
  let length = 0
  let bit = 0
  while (bit < endBit) {
    const p = start + (bit >>> 3)
    const word =
      p + 2 < end
        ? ((octets[p] as number) << 16) | ((octets[p + 1] as number) << 8) | (octets[p + 2] as number)
        : padded(octets, p, end) >>> 8
    const entry = LOOK_UP[(word >>> (24 - LOOK_UP_BITS - (bit & 7))) & ((1 << LOOK_UP_BITS) - 1)] as number
    if (entry !== 0) {
      const bits = (entry >>> 20) & 31
      if (bit + bits <= endBit) {
        out[length] = entry
        out[length + 1] = entry >>> 8
        length += entry >>> 25
        bit += bits
        continue
      }
      const first = (entry >>> 16) & 15
      if (bit + first > endBit) break
      out[length++] = entry
      bit += first
      continue
    }
    const long = longCode(octets, p, bit & 7, end)
    if (long === -1 || bit + (long >>> 9) > endBit) break
    out[length++] = long
    bit += long >>> 9
  }
  return isPadding(octets, end, endBit - bit) ? length : -1
}

/** The four octets from `p` on; behind the end as many ones. Signed. */
function padded(octets: Uint8Array, p: number, end: number): number {
  let word = 0
  for (let i = 0; i < 4; i++) word = (word << 8) | (p + i < end ? (octets[p + i] as number) : 255)
  return word
}

/** Symbol and length (from bit 9) of a code that the look-up does not have; -1: EOS. 32 bits are looked at, so that none of 30 is cut off. */
function longCode(octets: Uint8Array, p: number, shift: number, end: number): number {
  const low = p + 4 < end ? (octets[p + 4] as number) : 255
  const window = ((padded(octets, p, end) << shift) | (low >>> (8 - shift))) >>> 0
  for (let length = LOOK_UP_BITS + 1; length <= LONGEST; length++) {
    const offset = (window >>> (32 - length)) - (FIRST_CODES[length] as number)
    if (offset < 0 || offset >= (COUNTS[length] as number)) continue
    const symbol = SYMBOLS[(FIRST_PLACES[length] as number) + offset] as number
    return symbol === EOS ? -1 : symbol | (length << 9)
  }
  return -1
}

/** Whether the last `bits` are what may follow the last symbol: fewer than eight ones. */
function isPadding(octets: Uint8Array, end: number, bits: number): boolean {
  if (bits === 0) return true
  if (bits > 7) return false
  const mask = (1 << bits) - 1
  return ((octets[end - 1] as number) & mask) === mask
}

/** Octets that `text` (characters up to 255) takes in Huffman code. */
export function huffmanLength(text: string): number {
  let bits = 0
  for (let i = 0; i < text.length; i++) bits += CODE_LENGTHS[text.charCodeAt(i)] as number
  return (bits + 7) >>> 3
}

/** Appends `text` in Huffman code. Room was reserved. */
export function encodeHuffman(out: Output, text: string): void {
  const { octets } = out
  let end = out.end
  let pending = 0
  let bits = 0
  for (let i = 0; i < text.length; i++) {
    const symbol = text.charCodeAt(i)
    let code = CODES[symbol] as number
    let length = CODE_LENGTHS[symbol] as number
    if (length > 24) {
      // In two parts: with the seven bits that may wait, 30 more do not fit 32.
      length -= 16
      pending = (pending << length) | (code >>> 16)
      bits += length
      for (; bits >= 8; bits -= 8) octets[end++] = pending >>> (bits - 8)
      pending &= 255
      code &= 65_535
      length = 16
    }
    pending = (pending << length) | code
    bits += length
    for (; bits >= 8; bits -= 8) octets[end++] = pending >>> (bits - 8)
    pending &= 255
  }
  if (bits > 0) octets[end++] = (pending << (8 - bits)) | (255 >>> bits)
  out.end = end
}
