/** Field names that the codec itself looks at, as small integers. */
export const NAME = {
  /** A name without a number of its own. */
  OTHER: 0,
  AUTHORITY: 1,
  METHOD: 2,
  PATH: 3,
  SCHEME: 4,
  STATUS: 5,
  /** RFC 8441. */
  PROTOCOL: 6,
  CONNECTION: 7,
  KEEP_ALIVE: 8,
  PROXY_CONNECTION: 9,
  TRANSFER_ENCODING: 10,
  UPGRADE: 11,
  HTTP2_SETTINGS: 12,
  TE: 13,
  HOST: 14,
  PROXY_AUTHORIZATION: 15,
  CONTENT_LENGTH: 16,
  COOKIE: 17,
  SET_COOKIE: 18,
  AUTHORIZATION: 19,
} as const

/** The last pseudo-field: all up to it begin with a colon. */
export const LAST_PSEUDO = NAME.PROTOCOL
/** The last field that belongs to one HTTP/1.1 connection (RFC 9113 section 8.2.2); they follow the pseudo-fields. */
export const LAST_CONNECTION_FIELD = NAME.HTTP2_SETTINGS

const NUMBERED = [
  ...[':authority', ':method', ':path', ':scheme', ':status', ':protocol'],
  ...['connection', 'keep-alive', 'proxy-connection', 'transfer-encoding', 'upgrade', 'http2-settings'],
  ...['te', 'host', 'proxy-authorization', 'content-length', 'cookie', 'set-cookie', 'authorization'],
]

/** What traffic usually carries besides the static table: looked up by number instead of by comparing text. */
const USUAL = [
  ...['grpc-status', 'grpc-message', 'grpc-timeout', 'grpc-encoding', 'grpc-accept-encoding', 'grpc-previous-rpc-attempts'],
  ...[
    'traceparent',
    'tracestate',
    'baggage',
    'x-request-id',
    'x-forwarded-for',
    'x-forwarded-proto',
    'x-forwarded-host',
    'via',
    'forwarded',
  ],
  ...['idempotency-key', 'server-timing', 'proxy-status', 'trailer', 'priority', 'origin', 'grpc-retry-pushback-ms'],
]

const ids = new Map<string, number>()
for (const name of NUMBERED) ids.set(name, ids.size + 1)
for (const name of USUAL) if (!ids.has(name)) ids.set(name, ids.size + 1)

/** The number of a name in lower case; OTHER when it has none. */
export function nameId(name: string): number {
  return ids.get(name) ?? NAME.OTHER
}

/** Gives a name of the static table its number; while this folder is loaded. */
export function numberName(name: string): void {
  if (!ids.has(name)) ids.set(name, ids.size + 1)
}

/** Names whose values are nearly always new: a table would only lose others for them. */
const UNIQUE = new Set([
  ...[':path', 'content-length', 'age', 'etag', 'if-none-match', 'if-modified-since', 'last-modified', 'location', 'content-range'],
  ...['traceparent', 'tracestate', 'x-request-id', 'grpc-timeout', 'idempotency-key', 'x-forwarded-for', 'server-timing'],
])

/** Whether values of that name are worth a place in the dynamic table when nobody has said. */
export function isWorthIndexing(name: string): boolean {
  return !UNIQUE.has(name)
}

/** Shorter cookies can be guessed octet by octet through what they compress to (RFC 7541 section 7.1.3); longer ones carry enough chance. */
const MIN_INDEXED_COOKIE = 20

/** Whether a line is sent as never indexed: who can watch lengths must not be able to guess it (RFC 7541 section 7.1). */
export function isSecret(id: number, value: string): boolean {
  if (id === NAME.COOKIE) return value.length < MIN_INDEXED_COOKIE
  return id === NAME.AUTHORIZATION || id === NAME.PROXY_AUTHORIZATION || id === NAME.SET_COOKIE
}
