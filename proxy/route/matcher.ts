import type { Fields } from '../http/fields.ts'
import { normalisePath } from './normalise.ts'
import { compileRegex, literalPrefix, type Regex } from './regex.ts'
import type { PathMatch, RouteMatch, ValueMatch } from './route.ts'

/** What of a request a route can look at. */
export class Subject {
  readonly method: string
  readonly authority: string
  /** Normalised, without query; empty for CONNECT, which only the prefix `/` matches (and a pattern that matches nothing at all). */
  readonly path: string
  readonly #query: string | null
  readonly #headers: Fields
  #parameters: ReadonlyMap<string, string> | null = null

  constructor(method: string, authority: string, path: string, query: string | null, headers: Fields) {
    this.method = method
    this.authority = authority
    this.path = path
    this.#query = query
    this.#headers = headers
  }

  /** All values of a field, joined; null: it is not there. `host` is the authority. */
  header(name: string): string | null {
    if (name === 'host') return this.authority
    if (name === 'cookie') return cookies(this.#headers)
    return this.#headers.joined(name)
  }

  /** First value of a query parameter, decoded; null: it is not there. */
  parameter(name: string): string | null {
    this.#parameters ??= parseParameters(this.#query)
    return this.#parameters.get(name) ?? null
  }
}

/** RFC 9113 section 8.2.3: crumbs of a cookie field are joined with `; `. */
function cookies(headers: Fields): string | null {
  const first = headers.get('cookie')
  if (first === null) return null
  const lines: string[] = []
  headers.forEach((name, value) => {
    if (name === 'cookie') lines.push(value)
  })
  return lines.join('; ')
}

/** First value of each parameter, decoded as apps do (application/x-www-form-urlencoded: `+` is a space; what is no escape stands for itself). */
export function parseParameters(query: string | null): ReadonlyMap<string, string> {
  const parameters = new Map<string, string>()
  if (query === null) return parameters
  for (const part of query.split('&')) {
    if (part === '') continue
    const equals = part.indexOf('=')
    const name = decodeParameter(equals === -1 ? part : part.slice(0, equals))
    if (!parameters.has(name)) parameters.set(name, equals === -1 ? '' : decodeParameter(part.slice(equals + 1)))
  }
  return parameters
}

function decodeParameter(text: string): string {
  if (!text.includes('%') && !text.includes('+')) return text
  const spaced = text.replaceAll('+', ' ')
  try {
    return decodeURIComponent(spaced)
  } catch {
    return spaced.replace(/(?:%[0-9A-Fa-f]{2})+/g, run => Buffer.from(run.replaceAll('%', ''), 'hex').toString('utf8'))
  }
}

/** Whether `path` is `prefix` or lies below it. `prefix` has no trailing slash unless it is `/`, which all paths match. */
export function hasPrefix(path: string, prefix: string): boolean {
  if (prefix === '/') return true
  return path.startsWith(prefix) && (path.length === prefix.length || path[prefix.length] === '/')
}

/** A rule's path in the spelling that requests are matched in. */
export function normalisePathMatch(match: PathMatch): PathMatch {
  if (match.kind === 'regex') return match
  const normalised = normalisePath(match.value)
  const value = normalised.ok ? normalised.target : match.value
  if (match.kind === 'exact') return { kind: 'exact', value }
  return { kind: 'prefix', value: value.replace(/\/+$/, '') || '/' }
}

/** A pattern that is compiled when the first request needs it; one that is refused matches nothing. */
class Pattern {
  readonly #source: string
  readonly #literal: string
  #regex: Regex | null = null

  constructor(source: string) {
    this.#source = source
    this.#literal = literalPrefix(source)
  }

  test(text: string): boolean {
    if (!text.startsWith(this.#literal)) return false
    this.#regex ??= compileRegex(this.#source)
    return this.#regex.ok && this.#regex.test(text)
  }
}

/** One condition on a value, ready to be tried. */
export class Condition {
  readonly match: ValueMatch
  readonly #pattern: Pattern | null

  constructor(match: ValueMatch) {
    this.match = match
    this.#pattern = match.kind === 'regex' ? new Pattern(match.value) : null
  }

  /** @param actual null: the request has none. */
  holds(actual: string | null): boolean {
    if (actual === null) return false
    return this.#pattern === null ? actual === this.match.value : this.#pattern.test(actual)
  }
}

/** A route's match, ready to be tried. */
export class Matcher {
  readonly path: PathMatch
  readonly method: string | null
  readonly headers: readonly Condition[]
  readonly query: readonly Condition[]
  readonly #pattern: Pattern | null
  /** No other part has to hold. */
  readonly isPathOnly: boolean

  constructor(match: RouteMatch) {
    this.path = normalisePathMatch(match.path)
    this.method = match.method
    this.headers = match.headers.map(each => new Condition({ ...each, name: each.name.toLowerCase() }))
    this.query = match.query.map(each => new Condition(each))
    this.#pattern = match.path.kind === 'regex' ? new Pattern(match.path.value) : null
    this.isPathOnly = match.method === null && match.headers.length === 0 && match.query.length === 0
  }

  matchesPath(path: string): boolean {
    const { kind, value } = this.path
    if (this.#pattern !== null) return this.#pattern.test(path)
    return kind === 'exact' ? path === value : hasPrefix(path, value)
  }

  /** All but the path. */
  matchesRest(subject: Subject): boolean {
    if (this.isPathOnly) return true
    if (this.method !== null && this.method !== subject.method) return false
    for (const condition of this.headers) if (!condition.holds(subject.header(condition.match.name))) return false
    for (const condition of this.query) if (!condition.holds(subject.parameter(condition.match.name))) return false
    return true
  }

  matches(subject: Subject): boolean {
    return this.matchesPath(subject.path) && this.matchesRest(subject)
  }

  /** What a prefix rewrite replaces; empty: the rule does not match by prefix. */
  get matchedPrefix(): string {
    return this.path.kind === 'prefix' ? this.path.value : ''
  }
}
