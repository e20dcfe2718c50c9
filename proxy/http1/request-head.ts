import { isAuthority, isAuthorityWithPort } from '../http/authority.ts'
import type { Protocol, RequestHead } from '../http/head.ts'
import { latin1 } from '../util/latin1.ts'
import { arena } from './arena.ts'
import { type Framing, plainLength, requestFraming } from './framing.ts'
import type { Limits } from './limits.ts'
import { framingInput, lineText } from './line-text.ts'
import { type Fault, type HeadParser, LINE_INTS } from './parser.ts'
import { WireFields } from './wire-fields.ts'

/** What a connection remembers of its last request, so that the next one's Host needs neither check nor string. */
export interface HostMemory {
  /** Host as received; valid. */
  text: string
}

/** A head as the server hands it over. */
class ReceivedRequestHead implements RequestHead {
  method: string
  scheme: 'http' | 'https' = 'http'
  authority: string
  path: string | null
  readonly protocol: Protocol
  upgrade: string | null = null
  readonly trailersAccepted: boolean
  isAbsoluteForm = false
  readonly headers: WireFields

  constructor(method: string, authority: string, path: string | null, parser: HeadParser, headers: WireFields) {
    this.method = method
    this.authority = authority
    this.path = path
    this.protocol = parser.minor === 0 ? 'HTTP/1.0' : 'HTTP/1.1'
    this.trailersAccepted = parser.isTrailersAccepted
    this.headers = headers
  }
}

/** A request that may be served, or why not. The head is there also when it is refused, for the log. */
export interface ReadRequest {
  readonly head: RequestHead
  readonly framing: Framing
  readonly fault: Fault | null
}

const NONE: Framing = { kind: 'none' }
const METHODS = ['GET', 'POST', 'PUT', 'HEAD', 'DELETE', 'PATCH', 'OPTIONS', 'CONNECT', 'TRACE']
const ABSOLUTE = /^(https?):\/\/([^/?]+)([/?].*)?$/i

/** Makes a head of what the parser has read at `octets[start..]`; copies its octets. */
export function readRequest(
  parser: HeadParser,
  octets: Buffer,
  start: number,
  limits: Limits,
  upgrades: readonly string[],
  memory: HostMemory,
): ReadRequest {
  const host = hostOf(parser, octets, start, memory)
  const framing = framingOf(parser, octets, start)
  const headers = keep(parser, octets, start, host ?? '', framing.kind === 'length' ? framing.octets : -1, 0)
  const head = new ReceivedRequestHead(method(parser, octets, start), host ?? '', null, parser, headers)
  let fault = target(head, parser, octets, start)
  if (host === null) fault = { code: 'DOWNSTREAM_PROTOCOL', reason: 'a malformed Host' }
  else if (parser.hostLine === -1 && parser.minor === 1) fault = { code: 'DOWNSTREAM_PROTOCOL', reason: 'no Host' }
  fault ??= framingFault(head, framing, limits)
  if (fault === null && parser.upgradeLine !== -1) head.upgrade = upgrade(parser, octets, start, framing, upgrades)
  // An HTTP/1.0 client does not know what 100 is (RFC 9110 section 10.1.1).
  if (parser.expectsContinue && parser.minor === 0) headers.delete('expect')
  return { head, framing, fault }
}

/** Copies a head's octets out of the read buffer. */
export function keep(parser: HeadParser, octets: Buffer, start: number, host: string, contentLength: number, status: number): WireFields {
  const at = arena.place(octets, start, start + parser.length)
  // The shared parser writes its index where the arena keeps it; a connection's own parser has an index of its own.
  if (parser.lines === arena.lines) arena.keepLines(parser.count)
  return new WireFields({
    octets: arena.octets,
    start: at,
    length: parser.length,
    lines: parser.lines,
    first: parser.first,
    count: parser.count,
    fieldsStart: parser.fieldsStart,
    host,
    contentLength,
    status,
  })
}

function framingOf(parser: HeadParser, octets: Buffer, start: number): Framing {
  if (parser.contentLengthCount === 0 && parser.transferEncodingCount === 0) return NONE
  if (parser.contentLengthCount === 1 && parser.transferEncodingCount === 0) {
    const at = parser.first + parser.contentLengthLine * LINE_INTS
    const length = plainLength(octets, start + (parser.lines[at + 2] as number), start + (parser.lines[at + 3] as number))
    if (length !== -1) return { kind: 'length', octets: length }
  }
  return requestFraming(framingInput(parser, octets, start))
}

function framingFault(head: RequestHead, framing: Framing, limits: Limits): Fault | null {
  if (framing.kind === 'refused') {
    return { code: framing.status === 501 ? 'NOT_IMPLEMENTED' : 'DOWNSTREAM_PROTOCOL', reason: framing.reason }
  }
  if (framing.kind === 'length' && limits.maxBodyBytes !== null && framing.octets > limits.maxBodyBytes) {
    return { code: 'DOWNSTREAM_BODY_TOO_LARGE', reason: `a body of more than ${limits.maxBodyBytes} octets` }
  }
  // RFC 9110 section 9.3.6: what follows a CONNECT is the tunnel; octets that another parser takes for a body would be read as requests.
  if (head.method === 'CONNECT' && (framing.kind === 'chunked' || (framing.kind === 'length' && framing.octets > 0))) {
    return { code: 'DOWNSTREAM_PROTOCOL', reason: 'CONNECT with a body' }
  }
  return null
}

function method(parser: HeadParser, octets: Buffer, start: number): string {
  const from = start + parser.methodStart
  const length = parser.methodEnd - parser.methodStart
  next: for (const known of METHODS) {
    if (known.length !== length) continue
    for (let i = 0; i < length; i++) if (octets[from + i] !== known.charCodeAt(i)) continue next
    return known
  }
  return latin1(octets, from, start + parser.methodEnd)
}

/** Empty: there is none. Null: malformed. */
function hostOf(parser: HeadParser, octets: Buffer, start: number, memory: HostMemory): string | null {
  if (parser.hostLine === -1) return ''
  const at = parser.first + parser.hostLine * LINE_INTS
  const from = start + (parser.lines[at + 2] as number)
  const to = start + (parser.lines[at + 3] as number)
  const known = memory.text
  if (known.length === to - from && known !== '') {
    let i = 0
    while (i < known.length && octets[from + i] === known.charCodeAt(i)) i++
    if (i === known.length) return known
  }
  const text = latin1(octets, from, to)
  if (!isAuthority(text)) return null
  memory.text = text
  return text
}

/**
 * The four forms of a target (RFC 9112 section 3.2). An absolute form's authority replaces Host, whatever Host says (section 3.2.2: a proxy
 * must ignore it); since it is replaced, nobody behind us can see the other one. Userinfo is refused (RFC 9110 section 4.2.4).
 */
function target(head: ReceivedRequestHead, parser: HeadParser, octets: Buffer, start: number): Fault | null {
  const from = start + parser.targetStart
  const to = start + parser.targetEnd
  if (head.method === 'CONNECT') return connectTarget(head, latin1(octets, from, to))
  const text = latin1(octets, from, to)
  if (octets[from] === 47 || (text === '*' && head.method === 'OPTIONS')) {
    head.path = text
    return null
  }
  const parts = ABSOLUTE.exec(text)
  if (parts === null || !isAuthority(parts[2] as string)) return { code: 'DOWNSTREAM_PROTOCOL', reason: 'a malformed request target' }
  const path = parts[3] ?? ''
  head.isAbsoluteForm = true
  head.scheme = (parts[1] as string).toLowerCase() as 'http' | 'https'
  head.authority = parts[2] as string
  // An empty path of OPTIONS is the asterisk form (RFC 9112 section 3.2.4).
  head.path = path.startsWith('/') ? path : path === '' && head.method === 'OPTIONS' ? '*' : `/${path}`
  return null
}

function connectTarget(head: ReceivedRequestHead, text: string): Fault | null {
  head.authority = text
  // The port is not optional (RFC 9112 section 3.2.3).
  if (isAuthorityWithPort(text)) return null
  return { code: 'DOWNSTREAM_PROTOCOL', reason: 'CONNECT without host and port' }
}

/**
 * The protocol asked for, when it is one that we tunnel: alone, with Connection: upgrade, in an HTTP/1.1 request without a body
 * (RFC 9110 section 7.8). Everything else, `h2c` before all, is as if it had not been asked for.
 */
function upgrade(parser: HeadParser, octets: Buffer, start: number, framing: Framing, upgrades: readonly string[]): string | null {
  if (!parser.hasUpgradeOption || parser.minor === 0 || parser.upgradeCount !== 1) return null
  if (framing.kind === 'chunked' || (framing.kind === 'length' && framing.octets > 0)) return null
  const token = lineText(parser, octets, start, parser.upgradeLine).toLowerCase()
  return token !== 'h2c' && upgrades.includes(token) ? token : null
}
