import type { FieldLine } from '../../../proxy/hpack/line.ts'
import { isNameFit, isValueFit } from '../../../proxy/hpack/line.ts'
import { receivedLine } from '../../../proxy/hpack/lines.ts'
import { nameId } from '../../../proxy/hpack/names.ts'

/** One frame. @param payload hexadecimal, or octets. */
export function frame(type: number, flags: number, streamId: number, payload: string | Buffer): Buffer {
  const octets = typeof payload === 'string' ? Buffer.from(payload.replaceAll(' ', ''), 'hex') : payload
  const head = Buffer.alloc(9)
  head.writeUIntBE(octets.length, 0, 3)
  head[3] = type
  head[4] = flags
  head.writeUInt32BE(streamId, 5)
  return Buffer.concat([head, octets])
}

/** Lines as a decoder makes them of `name: value`. */
export function received(...lines: readonly string[]): FieldLine[] {
  return lines.map(line => {
    const at = line.indexOf(': ', 1)
    const [name, value] = [line.slice(0, at), line.slice(at + 2)]
    return receivedLine(nameId(name), name, value, 0x40, !isNameFit(name) || !isValueFit(value))
  })
}
