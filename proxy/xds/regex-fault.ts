import { RE2JS } from 're2js'

/** Longest regular expression of a route, characters: compiling takes time and memory in proportion. */
export const MAX_REGEX_LENGTH = 1024

/** Why a pattern is no RE2 regular expression (no look-around, no back-references); null when it is one. */
export function regexFault(pattern: string): string | null {
  if (pattern === '') return 'is missing'
  if (pattern.length > MAX_REGEX_LENGTH) return `is longer than ${MAX_REGEX_LENGTH} characters`
  try {
    RE2JS.compile(pattern)
    return null
  } catch (error) {
    return `${JSON.stringify(pattern)} is no RE2 regular expression: ${error instanceof Error ? error.message : String(error)}`
  }
}
