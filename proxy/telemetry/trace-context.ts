/** Bit of the flags by which a caller says that it records the trace (W3C Trace Context section 3.2.2.5). */
export const SAMPLED = 0x01
/** Bit that says that the trace id's last 56 bits are random (level 2, section 3.2.2.5.2); passed on as it came. */
export const RANDOM = 0x02

/** `00-` + 32 + `-` + 16 + `-` + 2. */
const LENGTH = 55
/** Longest `tracestate` that goes on, characters: what every participant has to pass on (section 3.3.1.5), and each hop pays for it. */
export const MAX_TRACESTATE_LENGTH = 512
/** List members of `tracestate`; with more it is malformed (section 3.3.1.1). */
export const MAX_TRACESTATE_MEMBERS = 32
/** A member longer than this is the first to go from a list that is too long (section 3.3.1.5). */
const LARGE_MEMBER = 128

/**
 * The flags of a `traceparent` (section 3.2), or -1 where it is malformed: not the lower-case form, a trace or parent id of zeros, version ff, or more
 * than version 00 has. Of a higher version what version 00 has is read, as the specification asks. No string is made: it is called for each request.
 *
 * @param text all lines of the field, joined: several are malformed together.
 */
export function traceparentFlags(text: string): number {
  if (text.length < LENGTH || !isHex(text, 0, 2) || text.startsWith('ff')) return -1
  const isVersion0 = text.startsWith('00')
  if (text.length > LENGTH && (isVersion0 || text[LENGTH] !== '-')) return -1
  if (text[2] !== '-' || text[35] !== '-' || text[52] !== '-') return -1
  if (!isId(text, 3, 35) || !isId(text, 36, 52) || !isHex(text, 53, 55)) return -1
  return Number.parseInt(text.slice(53, 55), 16)
}

/** The trace id of a `traceparent` that is well-formed. */
export const traceIdOf = (traceparent: string): string => traceparent.slice(3, 35)
/** The parent id of a `traceparent` that is well-formed. */
export const parentIdOf = (traceparent: string): string => traceparent.slice(36, 52)

/** The `traceparent` of a span that is recorded, version 00. @param flags of the trace besides `SAMPLED`. */
export function formatTraceparent(traceId: string, spanId: string, flags: number): string {
  return `00-${traceId}-${spanId}-0${((flags & RANDOM) | SAMPLED).toString(16)}`
}

/**
 * What goes on of a `tracestate` (section 3.3): the text itself where it is well-formed and not too long; fewer members where it is too long, large
 * ones first, then from the end; null: it is empty or malformed, and none goes on.
 */
export function keptTracestate(text: string): string | null {
  const members: string[] = []
  for (const part of text.split(',')) {
    const member = part.trim()
    if (member === '') continue
    if (!MEMBER.test(member) || members.length === MAX_TRACESTATE_MEMBERS) return null
    members.push(member)
  }
  if (members.length === 0) return null
  return text.length <= MAX_TRACESTATE_LENGTH ? text : shortened(members)
}

/** `key=value`: a key of one part, or `tenant@system` (section 3.3.1.3). */
const MEMBER =
  /^(?:[a-z][a-z0-9_*/-]{0,255}|[a-z0-9][a-z0-9_*/-]{0,240}@[a-z][a-z0-9_*/-]{0,13})=[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e]$/

function shortened(members: string[]): string | null {
  const lengthOf = () => members.reduce((sum, member) => sum + member.length + 1, -1)
  for (let i = members.length - 1; i >= 0 && lengthOf() > MAX_TRACESTATE_LENGTH; i--) {
    if ((members[i] as string).length > LARGE_MEMBER) members.splice(i, 1)
  }
  while (lengthOf() > MAX_TRACESTATE_LENGTH) members.pop()
  return members.length === 0 ? null : members.join(',')
}

/** True for lower-case hexadecimal digits alone. */
function isHex(text: string, from: number, to: number): boolean {
  for (let i = from; i < to; i++) if (!isDigit(text.charCodeAt(i))) return false
  return true
}

/** True for hexadecimal digits that are not all zero. */
function isId(text: string, from: number, to: number): boolean {
  let isZero = true
  for (let i = from; i < to; i++) {
    const code = text.charCodeAt(i)
    if (!isDigit(code)) return false
    if (code !== 0x30) isZero = false
  }
  return !isZero
}

const isDigit = (code: number) => (code >= 0x30 && code <= 0x39) || (code >= 0x61 && code <= 0x66)
