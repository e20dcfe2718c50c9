/**
 * Mutates HTTP/1 messages and reads each whole, in random cuts and (where it is short) octet by octet: the three must agree.
 *
 *     node test/fuzz/http1.ts --seconds 60 --seed 1
 *     node test/fuzz/http1.ts --inputs 10000000
 *
 * Exits 1 with the seed and the input on a disagreement, a crash or a hang.
 */
import { parseArgs } from 'node:util'
import { type Random, seededRandom } from '../../proxy/util/random.ts'
import { REQUESTS, RESPONSES, TOKENS } from './http1-corpus.ts'
import { Reading } from './http1-reading.ts'

const { values } = parseArgs({
  options: { seconds: { type: 'string' }, inputs: { type: 'string' }, seed: { type: 'string', default: '1' } },
})
const maxInputs = Number(values.inputs ?? Number.POSITIVE_INFINITY)
const seconds = values.seconds === undefined && values.inputs !== undefined ? Number.POSITIVE_INFINITY : Number(values.seconds ?? 10)
/** Octet by octet up to this length. */
const SHORT = 96
/** One in so many longer inputs is read octet by octet too. */
const SAMPLE = 16

const seed = Number(values.seed)
const seedOctets = new Uint8Array(16)
new DataView(seedOctets.buffer).setUint32(0, seed)
const random: Random = seededRandom(seedOctets)
for (let i = 0; i < 16; i++) random.uint32()

const below = (n: number): number => random.uint32() % n
const one = <T>(list: readonly T[]): T => list[below(list.length)] as T

const REQUEST_OCTETS = REQUESTS.map(text => Buffer.from(text, 'latin1'))
const RESPONSE_OCTETS = RESPONSES.map(text => Buffer.from(text, 'latin1'))
const TOKEN_OCTETS = TOKENS.map(text => Buffer.from(text, 'latin1'))
const work = Buffer.alloc(8192)
/** Each piece is read from here, as from a socket: the next one overwrites it. */
const wire = Buffer.alloc(8192)

/** Puts a mutated message into `work`. Its length. */
function mutate(corpus: readonly Buffer[]): number {
  const base = one(corpus)
  let length = base.copy(work)
  for (let n = 1 + below(4); n > 0; n--) {
    const at = below(length + 1)
    switch (below(7)) {
      case 0:
        if (at < length) work[at] = below(256)
        break
      case 1:
      case 2:
        length = insert(length, at, one(TOKEN_OCTETS))
        break
      case 3: {
        const count = Math.min(1 + below(8), length - at)
        work.copyWithin(at, at + count, length)
        length -= count
        break
      }
      case 4: {
        const from = below(length + 1)
        length = insert(length, at, Buffer.from(work.subarray(from, Math.min(length, from + 1 + below(32)))))
        break
      }
      case 5:
        length = insert(length, length, one(corpus))
        break
      default:
        if (at < length) work[at] = (work[at] as number) ^ (1 << below(8))
    }
  }
  return length
}

function insert(length: number, at: number, piece: Buffer): number {
  if (length + piece.length > 4096) return length
  work.copyWithin(at + piece.length, at, length)
  piece.copy(work, at)
  return length + piece.length
}

type Cut = 'whole' | 'octets' | 'random'

function read(kind: 'request' | 'response', length: number, cut: Cut, isVerbose = false): Reading {
  const reading = new Reading(kind, isVerbose)
  let p = 0
  while (p < length) {
    const count = cut === 'whole' ? length : cut === 'octets' ? 1 : Math.min(1 + below(24), length - p)
    work.copy(wire, 0, p, p + count)
    reading.feed(wire, 0, count)
    p += count
  }
  reading.finish()
  return reading
}

function report(kind: 'request' | 'response', length: number, cut: Cut, what: string): never {
  console.error(`${what}: seed ${seed}, a ${kind} read ${cut}:\n${JSON.stringify(work.toString('latin1', 0, length))}`)
  console.error('whole: ', read(kind, length, 'whole', true).log)
  console.error('octets:', read(kind, length, 'octets', true).log)
  process.exit(1)
}

const startedAt = performance.now()
let inputs = 0
let octets = 0
while (inputs < maxInputs) {
  if ((inputs & 4095) === 0 && performance.now() - startedAt > seconds * 1000) break
  const kind = below(3) === 0 ? 'response' : 'request'
  const length = mutate(kind === 'request' ? REQUEST_OCTETS : RESPONSE_OCTETS)
  inputs++
  octets += length
  let cut: Cut = 'whole'
  try {
    const whole = read(kind, length, 'whole').sum
    cut = 'random'
    if (read(kind, length, 'random').sum !== whole) report(kind, length, cut, 'disagreement')
    cut = 'octets'
    if ((length <= SHORT || inputs % SAMPLE === 0) && read(kind, length, 'octets').sum !== whole) report(kind, length, cut, 'disagreement')
  } catch (error) {
    console.error(error)
    report(kind, length, cut, 'crash')
  }
}
const elapsed = (performance.now() - startedAt) / 1000
console.log(
  `${inputs} inputs (${octets} octets) in ${elapsed.toFixed(1)} s: ${Math.round(inputs / elapsed)} inputs/s, seed ${seed}, no disagreement`,
)
