import { randomBytes } from 'node:crypto'

/** A source of random numbers, injected so that a test can choose them. Not for secrets. */
export interface Random {
  /** 32 random bits, as an unsigned integer. */
  uint32(): number
}

/** sfc32: four additions and shifts a number, passes PractRand; seeded from the operating system. */
export function seededRandom(seed: Uint8Array = randomBytes(16)): Random {
  const view = new DataView(seed.buffer, seed.byteOffset, 16)
  let a = view.getInt32(0)
  let b = view.getInt32(4)
  let c = view.getInt32(8)
  let counter = view.getInt32(12) | 1
  return {
    uint32() {
      const sum = (a + b + counter) | 0
      counter = (counter + 1) | 0
      a = b ^ (b >>> 9)
      b = (c + (c << 3)) | 0
      c = ((c << 21) | (c >>> 11)) + sum
      c |= 0
      return sum >>> 0
    },
  }
}

/** A number from 0 to below 1. */
export function fraction(random: Random): number {
  return random.uint32() / 4294967296
}
