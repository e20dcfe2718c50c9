import { RE2JS } from 're2js'

/** What is wrong with a regular expression of RE2's syntax, which runs in linear time; null: nothing. */
export function regexFault(expression: string): string | null {
  try {
    RE2JS.compile(expression)
    return null
  } catch (error) {
    return (error as Error).message.replace(/^error parsing regexp: /, '')
  }
}
