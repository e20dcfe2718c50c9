import { TOKEN } from './tokens.ts'

/**
 * Field names that the codec itself reads, as small integers. All other lines are 0 and travel as they came.
 * Those up to LAST_HIDDEN are never shown to anybody: Host is the head's authority, the others belong to one hop (RFC 9110 section 7.6.1).
 */
export const ID = {
  OTHER: 0,
  HOST: 1,
  CONNECTION: 2,
  TRANSFER_ENCODING: 3,
  KEEP_ALIVE: 4,
  PROXY_CONNECTION: 5,
  TE: 6,
  UPGRADE: 7,
  HTTP2_SETTINGS: 8,
  /** Meant for the proxy that a client was told of, and that is us (RFC 9110 section 11.7.2): who puts a password into HTTP_PROXY must not find it at an app. */
  PROXY_AUTHORIZATION: 9,
  /** A line that Connection nominates, or that this peer's version makes void. */
  NOMINATED: 10,
  CONTENT_LENGTH: 11,
  EXPECT: 12,
} as const

const LAST_HIDDEN = ID.NOMINATED

const NAMES: readonly [string, number][] = [
  ['host', ID.HOST],
  ['connection', ID.CONNECTION],
  ['transfer-encoding', ID.TRANSFER_ENCODING],
  ['keep-alive', ID.KEEP_ALIVE],
  ['proxy-connection', ID.PROXY_CONNECTION],
  ['te', ID.TE],
  ['upgrade', ID.UPGRADE],
  ['http2-settings', ID.HTTP2_SETTINGS],
  ['proxy-authorization', ID.PROXY_AUTHORIZATION],
  ['content-length', ID.CONTENT_LENGTH],
  ['expect', ID.EXPECT],
]

const MAX_NAME = 32
/** By length and the low five bits of the first octet. Each known name has its own place: a test says so. */
const PLACES = new Uint8Array(MAX_NAME * 32)
const SPELLINGS: string[] = []
for (const [name, id] of NAMES) {
  PLACES[(name.length << 5) | (name.charCodeAt(0) & 31)] = id
  SPELLINGS[id] = name
}

/** The id of the name at `octets[start..end)`; OTHER when the codec has no interest in it. */
export function nameId(octets: Uint8Array, start: number, end: number): number {
  const length = end - start
  if (length >= MAX_NAME) return ID.OTHER
  const id = PLACES[(length << 5) | ((octets[start] as number) & 31)] as number
  if (id === ID.OTHER) return id
  const name = SPELLINGS[id] as string
  for (let i = 0; i < length; i++) if (TOKEN[octets[start + i] as number] !== name.charCodeAt(i)) return ID.OTHER
  return id
}

/** Whether lines of this id stay with the codec. */
export function isHidden(id: number): boolean {
  return id !== ID.OTHER && id <= LAST_HIDDEN
}

/** Names that a writer makes itself, whoever set them. */
const HOP_BY_HOP = new Set(NAMES.filter(([, id]) => isHidden(id)).map(([name]) => name))

/** @param name in lower case. */
export function isHopByHop(name: string): boolean {
  return HOP_BY_HOP.has(name)
}

/**
 * Fields that Connection cannot nominate away. RFC 9110 section 7.6.1 forbids to nominate what is meant for all recipients; whoever does it wants
 * a hop behind us to lose the field that framing, routing, identity or tracing rests on. The nomination is ignored and the field passes.
 */
const NEVER_NOMINATED = new Set([
  'host',
  'content-length',
  'transfer-encoding',
  'content-type',
  'content-encoding',
  'cache-control',
  'authorization',
  'cookie',
  'set-cookie',
  'expect',
  'trailer',
  'via',
  'forwarded',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-proto',
  'x-request-id',
  'traceparent',
  'tracestate',
  'baggage',
  'idempotency-key',
])

/** @param name in lower case. */
export function canBeNominated(name: string): boolean {
  return !NEVER_NOMINATED.has(name)
}

/** Fields without meaning, or with a dangerous one, behind a body: framing, routing and connection (RFC 9110 section 6.5.1). They are dropped. */
const NOT_IN_TRAILERS = new Set([...HOP_BY_HOP, 'content-length', 'trailer', 'authorization', 'content-encoding', 'content-type', 'expect'])

/** @param name in lower case. */
export function isTrailerAllowed(name: string): boolean {
  return !NOT_IN_TRAILERS.has(name)
}
