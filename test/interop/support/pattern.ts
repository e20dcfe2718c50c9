import { createHash } from 'node:crypto'

const BLOCK = Buffer.from(Array.from({ length: 251 }, (_, octet) => octet))

/** What the clients and apps send: the octets 0 to 250 over and over; a prime, so that no lost or moved buffer goes unseen. */
export function pattern(length: number): Buffer {
  const octets = Buffer.alloc(length)
  for (let at = 0; at < length; at += BLOCK.length) BLOCK.copy(octets, at)
  return octets
}

/** SHA-256 in hex. */
export function sha(octets: Buffer | string): string {
  return createHash('sha256').update(octets).digest('hex')
}
