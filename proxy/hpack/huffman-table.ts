/** Length in bits of each octet's code; the 257th is EOS (RFC 7541 appendix B). The codes themselves follow: they are canonical. */
// biome-ignore format: a table
export const CODE_LENGTHS = Uint8Array.of(
  13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28,
  6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, 5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10,
  13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6,
  15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, 6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28,
  20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23, 24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24,
  22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
  26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25, 19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27,
  20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23, 26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26,
  30,
)

/** Symbol that ends nothing: in a string it is an error (RFC 7541 section 5.2). */
export const EOS = 256
/** Longest code, bits. */
export const LONGEST = 30

/** Each symbol's code, in its low bits. */
export const CODES = new Uint32Array(257)
/** Of each length: its first code, how many there are, and where its symbols begin in SYMBOLS. */
export const FIRST_CODES = new Uint32Array(LONGEST + 1)
export const COUNTS = new Uint16Array(LONGEST + 1)
export const FIRST_PLACES = new Uint16Array(LONGEST + 1)
/** All symbols, by code. */
export const SYMBOLS = new Uint16Array(257)

let code = 0
let place = 0
for (let length = 1; length <= LONGEST; length++) {
  code *= 2
  FIRST_CODES[length] = code
  FIRST_PLACES[length] = place
  for (let symbol = 0; symbol <= EOS; symbol++) {
    if (CODE_LENGTHS[symbol] !== length) continue
    CODES[symbol] = code++
    SYMBOLS[place++] = symbol
    COUNTS[length] = (COUNTS[length] as number) + 1
  }
}

/** Bits of one look-up: most text has codes of 5 to 7 bits, so that two symbols fit; 16 KiB of table stay in the cache. */
export const LOOK_UP_BITS = 12
/**
 * By the next 12 bits: one or two symbols. Bits 0 to 7 the first one, 8 to 15 the second; 16 to 19 the bits of the first, 20 to 24 of all;
 * 25 and 26 how many. 0: the code is longer.
 */
export const LOOK_UP = new Uint32Array(1 << LOOK_UP_BITS)

const single = new Uint16Array(1 << LOOK_UP_BITS)
for (let symbol = 0; symbol < EOS; symbol++) {
  const length = CODE_LENGTHS[symbol] as number
  if (length > LOOK_UP_BITS) continue
  const first = (CODES[symbol] as number) << (LOOK_UP_BITS - length)
  single.fill(symbol | (length << 8), first, first + (1 << (LOOK_UP_BITS - length)))
}
for (let bits = 0; bits < single.length; bits++) {
  const first = single[bits] as number
  if (first === 0) continue
  const length = first >> 8
  const second = single[(bits << length) & (single.length - 1)] as number
  const both = length + (second >> 8)
  const isPair = second !== 0 && both <= LOOK_UP_BITS
  LOOK_UP[bits] = isPair
    ? (first & 255) | ((second & 255) << 8) | (length << 16) | (both << 20) | (2 << 25)
    : (first & 255) | (length << 16) | (length << 20) | (1 << 25)
}
