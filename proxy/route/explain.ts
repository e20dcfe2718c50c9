import { FieldList } from '../http/fields.ts'
import { type DomainEntry, type DomainKind, DomainTable, normaliseAuthority } from './domain.ts'
import { type Condition, Matcher, Subject } from './matcher.ts'
import { normalisePath } from './normalise.ts'
import { compileRegex } from './regex.ts'
import type { PathMatch, Route, RouteEntry, VirtualHost } from './route.ts'

/** A request to be explained; nothing is sent. */
export interface ExplainRequest {
  readonly method: string
  readonly authority: string
  /** Origin form, query included; null for CONNECT. */
  readonly path: string | null
  /** Names in any case. */
  readonly headers: Iterable<readonly [string, string]>
}

/** Where a request would go, and why nowhere else. Plain JSON. */
export interface Explanation {
  /** As it is matched and forwarded; null: the path is refused with 400, and `reason` says why. */
  readonly path: string | null
  readonly query: string | null
  /** Null: nobody has the authority. */
  readonly virtualHost: { readonly name: string; readonly domain: string; readonly kind: DomainKind; readonly routes: number } | null
  /** Why this virtual host, or none, or why the path is refused: a sentence. */
  readonly reason: string
  /**
   * Routes before the match (all, where none matches), in order of precedence. Where they are more than the limit: first those whose path
   * matched, then others.
   */
  readonly rejected: readonly Rejection[]
  /** How many more there are. */
  readonly omitted: number
  /** Null: 404, flag NR. */
  readonly match: ExplainedMatch | null
}

/** Why one route did not match: the first of its parts that failed, and all of them in `message`. */
export interface Rejection {
  /** From 1, in order of precedence. */
  readonly position: number
  readonly name: string
  readonly origin: string
  readonly part: 'path' | 'method' | 'header' | 'query'
  /** Of the header or parameter; empty otherwise. */
  readonly field: string
  /** Null: the request has none. */
  readonly actual: string | null
  readonly expected: string
  /** `method is POST, needs GET; header x-user is "8", needs "7"`. */
  readonly message: string
}

export interface ExplainedMatch {
  /** From 1, in order of precedence. */
  readonly position: number
  readonly route: Route
  /** What matched, part by part: `path prefix /api`. */
  readonly matched: readonly string[]
  /** What a prefix rewrite would replace; empty: the rule does not match by prefix. */
  readonly matchedPrefix: string
}

/** Rejections that are listed; a person reads them. */
export const MAX_REJECTIONS = 50

/** Says where a request would go, by the same matchers that decide about real ones. Cost: every route up to the match. */
export function explainRoute(virtualHosts: readonly VirtualHost[], request: ExplainRequest): Explanation {
  const normalised = request.path === null ? { ok: true as const, path: '', query: null } : normalisePath(request.path)
  const entry = new DomainTable(virtualHosts).find(request.authority)
  const virtualHost = entry && { name: entry.host.name, domain: entry.domain, kind: entry.kind, routes: entry.host.routes.length }
  const base = { virtualHost, rejected: [], omitted: 0, match: null }
  if (!normalised.ok) return { ...base, path: null, query: null, reason: `the path is refused with 400: ${normalised.reason}` }
  const { path, query } = normalised
  if (entry === null) return { ...base, path, query, reason: `no virtual host has ${JSON.stringify(request.authority)}` }
  const headers = new FieldList([...request.headers].map(([name, value]) => [name.toLowerCase(), value] as const))
  const subject = new Subject(request.method, request.authority, path, query, headers)
  return { path, query, virtualHost, reason: domainReason(entry, request.authority), ...tryRoutes(entry.host.routes, subject) }
}

function tryRoutes(routes: readonly RouteEntry[], subject: Subject): Pick<Explanation, 'rejected' | 'omitted' | 'match'> {
  const near: Rejection[] = []
  const far: Rejection[] = []
  let rejectedCount = 0
  for (const [index, { match, route }] of routes.entries()) {
    const matcher = new Matcher(match)
    const [fault, ...others] = faultsOf(matcher, subject)
    if (fault === undefined) {
      const explained = { position: index + 1, route, matched: describeMatch(matcher), matchedPrefix: matcher.matchedPrefix }
      return { ...listed(near, far, rejectedCount), match: explained }
    }
    rejectedCount++
    const list = fault.part === 'path' ? far : near
    if (list.length < MAX_REJECTIONS)
      list.push({
        position: index + 1,
        name: route.name,
        origin: route.origin,
        ...fault,
        message: [fault, ...others].map(each => each.message).join('; '),
      })
  }
  return { ...listed(near, far, rejectedCount), match: null }
}

function listed(near: readonly Rejection[], far: readonly Rejection[], count: number): Pick<Explanation, 'rejected' | 'omitted'> {
  const rejected = [...near, ...far].slice(0, MAX_REJECTIONS).sort((a, b) => (count > MAX_REJECTIONS ? 0 : a.position - b.position))
  return { rejected, omitted: count - rejected.length }
}

type Fault = Pick<Rejection, 'part' | 'field' | 'actual' | 'expected' | 'message'>

function faultsOf(matcher: Matcher, subject: Subject): Fault[] {
  const faults: Fault[] = []
  if (!matcher.matchesPath(subject.path)) faults.push(fault('path', '', subject.path, describePath(matcher.path), fromRegex(matcher.path)))
  if (matcher.method !== null && matcher.method !== subject.method) faults.push(fault('method', '', subject.method, matcher.method))
  addConditionFaults(faults, 'header', matcher.headers, name => subject.header(name))
  addConditionFaults(faults, 'query', matcher.query, name => subject.parameter(name))
  return faults
}

function addConditionFaults(
  faults: Fault[],
  part: 'header' | 'query',
  conditions: readonly Condition[],
  actualOf: (name: string) => string | null,
): void {
  for (const condition of conditions) {
    const { name, kind, value } = condition.match
    const actual = actualOf(name)
    if (condition.holds(actual)) continue
    const expected = kind === 'exact' ? JSON.stringify(value) : `a match of ${JSON.stringify(value)}`
    faults.push(fault(part, name, actual, expected, fromRegex(condition.match)))
  }
}

function fault(part: Rejection['part'], field: string, actual: string | null, expected: string, note = ''): Fault {
  const subject = part === 'query' ? `query parameter ${field}` : `${part} ${field}`.trimEnd()
  const is = actual === null ? 'is missing' : `is ${part === 'method' ? actual : JSON.stringify(actual)}`
  return { part, field, actual, expected, message: `${subject} ${is}, needs ${expected}${note}` }
}

/** A pattern that is refused can't match: that is the reason, then. */
function fromRegex(match: PathMatch | { readonly kind: 'exact' | 'regex'; readonly value: string }): string {
  if (match.kind !== 'regex') return ''
  const regex = compileRegex(match.value)
  return regex.ok ? '' : ` (which is refused: ${regex.message})`
}

function describePath(path: PathMatch): string {
  if (path.kind === 'regex') return `a match of ${JSON.stringify(path.value)}`
  return path.kind === 'exact' ? `exactly ${JSON.stringify(path.value)}` : `the prefix ${JSON.stringify(path.value)}`
}

function describeMatch({ path, method, headers, query }: Matcher): string[] {
  const kinds = { exact: 'exact', prefix: 'prefix', regex: 'pattern' }
  const value = ({ match }: Condition) => `${match.name} ${match.kind === 'exact' ? 'is' : 'matches'} ${JSON.stringify(match.value)}`
  return [
    `path ${kinds[path.kind]} ${path.value}`,
    ...(method === null ? [] : [`method ${method}`]),
    ...headers.map(each => `header ${value(each)}`),
    ...query.map(each => `query parameter ${value(each)}`),
  ]
}

function domainReason({ domain, kind }: DomainEntry<VirtualHost>, authority: string): string {
  const name = normaliseAuthority(authority)
  if (kind === 'exact') return `${name} is its domain ${domain}`
  if (kind === 'any') return `no other virtual host has ${name}, and this one has the domain *`
  return `${name} is none's exact domain, and its longest ${kind} is ${domain}`
}
