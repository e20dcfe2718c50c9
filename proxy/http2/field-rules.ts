import type { ErrorCode } from '../errors.ts'
import { type FieldLine, ownLine } from '../hpack/line.ts'
import { LAST_CONNECTION_FIELD, LAST_PSEUDO, NAME } from '../hpack/names.ts'
import { isAuthority, isAuthorityWithPort } from '../http/authority.ts'
import type { Fields } from '../http/fields.ts'
import type { Protocol, RequestHead } from '../http/head.ts'
import { HeaderFields } from './header-fields.ts'

/** Why a message is not passed on. A malformed one resets its stream; the others are answered. */
export interface FieldFault {
  readonly code: ErrorCode
  /** Ends the stream with PROTOCOL_ERROR (RFC 9113 section 8.1.1). */
  readonly isMalformed: boolean
  readonly reason: string
}

/** Either what was read, or why not. */
type Read<T> = { readonly fault: null; readonly value: T } | { readonly fault: FieldFault; readonly value: null }

const malformed = (reason: string): { readonly fault: FieldFault; readonly value: null } => ({
  fault: { code: 'DOWNSTREAM_PROTOCOL', isMalformed: true, reason },
  value: null,
})

const METHOD = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,32}$/
/** What an HTTP/1.1 start line can carry: nothing that ends it, and no fragment. */
const TARGET = /^[!-"$-~]+$/
const LENGTH = /^[0-9]{1,15}$/
const PSEUDO_NAMES = [null, null, null, null, null, null, null]

/**
 * Parts the pseudo-fields of one block from its other fields, and leaves out what concerns one hop alone (RFC 9113 sections 8.2 and 8.3).
 * Proxy-Authorization is meant for the proxy that a client was told of, and that is us: no app must find it.
 */
class SortedLines {
  /** Values of the pseudo-fields, by their numbers in NAME; null: not there. */
  readonly pseudo: (string | null)[] = PSEUDO_NAMES.slice()
  fields: FieldLine[] = []
  /** The first `host`; null: none. */
  host: string | null = null
  /** -1: none. */
  contentLength = -1
  trailersAccepted = false
  /** What is malformed; null: nothing. */
  fault: string | null = null

  constructor(lines: readonly FieldLine[]) {
    let cookies = 0
    let areFieldsBegun = false
    for (const line of lines) {
      const { id } = line
      if (line.isMalformed) this.fault ??= 'a malformed field line'
      else if (isPseudo(id)) this.#takePseudo(line, areFieldsBegun)
      else {
        areFieldsBegun = true
        if (id === NAME.COOKIE) cookies++
        if (id === NAME.OTHER || id > NAME.CONTENT_LENGTH) this.#takeField(line)
        else this.#takeKnown(line)
      }
    }
    if (cookies > 1) this.fields = joinCookies(this.fields)
  }

  #takePseudo(line: FieldLine, areFieldsBegun: boolean): void {
    if (areFieldsBegun) this.fault ??= 'a pseudo-field behind a field'
    else if (this.pseudo[line.id] !== null) this.fault ??= `two ${line.name}`
    else this.pseudo[line.id] = line.value
  }

  #takeField(line: FieldLine): void {
    if (line.name.charCodeAt(0) === COLON) this.fault ??= 'an unknown pseudo-field'
    else this.fields.push(line)
  }

  #takeKnown(line: FieldLine): void {
    const { id, value } = line
    if (id <= LAST_CONNECTION_FIELD) this.fault ??= `${line.name}, which belongs to HTTP/1.1`
    else if (id === NAME.TE) {
      if (value.toLowerCase() !== 'trailers') this.fault ??= 'te that is not trailers'
      this.trailersAccepted = true
    } else if (id === NAME.HOST) {
      if (this.host !== null && this.host !== value) this.fault ??= 'two hosts'
      this.host = value
    } else if (id === NAME.CONTENT_LENGTH) {
      if (this.contentLength !== -1 || !LENGTH.test(value)) this.fault ??= 'a malformed content-length'
      this.contentLength = Number(value)
      this.fields.push(line)
    }
  }
}

function isPseudo(id: number): boolean {
  return id !== NAME.OTHER && id <= LAST_PSEUDO
}

const COLON = 58

/** Crumbs of a cookie are one field everywhere else (RFC 9113 section 8.2.3). */
function joinCookies(lines: readonly FieldLine[]): FieldLine[] {
  const cookie = ownLine(
    'cookie',
    lines
      .filter(line => line.id === NAME.COOKIE)
      .map(line => line.value)
      .join('; '),
  )
  const first = lines.findIndex(line => line.id === NAME.COOKIE)
  return lines.map((line, at) => (at === first ? cookie : line)).filter(line => line === cookie || line.id !== NAME.COOKIE)
}

/** A request's head as the server hands it over. */
class ReceivedRequestHead implements RequestHead {
  method: string
  scheme: 'http' | 'https'
  authority: string
  path: string | null
  readonly protocol: Protocol = 'HTTP/2'
  upgrade: string | null
  readonly trailersAccepted: boolean
  readonly isAbsoluteForm = false
  readonly headers: Fields
  /** As content-length says; -1: nothing is said. */
  readonly contentLength: number

  constructor(
    sorted: SortedLines,
    method: string,
    scheme: 'http' | 'https',
    authority: string,
    path: string | null,
    upgrade: string | null,
  ) {
    this.method = method
    this.scheme = scheme
    this.authority = authority
    this.path = path
    this.upgrade = upgrade
    this.trailersAccepted = sorted.trailersAccepted
    this.headers = new HeaderFields(sorted.fields)
    this.contentLength = sorted.contentLength
  }
}

export type { ReceivedRequestHead }

/** What a server takes. */
export interface RequestRules {
  readonly maxTargetBytes: number
  /** Values of `:protocol` that become tunnels (RFC 8441). */
  readonly upgrades: readonly string[]
}

/**
 * The head of a request, so that whatever is written from it as HTTP/1.1 can be read in one way only (RFC 9113 sections 8.3.1, 8.5 and 10.3).
 * An extended CONNECT becomes what it stands for: a GET that asks for an upgrade.
 */
export function readRequestHead(lines: readonly FieldLine[], rules: RequestRules): Read<ReceivedRequestHead> {
  const sorted = new SortedLines(lines)
  const { pseudo, host, fault } = sorted
  if (fault !== null) return malformed(fault)
  const method = pseudo[NAME.METHOD] ?? ''
  const authority = pseudo[NAME.AUTHORITY] ?? host ?? ''
  if (pseudo[NAME.STATUS] !== null) return malformed(':status in a request')
  if (!METHOD.test(method)) return malformed('a missing or malformed :method')
  if (!isAuthority(authority)) return malformed('a missing or malformed :authority')
  if (host !== null && host.toLowerCase() !== authority.toLowerCase()) return malformed('a host that differs from :authority')
  const protocol = pseudo[NAME.PROTOCOL] ?? null
  if (protocol !== null && method !== 'CONNECT') return malformed(':protocol without CONNECT')
  if (method === 'CONNECT' && protocol === null) return readConnect(sorted, authority)
  return readTarget(sorted, method, authority, protocol, rules)
}

/** The head of what has a scheme and a path. */
function readTarget(
  sorted: SortedLines,
  method: string,
  authority: string,
  protocol: string | null,
  rules: RequestRules,
): Read<ReceivedRequestHead> {
  const scheme = sorted.pseudo[NAME.SCHEME]
  const path = sorted.pseudo[NAME.PATH] ?? ''
  if (scheme !== 'http' && scheme !== 'https') return malformed('a missing or unknown :scheme')
  if (!isTarget(path, method)) return malformed('a missing or malformed :path')
  if (path.length > rules.maxTargetBytes)
    return refused('DOWNSTREAM_TARGET_TOO_LONG', `a request target of more than ${rules.maxTargetBytes} octets`)
  if (protocol === null) return { fault: null, value: new ReceivedRequestHead(sorted, method, scheme, authority, path, null) }
  const upgrade = protocol.toLowerCase()
  if (!rules.upgrades.includes(upgrade)) return refused('NOT_IMPLEMENTED', 'a :protocol that is not tunnelled')
  return { fault: null, value: new ReceivedRequestHead(sorted, 'GET', scheme, authority, path, upgrade) }
}

const SLASH = 47

function isTarget(path: string, method: string): boolean {
  if (!TARGET.test(path)) return false
  return path.charCodeAt(0) === SLASH || (path === '*' && method === 'OPTIONS')
}

const refused = (code: ErrorCode, reason: string): { readonly fault: FieldFault; readonly value: null } => ({
  fault: { code, isMalformed: false, reason },
  value: null,
})

function readConnect(sorted: SortedLines, authority: string): Read<ReceivedRequestHead> {
  if (sorted.pseudo[NAME.SCHEME] !== null || sorted.pseudo[NAME.PATH] !== null) return malformed('CONNECT with :scheme or :path')
  if (!isAuthorityWithPort(authority)) return malformed('CONNECT without host and port')
  if (sorted.contentLength > 0) return malformed('CONNECT with a content-length')
  return { fault: null, value: new ReceivedRequestHead(sorted, 'CONNECT', 'http', authority, null, null) }
}

/** Fields that mean something else, or something dangerous, behind a body (RFC 9110 section 6.5.1): they are dropped. */
const NOT_IN_TRAILERS = new Set(['content-length', 'trailer', 'authorization', 'content-encoding', 'content-type', 'expect'])

/** Trailers; null where none are left. */
export function readTrailers(lines: readonly FieldLine[]): Read<Fields | null> {
  const { pseudo, fault, fields } = new SortedLines(lines)
  if (fault !== null) return malformed(fault)
  if (pseudo.some(value => value !== null)) return malformed('a pseudo-field in trailers')
  const allowed = fields.filter(line => !NOT_IN_TRAILERS.has(line.name))
  return { fault: null, value: allowed.length === 0 ? null : new HeaderFields(allowed) }
}

/** A response's head as the client role reads it. */
export interface ReceivedResponseHead {
  readonly status: number
  readonly headers: Fields
  /** As content-length says; -1: nothing is said. */
  readonly contentLength: number
}

const STATUS = /^[1-9][0-9]{2}$/

/** The head of a response (RFC 9113 section 8.3.2). 101 has no place in HTTP/2 (section 8.6). */
export function readResponseHead(lines: readonly FieldLine[]): Read<ReceivedResponseHead> {
  const { pseudo, fault, fields, contentLength } = new SortedLines(lines)
  if (fault !== null) return malformed(fault)
  const status = pseudo[NAME.STATUS] ?? ''
  if (!STATUS.test(status) || status === '101') return malformed('a missing or malformed :status')
  if (pseudo.some((value, id) => value !== null && id !== NAME.STATUS)) return malformed('a pseudo-field of requests')
  return { fault: null, value: { status: Number(status), headers: new HeaderFields(fields), contentLength } }
}
