import { TARGET, TOKEN } from './tokens.ts'

const MAX_METHOD = 32

/** What the first octets behind a terminated CONNECT are: HTTP/1, something else, or too few to say. */
// biome-ignore lint/complexity/noExcessiveCognitiveComplexity: one pass over the line, in the order of its parts
export function sniffHttp1(octets: Uint8Array, start: number, end: number, maxTargetBytes: number): 'http1' | 'opaque' | 'unknown' {
  let p = start
  while (p < end && TOKEN[octets[p] as number] !== 0) p++
  if (p - start > MAX_METHOD) return 'opaque'
  if (p === end) return 'unknown'
  if (p === start || octets[p] !== 32) return 'opaque'
  const target = ++p
  while (p < end && TARGET[octets[p] as number] !== 0) p++
  // Too long a target is the parser's to refuse: as a tunnel it would go past all routes.
  if (p - target > maxTargetBytes) return 'http1'
  if (p === end) return 'unknown'
  if (p === target || octets[p] !== 32) return 'opaque'
  const version = p + 1
  for (let i = 0; i < VERSION.length; i++) {
    if (version + i === end) return 'unknown'
    if (octets[version + i] !== VERSION.charCodeAt(i)) return 'opaque'
  }
  return 'http1'
}

/** The HTTP/2 preface says `HTTP/2.0` and is opaque here. */
const VERSION = 'HTTP/1.'
