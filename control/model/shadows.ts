import { type Document, documentName, type HTTPRouteMatch, type HTTPRouteRule, type HTTPRouteSpec } from './document.ts'
import { fullName, type Known, referredName } from './known.ts'
import type { Report } from './schema.ts'

/** A match and where it stands. */
interface Placed {
  readonly match: HTTPRouteMatch
  readonly rule: number
  /** Null: the rule has no matches, which is one for all. */
  readonly index: number | null
}

/** Without matches, a rule takes everything (Gateway API). */
const EVERYTHING: HTTPRouteMatch = {}

/**
 * Matches of all routes by parent and what they take, to find those that can never be reached: another one takes the same requests and comes
 * before. What differs in precedence by the Gateway API's order (a longer path, more conditions) is reached, whatever the order of the rules.
 */
export class Shadows {
  readonly #owners = new Map<string, { readonly route: string; readonly rule: number }[]>()

  constructor(known: Known) {
    for (const route of known.routes.values()) {
      for (const placed of matchesOf(route.spec.rules)) {
        for (const key of keysOf(route, placed.match)) {
          const owners = this.#owners.get(key)
          if (owners === undefined) this.#owners.set(key, [{ route: fullName(route.metadata), rule: placed.rule }])
          else if (owners.length < MAX_OWNERS) owners.push({ route: fullName(route.metadata), rule: placed.rule })
        }
      }
    }
  }

  /** Warns of the shadowed matches of one route. */
  check(route: Document<HTTPRouteSpec>, report: Report): void {
    const own = fullName(route.metadata)
    for (const { match, rule, index } of matchesOf(route.spec.rules)) {
      const owners = keysOf(route, match).flatMap(key => this.#owners.get(key) ?? [])
      const path = ['spec', 'rules', rule, ...(index === null ? [] : ['matches', index])]
      const earlier = owners.find(owner => owner.route === own && owner.rule < rule)
      const other = owners.find(owner => owner.route !== own)
      if (earlier !== undefined) {
        report.warning(path, match, `is never reached: rules[${earlier.rule}] has the same match`, 'a match of its own')
      } else if (other !== undefined) {
        const message = `${documentName({ kind: 'HTTPRoute', metadata: nameParts(other.route) })} rules[${other.rule}] has the same match: the older route holds`
        report.warning(path, match, message, 'a match of its own')
      }
    }
  }
}

/** Owners of one match that are remembered: two are enough to name another one. */
const MAX_OWNERS = 3

function nameParts(name: string): { readonly namespace: string; readonly name: string } {
  const [namespace = '', rest = ''] = name.split('/')
  return { namespace, name: rest }
}

function keysOf(route: Document<HTTPRouteSpec>, match: HTTPRouteMatch): string[] {
  const taken = canonical(match)
  return route.spec.parentRefs.map(parent => `${referredName(parent, route)} ${parent.port ?? ''} ${parent.sectionName ?? ''} ${taken}`)
}

function* matchesOf(rules: readonly HTTPRouteRule[]): Generator<Placed> {
  for (const [rule, { matches }] of rules.entries()) {
    if (matches === undefined || matches.length === 0) yield { match: EVERYTHING, rule, index: null }
    else for (const [index, match] of matches.entries()) yield { match, rule, index }
  }
}

/** The same text for matches that take the same requests. */
function canonical(match: HTTPRouteMatch): string {
  const { type = 'PathPrefix', value = '/' } = match.path ?? {}
  const path = type === 'PathPrefix' && value.length > 1 ? value.replace(/\/$/, '') : value
  const conditions = (list: HTTPRouteMatch['headers'], fold: (name: string) => string) =>
    (list ?? []).map(condition => [fold(condition.name), condition.type ?? 'Exact', condition.value].join('\0')).sort()
  return JSON.stringify([
    type,
    path,
    match.method ?? null,
    conditions(match.headers, name => name.toLowerCase()),
    conditions(match.queryParams, name => name),
  ])
}
