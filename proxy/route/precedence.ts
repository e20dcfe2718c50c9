import { hasPrefix, normalisePathMatch } from './matcher.ts'
import { compileRegex } from './regex.ts'
import type { PathMatch, RouteMatch, ValueMatch } from './route.ts'

/** One match of one rule, with what decides between equals. */
export interface Ranked {
  readonly match: RouteMatch
  /** RFC 3339; empty: not stored yet, so younger than all that are. */
  readonly createdAt: string
  /** `default/orders`. */
  readonly namespacedName: string
  readonly ruleIndex: number
  readonly matchIndex: number
}

/**
 * The Gateway API's order of precedence; negative: `a` comes first.
 * Exact path; then regular expressions, longer ones first; then prefixes, longer ones first; then a method; then more headers; then more query
 * parameters; then the older route; then its name; then its place in the route.
 * Where patterns stand is the implementation's choice: before prefixes, as in Envoy Gateway (Istio puts them last), because beside the usual rule
 * for `/` a pattern that came later would never be reached.
 */
export function compareRules(a: Ranked, b: Ranked): number {
  return (
    pathRank(a.match.path) - pathRank(b.match.path) ||
    pathLength(b.match.path) - pathLength(a.match.path) ||
    Number(b.match.method !== null) - Number(a.match.method !== null) ||
    b.match.headers.length - a.match.headers.length ||
    b.match.query.length - a.match.query.length ||
    compareAge(a.createdAt, b.createdAt) ||
    compareText(a.namespacedName, b.namespacedName) ||
    a.ruleIndex - b.ruleIndex ||
    a.matchIndex - b.matchIndex
  )
}

/** All exact paths are equally exact: their length decides nothing. */
function pathLength(path: PathMatch): number {
  return path.kind === 'exact' ? 0 : path.value.length
}

function pathRank(path: PathMatch): number {
  if (path.kind === 'exact') return 0
  return path.kind === 'regex' ? 1 : 2
}

function compareAge(a: string, b: string): number {
  if (a === b) return 0
  if (a === '' || b === '') return a === '' ? 1 : -1
  const difference = Date.parse(a) - Date.parse(b)
  return Number.isNaN(difference) ? compareText(a, b) : difference
}

function compareText(a: string, b: string): number {
  if (a === b) return 0
  return a < b ? -1 : 1
}

/** Whether every request that `b` matches is matched by `a`. False where that can't be told: for warnings, so that none is wrong. */
export function shadows(a: RouteMatch, b: RouteMatch): boolean {
  if (a.method !== null && a.method !== b.method) return false
  return (
    coversPath(normalisePathMatch(a.path), normalisePathMatch(b.path)) &&
    coversAll(a.headers, b.headers, true) &&
    coversAll(a.query, b.query, false)
  )
}

function coversPath(a: PathMatch, b: PathMatch): boolean {
  if (a.kind === 'prefix') return a.value === '/' || (b.kind !== 'regex' && hasPrefix(b.value, a.value))
  if (a.kind === b.kind && a.value === b.value) return true
  if (a.kind === 'exact') return false
  return a.value === '.*' || (b.kind === 'exact' && matches(a.value, b.value))
}

/** Each condition of `a` must follow from one of `b`. */
function coversAll(a: readonly ValueMatch[], b: readonly ValueMatch[], isHeader: boolean): boolean {
  const fold = (name: string) => (isHeader ? name.toLowerCase() : name)
  return a.every(wanted => b.some(given => fold(given.name) === fold(wanted.name) && coversValue(wanted, given)))
}

function coversValue(a: ValueMatch, b: ValueMatch): boolean {
  if (a.kind === b.kind && a.value === b.value) return true
  return a.kind === 'regex' && b.kind === 'exact' && matches(a.value, b.value)
}

function matches(source: string, text: string): boolean {
  const regex = compileRegex(source)
  return regex.ok && regex.test(text)
}
