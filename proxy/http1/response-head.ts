import type { ResponseHead } from '../http/head.ts'
import { type Framing, plainLength, responseFraming } from './framing.ts'
import { framingInput, lineText } from './line-text.ts'
import { type HeadParser, LINE_INTS } from './parser.ts'
import { keep } from './request-head.ts'

/** What a response's head says. */
export interface ReadResponse {
  readonly head: ResponseHead
  readonly framing: Framing
}

/** Makes a head of what the parser has read at `octets[start..]`; copies its octets. `method` is the request's. */
export function readResponse(parser: HeadParser, octets: Buffer, start: number, method: string): ReadResponse {
  const length = declaredLength(parser, octets, start)
  const { status } = parser
  // What nearly every response is; the rules in full are in framing.ts.
  const isPlain = length !== -1 && status >= 200 && status !== 204 && status !== 304 && method !== 'HEAD' && method !== 'CONNECT'
  const framing: Framing = isPlain
    ? { kind: 'length', octets: length }
    : responseFraming(method, status, framingInput(parser, octets, start))
  return { head: { status, headers: keep(parser, octets, start, '', length, status) }, framing }
}

/** Of a single well-formed Content-Length without Transfer-Encoding; else -1. */
function declaredLength(parser: HeadParser, octets: Buffer, start: number): number {
  if (parser.contentLengthCount !== 1 || parser.transferEncodingCount !== 0) return -1
  const at = parser.first + parser.contentLengthLine * LINE_INTS
  return plainLength(octets, start + (parser.lines[at + 2] as number), start + (parser.lines[at + 3] as number))
}

const TIMEOUT = /(?:^|[,\s])timeout=([0-9]{1,6})(?:[,\s]|$)/i

/** `Keep-Alive: timeout=N` in ms; null where the peer has not said it. */
export function keepAliveHintMs(parser: HeadParser, octets: Buffer, start: number): number | null {
  if (parser.keepAliveLine === -1) return null
  const seconds = TIMEOUT.exec(lineText(parser, octets, start, parser.keepAliveLine))?.[1]
  return seconds === undefined ? null : Number(seconds) * 1000
}
