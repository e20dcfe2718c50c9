import { compileRegex } from '../../proxy/route/regex.ts'
import { fieldName, fieldValue, queryValue, text, word } from './fields.ts'
import { isMapping, list, type Mapping, object, type Path, type Report, type Schema } from './schema.ts'

/** Conditions on headers, or on query parameters, of one match at most, as in the Gateway API. */
export const MAX_CONDITIONS = 16
/** Longest path of a match, as in the Gateway API. */
export const MAX_PATH_LENGTH = 1_024

/** RFC 3986 section 3.3: what a path may hold. */
const PATH_CHARACTERS = /^(?:[-A-Za-z0-9/._~!$&'()*+,;=:@]|%[0-9a-fA-F]{2})*$/
const ALLOWED_PATH = 'an absolute path without //, dot segments, %2F, ? and #'
const ALLOWED_REGEX = 'RE2 syntax: no look-around, no back-references'

const MATCH_TYPE = word(['Exact', 'RegularExpression'])

const conditionName = text({
  maxLength: 256,
  allowed: 'the name of a query parameter',
  test: value => (value === '' ? 'must not be empty' : null),
})

/** A match of HTTPRoute: all of its parts must hold. */
export const httpMatch: Schema = object({
  fields: {
    path: object({
      fields: {
        type: word(['Exact', 'PathPrefix', 'RegularExpression']),
        value: text({ maxLength: MAX_PATH_LENGTH, allowed: 'a path, or a regular expression over all of it', test: () => null }),
      },
      rules: [pathValue],
    }),
    headers: list(
      object({ required: ['name', 'value'], fields: { type: MATCH_TYPE, name: fieldName, value: fieldValue }, rules: [regexValue] }),
      {
        max: MAX_CONDITIONS,
        rules: [distinctNames(value => value.toLowerCase())],
      },
    ),
    queryParams: list(
      object({ required: ['name', 'value'], fields: { type: MATCH_TYPE, name: conditionName, value: queryValue }, rules: [regexValue] }),
      { max: MAX_CONDITIONS, rules: [distinctNames(value => value)] },
    ),
    method: word(['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'CONNECT', 'OPTIONS', 'TRACE', 'PATCH']),
  },
})

/**
 * What is wrong with a path that is compared literally; null: nothing.
 * Such a match could never hold, because requests are normalised before they are matched.
 */
export function pathFault(path: string): string | null {
  if (!path.startsWith('/')) return 'must start with /'
  if (path.includes('//')) return 'must not hold //'
  if (/\/\.\.?(\/|$)/.test(path)) return 'must not hold dot segments'
  if (/%2f/i.test(path)) return 'must not hold %2F'
  if (path.includes('?')) return 'must not hold a query: match it by queryParams'
  if (path.includes('#')) return 'must not hold a fragment'
  return PATH_CHARACTERS.test(path) ? null : 'holds a character that no path has (RFC 3986)'
}

function pathValue(path: Mapping, at: Path, report: Report): void {
  const { type, value } = path
  if (typeof value !== 'string') return
  if (type === 'RegularExpression') checkRegex(value, [...at, 'value'], report)
  else {
    const wrong = pathFault(value)
    if (wrong !== null) report.fault([...at, 'value'], value, wrong, ALLOWED_PATH)
  }
}

function regexValue(condition: Mapping, at: Path, report: Report): void {
  const { type, value } = condition
  if (type === 'RegularExpression' && typeof value === 'string') checkRegex(value, [...at, 'value'], report)
}

function checkRegex(value: string, at: Path, report: Report): void {
  const regex = compileRegex(value)
  if (!regex.ok) report.fault(at, value, `cannot be matched: ${regex.message}`, ALLOWED_REGEX)
}

/** Two conditions of one name would be one of which the second never counts (Gateway API). */
function distinctNames(fold: (name: string) => string) {
  return (items: readonly unknown[], path: Path, report: Report): void => {
    const seen = new Set<string>()
    items.forEach((item, index) => {
      const name = isMapping(item) ? item['name'] : undefined
      if (typeof name !== 'string') return
      if (seen.has(fold(name))) report.fault([...path, index, 'name'], name, 'the name is there twice', 'each name once')
      seen.add(fold(name))
    })
  }
}
