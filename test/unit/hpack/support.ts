import { Decoder, type DecoderOptions } from '../../../proxy/hpack/decoder.ts'
import { Encoder } from '../../../proxy/hpack/encoder.ts'
import type { FieldLine } from '../../../proxy/hpack/line.ts'
import { Page } from '../../../proxy/hpack/output.ts'

export const decoder = (options: Partial<DecoderOptions> = {}): Decoder => new Decoder({ maxListBytes: 65_536, maxLines: 256, ...options })

export const octetsOf = (hex: string): Buffer => Buffer.from(hex.replaceAll(/\s/g, ''), 'hex')

/** The block's lines as `name: value`; throws with the decoder's fault. */
export function read(from: Decoder, block: Buffer): string[] {
  if (!from.decode(block, 0, block.length)) throw new Error(from.fault)
  return from.lines.map(line => `${line.name}: ${line.value}`)
}

/** One block of these lines. */
export function write(to: Encoder, lines: readonly FieldLine[]): Buffer {
  const page = new Page(0)
  page.reserve(Encoder.room(lines.reduce((sum, line) => sum + line.size, 0)))
  to.begin(page)
  for (const line of lines) to.write(page, line)
  return page.octets.subarray(0, page.end)
}
