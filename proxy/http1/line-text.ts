import { latin1 } from '../util/latin1.ts'
import type { FramingInput } from './framing.ts'
import { ID } from './names.ts'
import { type HeadParser, LINE_INTS } from './parser.ts'

/** The value of a line that the parser has noted in the head at `octets[start..]`. */
export function lineText(parser: HeadParser, octets: Buffer, start: number, line: number): string {
  const at = parser.first + line * LINE_INTS
  return latin1(octets, start + (parser.lines[at + 2] as number), start + (parser.lines[at + 3] as number))
}

/** The field values that framing depends on, for a head that is not plain. */
export function framingInput(parser: HeadParser, octets: Buffer, start: number): FramingInput {
  const contentLengths: string[] = []
  const transferEncodings: string[] = []
  for (let i = 0; i < parser.count; i++) {
    const id = parser.lines[parser.first + i * LINE_INTS + 4]
    if (id === ID.CONTENT_LENGTH) contentLengths.push(lineText(parser, octets, start, i))
    else if (id === ID.TRANSFER_ENCODING) transferEncodings.push(lineText(parser, octets, start, i))
  }
  return { version: parser.minor === 0 ? 'HTTP/1.0' : 'HTTP/1.1', contentLengths, transferEncodings }
}
