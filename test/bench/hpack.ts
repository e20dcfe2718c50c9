/**
 * Nanoseconds for one block of ten fields, read and written: what changes in no request, and with a path and two fields that are new in each.
 *
 *     node test/bench/hpack.ts
 */
import { Decoder } from '../../proxy/hpack/decoder.ts'
import { Encoder } from '../../proxy/hpack/encoder.ts'
import { lineOf } from '../../proxy/hpack/lines.ts'
import { Page } from '../../proxy/hpack/output.ts'

const ROUNDS = 400_000
const OPTIONS = { maxListBytes: 65_536, maxLines: 128 }
const page = new Page(8_192)

const fields = (n: number, isNew: boolean): [string, string][] => [
  [':method', 'POST'],
  [':scheme', 'http'],
  [':path', isNew ? `/orders/${n}?page=1` : '/orders.v1.Orders/Get'],
  [':authority', 'orders'],
  ['content-type', 'application/grpc'],
  ['user-agent', 'grpc-go/1.70.0'],
  ['te', 'trailers'],
  ['x-request-id', isNew ? `00000000-0000-4000-8000-${String(n).padStart(12, '0')}` : 'a'],
  ['traceparent', isNew ? `00-0af7651916cd43dd8448eb211c80319c-${n.toString(16).padStart(16, '0')}-01` : '00-01'],
  ['x-tenant', 'acme'],
]

function measure(name: string, isNew: boolean): void {
  const blocks: Buffer[] = []
  const client = new Encoder()
  for (let n = 0; n < 2_000; n++) {
    page.end = 0
    client.begin(page)
    for (const [name, value] of fields(n, isNew)) client.write(page, lineOf(name, value))
    blocks.push(Buffer.from(page.octets.subarray(0, page.end)))
  }
  const decoder = new Decoder(OPTIONS)
  const encoder = new Encoder()
  let reading = 0
  let writing = 0
  let octets = 0
  for (let n = 0; n < ROUNDS; n += blocks.length) {
    const from = new Decoder(OPTIONS)
    let startedAt = performance.now()
    for (const block of blocks) if (!from.decode(block, 0, block.length)) throw new Error(from.fault)
    const half = performance.now()
    if (n >= ROUNDS / 4) reading += half - startedAt
    startedAt = performance.now()
    for (const block of blocks) {
      decoder.decode(block, 0, block.length)
      page.end = 0
      encoder.begin(page)
      for (const line of decoder.lines) encoder.write(page, line)
      octets += page.end
    }
    if (n >= ROUNDS / 4) writing += performance.now() - startedAt
  }
  const counted = (ROUNDS * 3) / 4 / 1e6
  console.log(
    `${name}: read ${(reading / counted).toFixed(0)} ns, read and written ${(writing / counted).toFixed(0)} ns, ${(octets / ROUNDS).toFixed(0)} octets written`,
  )
}

measure('the same each time', false)
measure('path, request id and trace context new each time', true)
