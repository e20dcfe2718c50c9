import type { Output } from './output.ts'

/** A place in octets that are being read. */
export interface Cursor {
  octets: Buffer
  at: number
  end: number
}

/** Continuation octets of an integer at most: 28 bits, far more than any length or index that we accept. More are an overflow (RFC 7541 section 5.1). */
const MAX_CONTINUATIONS = 4

/**
 * Reads an integer whose first octet is at the cursor (RFC 7541 section 5.1).
 * @param mask of the prefix's bits: 127 for seven.
 * @returns -1: cut off or too large; the cursor is then of no use.
 */
export function readInteger(cursor: Cursor, mask: number): number {
  const { octets, end } = cursor
  if (cursor.at >= end) return -1
  let value = (octets[cursor.at++] as number) & mask
  if (value < mask) return value
  for (let i = 0; i < MAX_CONTINUATIONS; i++) {
    if (cursor.at >= end) return -1
    const octet = octets[cursor.at++] as number
    value += (octet & 127) << (7 * i)
    if (octet < 128) return value
  }
  return -1
}

/** Appends an integer. Room was reserved: six octets at most. @param pattern the bits above the prefix. */
export function writeInteger(out: Output, value: number, mask: number, pattern: number): void {
  const { octets } = out
  if (value < mask) {
    octets[out.end++] = pattern | value
    return
  }
  octets[out.end++] = pattern | mask
  let rest = value - mask
  while (rest > 127) {
    octets[out.end++] = (rest & 127) | 128
    rest >>>= 7
  }
  octets[out.end++] = rest
}
