import type { Fields } from '../http/fields.ts'
import type { RequestHead, ResponseHead } from '../http/head.ts'
import { REASONS } from '../http/reasons.ts'
import { isHopByHop } from './names.ts'
import { copyOctets, type Output, writeFieldLine, writeTarget, writeText, writeValue } from './output.ts'
import { WireFields } from './wire-fields.ts'

/** How a message that we write is delimited. */
export type OutgoingFraming =
  /** Nothing follows the head; Content-Length, where there is one, tells about another message (HEAD, 304). */
  | 'none'
  /** No octets, and it says so. */
  | 'empty'
  | 'length'
  | 'chunked'
  /** Ends with the connection: an HTTP/1.0 peer, or a tunnel. */
  | 'until-close'

/** Room for a start line's fixed parts and every line of our own. */
const SLACK = 256

/**
 * Writes a request's head. The peer may be of any version: HTTP/1.1 is what we speak.
 * @param length octets of the body when `framing` is `length`.
 */
export function writeRequestHead(out: Output, head: RequestHead, framing: OutgoingFraming, length: number): void {
  const target = head.path ?? head.authority
  const fields = head.headers
  out.reserve(SLACK + head.method.length + 3 * target.length + head.authority.length + fieldsSize(fields))
  writeValue(out, head.method)
  writeText(out, ' ')
  writeTarget(out, target)
  writeText(out, ' HTTP/1.1\r\n')
  const isWire = fields instanceof WireFields
  const keepsHost = isWire && fields.wire.host === head.authority && head.authority !== ''
  if (!keepsHost) writeFieldLine(out, 'Host', head.authority)
  writeFields(out, fields, keepsHost, framing, length)
  if (head.upgrade !== null) {
    writeText(out, head.trailersAccepted ? 'Connection: Upgrade, TE\r\nUpgrade: ' : 'Connection: Upgrade\r\nUpgrade: ')
    writeValue(out, head.upgrade)
    writeText(out, '\r\n')
  } else if (head.trailersAccepted) writeText(out, 'Connection: TE\r\n')
  if (head.trailersAccepted) writeText(out, 'TE: trailers\r\n')
  writeText(out, '\r\n')
}

/** What the connection does after a response. */
export type AfterResponse =
  | { readonly kind: 'keep' }
  | { readonly kind: 'close' }
  /** Says that it stays open, to an HTTP/1.0 client that asked. */
  | { readonly kind: 'keep-alive' }
  /** 101: becomes a tunnel of this protocol. */
  | { readonly kind: 'upgrade'; readonly protocol: string }

export const KEEP: AfterResponse = { kind: 'keep' }
export const CLOSE: AfterResponse = { kind: 'close' }
export const KEEP_ALIVE: AfterResponse = { kind: 'keep-alive' }

/** Writes a response's head, informational ones included. */
export function writeResponseHead(out: Output, head: ResponseHead, framing: OutgoingFraming, length: number, after: AfterResponse): void {
  const fields = head.headers
  out.reserve(SLACK + fieldsSize(fields))
  writeText(out, 'HTTP/1.1 ')
  writeStatus(out, head)
  writeFields(out, fields, false, framing, length)
  if (after.kind === 'close') writeText(out, 'Connection: close\r\n')
  else if (after.kind === 'keep-alive') writeText(out, 'Connection: keep-alive\r\n')
  else if (after.kind === 'upgrade') {
    writeText(out, 'Connection: Upgrade\r\nUpgrade: ')
    writeValue(out, after.protocol)
    writeText(out, '\r\n')
  }
  writeText(out, '\r\n')
}

/** Writes one chunk's size; its octets and `CRLF` follow. */
export function writeChunkSize(out: Output, size: number): void {
  out.reserve(16)
  writeText(out, size.toString(16))
  writeText(out, '\r\n')
}

/** Writes what follows a chunk's octets. */
export function writeChunkEnd(out: Output): void {
  out.reserve(2)
  writeText(out, '\r\n')
}

/** Ends a chunked body. */
export function writeLastChunk(out: Output, trailers: Fields | null): void {
  if (trailers === null) {
    out.reserve(5)
    writeText(out, '0\r\n\r\n')
    return
  }
  out.reserve(16 + fieldsSize(trailers))
  writeText(out, '0\r\n')
  trailers.forEach((name, value) => {
    writeFieldLine(out, name, value)
  })
  writeText(out, '\r\n')
}

function fieldsSize(fields: Fields): number {
  return fields instanceof WireFields ? fields.maxWireBytes : fields.listSize
}

function writeStatus(out: Output, head: ResponseHead): void {
  const fields = head.headers
  if (fields instanceof WireFields && fields.wire.status === head.status) {
    // The status and the reason phrase as they came: `200 OK CRLF`, from the tenth octet of the status line.
    const { octets, start, fieldsStart } = fields.wire
    copyOctets(out, octets, start + STATUS_START, start + fieldsStart)
    return
  }
  writeText(out, String(head.status))
  writeText(out, ' ')
  writeText(out, REASONS[head.status] ?? '')
  writeText(out, '\r\n')
}

const STATUS_START = 9

function writeFields(out: Output, fields: Fields, keepsHost: boolean, framing: OutgoingFraming, length: number): void {
  let isLengthWritten = false
  if (fields instanceof WireFields) {
    const keepsLength = framing === 'none' || ((framing === 'length' || framing === 'empty') && fields.contentLength === length)
    fields.writeTo(out, keepsHost, keepsLength)
    isLengthWritten = keepsLength
  } else {
    fields.forEach((name, value) => {
      if (isHopByHop(name) || (name === 'content-length' && framing !== 'none')) return
      writeFieldLine(out, name, value)
    })
  }
  if (framing === 'chunked') writeText(out, 'Transfer-Encoding: chunked\r\n')
  else if (!isLengthWritten && (framing === 'length' || framing === 'empty')) {
    writeText(out, 'Content-Length: ')
    writeText(out, String(length))
    writeText(out, '\r\n')
  }
}
