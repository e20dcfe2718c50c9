import type { Random } from '../util/random.ts'

/** The field that names a request across all hops. */
export const REQUEST_ID = 'x-request-id'

/** What is longer is replaced: it goes into every log line of every hop. */
export const MAX_REQUEST_ID_LENGTH = 128

const DIGITS: readonly number[] = Array.from('0123456789abcdef', digit => digit.charCodeAt(0))
/** The identifier in hand; its hyphens stay. */
const CODES: number[] = Array.from('00000000-0000-0000-0000-000000000000', character => character.charCodeAt(0))

/** 1 to 128 characters of visible ASCII. */
export function isRequestId(value: string): boolean {
  if (value.length === 0 || value.length > MAX_REQUEST_ID_LENGTH) return false
  for (let i = 0; i < value.length; i++) {
    const code = value.charCodeAt(i)
    if (code < 0x21 || code > 0x7e) return false
  }
  return true
}

/** 122 random bits in the form of a UUID, version 4 (RFC 9562 section 5.4). No secret. */
export function newRequestId(random: Random): string {
  const a = random.uint32()
  const b = (random.uint32() & 0xffff0fff) | 0x4000
  const c = (random.uint32() & 0x3fffffff) | 0x80000000
  const d = random.uint32()
  putDigits(a, 32, 0, 8)
  putDigits(b, 32, 9, 4)
  putDigits(b, 16, 14, 4)
  putDigits(c, 32, 19, 4)
  putDigits(c, 16, 24, 4)
  putDigits(d, 32, 28, 8)
  // One flat string: one that is joined of parts would be put together again when it is written.
  return String.fromCharCode.apply(null, CODES)
}

/** Puts `count` digits at `CODES[at]`, those of the highest bits first, beginning below bit `from`. */
function putDigits(bits: number, from: number, at: number, count: number): void {
  for (let i = 0, shift = from - 4; i < count; i++, shift -= 4) CODES[at + i] = DIGITS[(bits >>> shift) & 15] as number
}
