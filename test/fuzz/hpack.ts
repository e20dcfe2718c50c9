/**
 * Mutates header blocks and decodes each, on one connection's table and on a fresh one; what could be read is encoded and must come back the same.
 *
 *     node test/fuzz/hpack.ts --seconds 60 --seed 1
 *     node test/fuzz/hpack.ts --inputs 10000000
 *
 * Exits 1 with the seed and the input on a disagreement or a crash. What a block may cost is bounded: lists are kept up to their limit only.
 */
import { parseArgs } from 'node:util'
import { Decoder } from '../../proxy/hpack/decoder.ts'
import { DEFAULT_TABLE_BYTES } from '../../proxy/hpack/dynamic-table.ts'
import { Encoder } from '../../proxy/hpack/encoder.ts'
import { lineOf } from '../../proxy/hpack/lines.ts'
import { Page } from '../../proxy/hpack/output.ts'
import { type Random, seededRandom } from '../../proxy/util/random.ts'

const { values } = parseArgs({
  options: { seconds: { type: 'string' }, inputs: { type: 'string' }, seed: { type: 'string', default: '1' } },
})
const maxInputs = Number(values.inputs ?? Number.POSITIVE_INFINITY)
const seconds = values.seconds === undefined && values.inputs !== undefined ? Number.POSITIVE_INFINITY : Number(values.seconds ?? 10)
const MAX_LIST = 16_384
/** Blocks that one connection reads before the next one begins. */
const BLOCKS = 64

const seed = Number(values.seed)
const seedOctets = new Uint8Array(16)
new DataView(seedOctets.buffer).setUint32(0, seed)
const random: Random = seededRandom(seedOctets)
for (let i = 0; i < 16; i++) random.uint32()

const below = (n: number): number => random.uint32() % n
const one = <T>(list: readonly T[]): T => list[below(list.length)] as T

const BLOCKS_HEX = [
  '828684418cf1e3c2e5f23a6ba0ab90f4ff',
  '828684be5886a8eb10649cbf',
  '828785bf408825a849e95ba97d7f8925a849e95bb8e8b4bf',
  '4803333032580770726976617465611d4d6f6e2c203231204f637420323031332032303a31333a323120474d546e1768747470733a2f2f7777772e6578616d706c652e636f6d',
  '88c16196d07abe941054d444a8200595040b8166e084a62d1bffc05a839bd9ab77ad94e7821dd7f2e6c7b335dfdfcd5b3960d5af27087f3672c1ab270fb5291f9587316065c003ed4ee5b1063d5007',
  '203fe11f82',
  '100870617373776f726406736563726574',
].map(hex => Buffer.from(hex, 'hex'))
const TOKENS = ['20', '3fe11f', '3fe21f', 'ff00', '7f8080808001', '40', '00', '10', 'bebf', 'ffffffff', '8cf1e3c2', '4001780179', '80'].map(
  hex => Buffer.from(hex, 'hex'),
)
const work = Buffer.alloc(2048)

function mutate(): number {
  let length = one(BLOCKS_HEX).copy(work)
  for (let n = below(5); n > 0; n--) {
    const at = below(length + 1)
    switch (below(6)) {
      case 0:
        if (at < length) work[at] = below(256)
        break
      case 1:
        length = insert(length, at, one(TOKENS))
        break
      case 2: {
        const count = Math.min(1 + below(8), length - at)
        work.copyWithin(at, at + count, length)
        length -= count
        break
      }
      case 3:
        length = insert(length, length, one(BLOCKS_HEX))
        break
      case 4:
        length = insert(length, at, Buffer.from(work.subarray(at, Math.min(length, at + below(32)))))
        break
      default:
        if (at < length) work[at] = (work[at] as number) ^ (1 << below(8))
    }
  }
  return length
}

function insert(length: number, at: number, piece: Buffer): number {
  if (length + piece.length > 1024) return length
  work.copyWithin(at + piece.length, at, length)
  piece.copy(work, at)
  return length + piece.length
}

const page = new Page(65_536)

/** Encodes the decoder's lines, and reads them back by another connection's tables. */
function checkRoundTrip(from: Decoder, to: Encoder, back: Decoder): string | null {
  const lines = from.lines.map(line => (below(4) === 0 ? lineOf(line.name, line.value) : line))
  page.end = 0
  page.reserve(Encoder.room(lines.reduce((sum, line) => sum + line.size, 0)))
  if (below(16) === 0) to.allowTable(below(5000))
  to.begin(page)
  for (const line of lines) to.write(page, line)
  if (!back.decode(page.octets, 0, page.end)) return `what we wrote can't be read: ${back.fault}`
  if (back.lines.length !== lines.length) return `${lines.length} lines became ${back.lines.length}`
  for (let i = 0; i < lines.length; i++) {
    if (back.lines[i]?.name !== lines[i]?.name || back.lines[i]?.value !== lines[i]?.value) return `line ${i} came back changed`
  }
  return to.tableSize === back.tableSize ? null : 'tables are out of step'
}

const OPTIONS = { maxListBytes: MAX_LIST, maxLines: 128 }
const startedAt = performance.now()
let inputs = 0
let readable = 0
let from = new Decoder(OPTIONS)
let to = new Encoder()
let back = new Decoder({ maxListBytes: MAX_LIST * 4, maxLines: 1024 })
while (inputs < maxInputs) {
  if ((inputs & 4095) === 0 && performance.now() - startedAt > seconds * 1000) break
  if (inputs % BLOCKS === 0) {
    from = new Decoder(OPTIONS)
    to = new Encoder()
    back = new Decoder({ maxListBytes: MAX_LIST * 4, maxLines: 1024 })
  }
  const length = mutate()
  inputs++
  let fault: string | null = null
  try {
    // A second time it comes out of the caches, on a connection of its own.
    const fresh = new Decoder(OPTIONS)
    const isFreshRead = fresh.decode(work, 0, length)
    const again = new Decoder(OPTIONS)
    if (again.decode(work, 0, length) !== isFreshRead || again.listSize !== fresh.listSize || again.isMalformed !== fresh.isMalformed)
      fault = 'the second reading differs'
    if (fresh.tableSize > DEFAULT_TABLE_BYTES || fresh.lines.reduce((sum, line) => sum + line.size, 0) > MAX_LIST) fault = 'over a limit'
    if (from.decode(work, 0, length)) {
      readable++
      if (!from.isMalformed) fault ??= checkRoundTrip(from, to, back)
    } else from = new Decoder(OPTIONS)
  } catch (error) {
    fault = String((error as Error).stack)
  }
  if (fault !== null) {
    console.error(`${fault}: seed ${seed}, input ${inputs}:\n${work.toString('hex', 0, length)}`)
    process.exit(1)
  }
}
const elapsed = (performance.now() - startedAt) / 1000
console.log(
  `${inputs} blocks (${readable} readable) in ${elapsed.toFixed(1)} s: ${Math.round(inputs / elapsed)} blocks/s, seed ${seed}, no disagreement`,
)
