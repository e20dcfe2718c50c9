import { RE2Set } from 're2js'

/** A regular expression that runs in linear time, or what is wrong with it. */
export type Regex =
  | {
      readonly ok: true
      /** Whether all of the text matches, as in Envoy: no anchors are needed. */
      test(text: string): boolean
    }
  | { readonly ok: false; readonly message: string }

/** Characters of a pattern. As long as a path of the Gateway API may be. */
export const MAX_REGEX_LENGTH = 1_024

/** Instructions of a compiled pattern. `x{1000}{1000}` is short and a million of them; each may cost a step for each character of a text. */
export const MAX_REGEX_INSTRUCTIONS = 1_000

/** Compiled patterns that are kept besides those in use, so that a new route table does not compile again what the last one had (about 0.1 ms each). */
export const MAX_REGEX_KEPT = 1_000

/**
 * Octets of automaton states that one pattern keeps from text to text. Some patterns have more states than fit anywhere, and whoever chooses the
 * texts could fill the memory with them; beyond this they are simulated, in linear time too.
 */
export const MAX_REGEX_STATE_BYTES = 65_536

const kept = new Map<string, Regex>()

/**
 * Compiles a pattern of RE2's syntax. Look-around and back-references have no linear-time form and are refused.
 * Cost: 0.03 to 0.3 ms, once for each pattern.
 */
export function compileRegex(source: string): Regex {
  const known = kept.get(source)
  if (known !== undefined) return known
  const regex = compile(source)
  if (kept.size >= MAX_REGEX_KEPT) {
    const [oldest] = kept.keys()
    kept.delete(oldest as string)
  }
  kept.set(source, regex)
  return regex
}

function compile(source: string): Regex {
  if (source.length > MAX_REGEX_LENGTH) return refused(`a pattern of ${source.length} characters; at most ${MAX_REGEX_LENGTH} are allowed`)
  const unsupported = findUnsupported(source)
  if (unsupported !== null) return refused(unsupported)
  try {
    // A set of one: unlike a single expression, it lets its memory be limited.
    const program = new RE2Set(RE2Set.ANCHOR_BOTH, 0, MAX_REGEX_STATE_BYTES)
    program.add(source)
    program.compile()
    const size: number = program.prog.numInst()
    if (size > MAX_REGEX_INSTRUCTIONS) {
      return refused(`a program of ${size} instructions; at most ${MAX_REGEX_INSTRUCTIONS} are allowed: repeat less`)
    }
    return { ok: true, test: text => program.match(text).length === 1 }
  } catch (error) {
    return refused(syntaxFault(source, error as { message: string; error?: unknown; input?: unknown }))
  }
}

function syntaxFault(source: string, fault: { readonly message: string; readonly error?: unknown; readonly input?: unknown }): string {
  if (typeof fault.error !== 'string') return fault.message
  if (typeof fault.input !== 'string' || fault.input === '') return fault.error
  const at = source.indexOf(fault.input)
  return `${fault.error} "${fault.input}"${at === -1 ? '' : ` at position ${at + 1}`}`
}

/** What could be taken for unsupported syntax and is not (quotations, escapes, classes), and what is. */
const TOKENS = /\\Q[\s\S]*?(?:\\E|$)|\\[\s\S]|\[\^?\]?(?:\\[\s\S]|\[:\^?\w+:\]|[^\]\\])*\]?|\(\?<?[=!]/g

function findUnsupported(source: string): string | null {
  for (const { 0: token, index } of source.matchAll(TOKENS)) {
    if (/^\\[1-9k]/.test(token)) return `the back-reference "${token}" at ${place(index)}`
    if (token.startsWith('(?')) return `the look-${token[2] === '<' ? 'behind' : 'ahead'} "${token}" at ${place(index)}`
  }
  return null
}

function place(index: number): string {
  return `position ${index + 1} is not supported: patterns run in linear time (RE2 syntax)`
}

function refused(message: string): Regex {
  return { ok: false, message }
}

/**
 * The characters with which every text that the pattern matches begins; empty where that is not plain to see.
 * A comparison with them spares most texts the pattern itself.
 */
export function literalPrefix(source: string): string {
  if (source.includes('|')) return ''
  const literal = /^\^?([A-Za-z0-9/_-]*)/.exec(source)
  const text = literal?.[1] ?? ''
  const next = source[literal?.[0].length ?? 0]
  // A quantifier is about the last character, which may then be missing.
  return next !== undefined && '*?+{'.includes(next) ? text.slice(0, -1) : text
}
