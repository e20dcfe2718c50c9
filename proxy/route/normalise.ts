/**
 * The one spelling of a path, for routes, policies and what is sent on: what was matched is what is forwarded.
 *
 * | in the path | what happens | why |
 * | --- | --- | --- |
 * | `.` and `..` segments, spelled with `%2e` too | removed; above the root they stop there | RFC 3986 sections 5.2.4 and 6.2.2.3 |
 * | `%7e`, `%41` (unreserved characters) | decoded | section 6.2.2.2: the same resource |
 * | `%2f`, `%c3` (all other escapes) | kept, hexadecimal digits in upper case | section 6.2.2.1; an escaped slash does not separate segments |
 * | `"<>^{|}` and the back-quote | escaped | RFC 3986 has them in no path, but clients send them: one spelling for both |
 * | `//`, `;x`, `[`, `]` | kept, and matched as they are | servers give them meanings of their own |
 * | `..` next to `%2F`, `%5C` or `;` within a segment | refused | some servers take it for a dot segment, others do not |
 * | `%00`, an escape without two digits, `\`, `#`, controls, spaces, beyond ASCII | refused | servers read them in different ways |
 *
 * The query is kept octet by octet; `#`, controls, spaces and what is beyond ASCII are refused there too.
 */
export type Normalised =
  | {
      readonly ok: true
      /** Without the query. `*` for OPTIONS. */
      readonly path: string
      /** Without its question mark; null: there is none. */
      readonly query: string | null
      /** Both together: what is forwarded. The string that was given, where nothing changed. */
      readonly target: string
    }
  | { readonly ok: false; readonly reason: string }

const ASTERISK: Normalised = { ok: true, path: '*', query: null, target: '*' }
const SLASH = 47
const DOT = 46
const QUESTION = 63
const PERCENT = 37

/** Never in a target. */
const REFUSED = 1
/** In a path it needs more than a look. */
const SPECIAL = 2

const ESCAPED = '"<>^`{|}'
const CLASSES = Uint8Array.from({ length: 128 }, (_, code) => {
  const character = String.fromCharCode(code)
  if (code <= 32 || code === 127 || character === '#') return REFUSED
  return character === '%' || character === '\\' || ESCAPED.includes(character) ? SPECIAL : 0
})
const UNRESERVED = /^[A-Za-z0-9._~-]$/
/** What some server takes for the end of a segment: an escaped slash or backslash, or the start of a parameter. */
const DOUBTFUL_SEPARATOR = /%2F|%5C|;|%3B/

/**
 * Normalises a target in origin form, query included, or `*`.
 * Cost: one scan where nothing has to change. A refusal is the downstream's fault: 400.
 */
// biome-ignore lint/complexity/noExcessiveCognitiveComplexity: one scan, for every request
export function normalisePath(target: string): Normalised {
  if (target.charCodeAt(0) !== SLASH) return target === '*' ? ASTERISK : refused('a path starts with /')
  let end = -1
  let isSpecial = false
  let previous = 0
  for (let i = 0; i < target.length; i++) {
    const code = target.charCodeAt(i)
    const kind = code < 128 ? (CLASSES[code] as number) : REFUSED
    if (kind === REFUSED) return refused(`the character ${describe(code)} at ${i + 1} of the path`)
    if (end === -1) {
      if (code === QUESTION) end = i
      else if (kind === SPECIAL || (code === DOT && previous === SLASH)) isSpecial = true
    }
    previous = code
  }
  const path = end === -1 ? target : target.slice(0, end)
  const query = end === -1 ? null : target.slice(end + 1)
  return isSpecial ? rewritten(path, query) : { ok: true, path, query, target }
}

function rewritten(raw: string, query: string | null): Normalised {
  const spelled = respell(raw)
  if (!spelled.ok) return spelled
  const segments = spelled.text.split('/')
  if (segments.some(isDoubtful)) return refused('a dot segment next to %2F, %5C or ;')
  const path = withoutDotSegments(segments)
  return { ok: true, path, query, target: query === null ? path : `${path}?${query}` }
}

/** Gives every octet its one spelling (RFC 3986 sections 6.2.2.1 and 6.2.2.2). */
function respell(raw: string): { readonly ok: true; readonly text: string } | { readonly ok: false; readonly reason: string } {
  let text = ''
  let from = 0
  for (let i = 0; i < raw.length; i++) {
    const code = raw.charCodeAt(i)
    if (CLASSES[code] !== SPECIAL) continue
    text += raw.slice(from, i)
    if (code !== PERCENT) {
      if (raw[i] === '\\') return refused(`the character "\\" at ${i + 1} of the path`)
      text += escaped(code)
      from = i + 1
      continue
    }
    const digits = raw.slice(i + 1, i + 3)
    if (!/^[0-9A-Fa-f]{2}$/.test(digits)) return refused(`an escape without two hexadecimal digits at ${i + 1} of the path`)
    const octet = Number.parseInt(digits, 16)
    if (octet === 0) return refused(`the escape %00 at ${i + 1} of the path`)
    const character = String.fromCharCode(octet)
    text += UNRESERVED.test(character) ? character : escaped(octet)
    from = i + 3
    i += 2
  }
  return { ok: true, text: text + raw.slice(from) }
}

function isDoubtful(segment: string): boolean {
  if (!segment.includes('.') || !DOUBTFUL_SEPARATOR.test(segment)) return false
  return segment.split(DOUBTFUL_SEPARATOR).some(part => part === '.' || part === '..')
}

/** RFC 3986 section 5.2.4, on segments. The first one is what stands before the first slash: nothing. */
function withoutDotSegments(segments: readonly string[]): string {
  const kept: string[] = []
  for (let i = 1; i < segments.length; i++) {
    const segment = segments[i] as string
    const isDots = segment === '.' || segment === '..'
    if (segment === '..') kept.pop()
    if (!isDots) kept.push(segment)
    else if (i === segments.length - 1) kept.push('')
  }
  return `/${kept.join('/')}`
}

function escaped(octet: number): string {
  return `%${octet.toString(16).toUpperCase().padStart(2, '0')}`
}

function describe(code: number): string {
  return code > 32 && code < 127 ? `"${String.fromCharCode(code)}"` : `0x${code.toString(16).padStart(2, '0')}`
}

function refused(reason: string): { readonly ok: false; readonly reason: string } {
  return { ok: false, reason }
}
