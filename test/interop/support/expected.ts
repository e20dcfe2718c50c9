import { pattern, sha } from './pattern.ts'

/** Facts by what was tried. */
export type Expected = Record<string, Record<string, unknown>>

const LARGE = 10 * 1024 * 1024
const LARGE_SHA = sha(pattern(LARGE))

/** What a client can't do or see, by its library. */
export interface Abilities {
  /** Names of what the library has no means for. */
  readonly lacks?: readonly string[]
  /** It unpacks gzip on its own and may hide the field. */
  readonly unpacks?: boolean
  /** Facts that the library shows in its own way. */
  readonly changes?: Expected
}

/** The RFC 9209 field of an answer that the sidecar made. */
export function proxyStatus(error: string, code: string): string[] {
  return [`outrider; error=${error}; details="${code}"`]
}

/** An upload as the app saw it. */
function uploaded(method: string, octets: number, framing: 'length' | 'chunked'): Record<string, unknown> {
  const isChunked = framing === 'chunked'
  const facts = { contentLength: isChunked ? null : `${octets}`, transferEncoding: isChunked ? 'chunked' : null }
  return { status: 200, method, octets, sha: sha(pattern(octets)), ...facts }
}

/** What every client must have seen. @param outside the authority of the server outside the mesh. */
export function expected(outside: string, abilities: Abilities = {}): Expected {
  const all: Expected = {
    'keep-alive': { good: 50 },
    parallel: { good: 50 },
    'post-length': uploaded('POST', 12_345, 'length'),
    'post-chunked': uploaded('POST', 54_321, 'chunked'),
    'put-empty': uploaded('PUT', 0, 'length'),
    'upload-large': uploaded('POST', LARGE, 'length'),
    'download-large': { status: 200, octets: LARGE, sha: LARGE_SHA, contentLength: [`${LARGE}`] },
    'download-chunked': { status: 200, octets: LARGE, sha: LARGE_SHA, transferEncoding: ['chunked'] },
    head: { status: 200, contentLength: ['1000'], octets: 0, next: 200 },
    204: { status: 204, kind: ['empty'], octets: 0, next: 200 },
    304: { status: 304, etag: ['"one"'], octets: 0, next: 200 },
    gzip: { status: 200, encoding: ['gzip'], isSame: true },
    trailers: { body: 'with trailers', trailers: { 'x-checksum': sha('with trailers') } },
    'request-trailers': { octets: 3, trailers: { 'x-sum': '3' } },
    redirect: { status: 200, path: '/echo?moved', kept: 'POST', octets: 100 },
    'expect-continue': { continued: true, octets: 1_000, refused: 417 },
    'early-hints': { infos: [103], status: 200 },
    cookies: { setCookie: ['a=1; Path=/', 'b=2; Path=/; HttpOnly'], cookie: 'a=1; b=2' },
    latin1: { received: '636166e9', sent: '6e61ef7665' },
    'long-url': { status: 200, isSame: true },
    'too-long-url': { status: 414, proxyStatus: proxyStatus('http_request_error', 'DOWNSTREAM_TARGET_TOO_LONG') },
    'unknown-port': { status: 404, proxyStatus: proxyStatus('destination_not_found', 'NO_ROUTE') },
    'no-endpoints': { status: 503, proxyStatus: proxyStatus('destination_unavailable', 'NO_HEALTHY_UPSTREAM') },
    outside: { status: 200, path: '/echo?outside', host: outside },
    'early-response': { status: 413 },
    disconnect: { reading: ['began', 'aborted'], sending: ['began', 'aborted'] },
  }
  for (const name of abilities.lacks ?? []) delete all[name]
  return { ...all, ...abilities.changes }
}

/** In a CONNECT tunnel a port that the service does not have is refused before anything else is said. */
export const REFUSED_TUNNEL: Expected = { 'unknown-port': { connect: 404 } }
