import type { Random } from '../util/random.ts'
import type { Fields } from './fields.ts'

/** The field that names a request across all hops. */
export const REQUEST_ID = 'x-request-id'

/** What is longer is replaced: it goes into every log line of every hop. */
export const MAX_REQUEST_ID_LENGTH = 128

const HEX: readonly string[] = Array.from({ length: 256 }, (_, octet) => octet.toString(16).padStart(2, '0'))

/** Sets `x-request-id` where it is missing, too long, or holds more than visible ASCII. */
export function ensureRequestId(headers: Fields, random: Random): void {
  const present = headers.get(REQUEST_ID)
  if (present === null || !isRequestId(present)) headers.set(REQUEST_ID, newRequestId(random))
}

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
  return `${hex16(a >>> 16)}${hex16(a)}-${hex16(b >>> 16)}-${hex16(b)}-${hex16(c >>> 16)}-${hex16(c)}${hex16(d >>> 16)}${hex16(d)}`
}

function hex16(bits: number): string {
  return `${HEX[(bits >>> 8) & 0xff]}${HEX[bits & 0xff]}`
}
