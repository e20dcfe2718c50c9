import type { RequestHead } from '../http/head.ts'
import { type DomainEntry, DomainTable } from './domain.ts'
import { Matcher, Subject } from './matcher.ts'
import { normalisePath } from './normalise.ts'
import type { Route, RouteEntry, VirtualHost } from './route.ts'

/** Where a request goes. */
export interface Found {
  readonly ok: true
  readonly virtualHost: VirtualHost
  readonly entry: RouteEntry
  readonly route: Route
  /** What the rule's prefix matched, for prefix rewrites; empty: it did not match by prefix. */
  readonly matchedPrefix: string
  /** Normalised, without query; empty for CONNECT. */
  readonly path: string
  readonly query: string | null
  /** Path and query as they are forwarded; null for CONNECT. */
  readonly target: string | null
}

/** Why a request goes nowhere. `host`: no virtual host has its authority. `route`: none of its routes matches. `path`: it is malformed (400). */
export interface NotFound {
  readonly ok: false
  readonly reason: 'host' | 'route' | 'path'
  readonly virtualHost: VirtualHost | null
  /** For the log. */
  readonly message: string
}

/** All virtual hosts of one snapshot. The first route in order that matches is taken, however many there are. */
export class RouteTable {
  readonly #domains: DomainTable<VirtualHost>
  #examined = 0

  constructor(virtualHosts: readonly VirtualHost[]) {
    this.#domains = new DomainTable(virtualHosts)
  }

  /** Routes whose conditions, or pattern, were looked at since the table was made. */
  get examined(): number {
    return this.#examined
  }

  /** Whose an authority is; null: nobody's. For CONNECT, whose routes are looked up only once it is known what is in the tunnel. */
  findHost(authority: string): DomainEntry<VirtualHost> | null {
    return this.#domains.find(authority)
  }

  /**
   * Where a request to `authority` goes. Cost: a few map look-ups, however many routes have an exact path or a prefix; routes of one and the
   * same path, and those with a pattern, are tried one by one.
   */
  find(authority: string, head: Pick<RequestHead, 'method' | 'path' | 'headers'>): Found | NotFound {
    const host = this.#domains.find(authority)
    if (host === null) return { ok: false, reason: 'host', virtualHost: null, message: `no virtual host has ${authority}` }
    const virtualHost = host.host
    const normalised = head.path === null ? NO_PATH : normalisePath(head.path)
    if (!normalised.ok) return { ok: false, reason: 'path', virtualHost, message: normalised.reason }
    const { path, query, target } = normalised
    const index = indexOf(virtualHost)
    const subject = new Subject(head.method, authority, path, query, head.headers)
    const position = index.first(subject)
    this.#examined += index.examined
    const entry = virtualHost.routes[position]
    if (entry === undefined) {
      return {
        ok: false,
        reason: 'route',
        virtualHost,
        message: `none of the ${virtualHost.routes.length} routes of ${virtualHost.name} matches`,
      }
    }
    const { matchedPrefix } = index.matchers[position] as Matcher
    return { ok: true, virtualHost, entry, route: entry.route, matchedPrefix, path, query, target }
  }
}

const NO_PATH = { ok: true, path: '', query: null, target: null } as const
const NONE: readonly number[] = []

/** Indexes outlive tables: a virtual host that did not change is the same object in the next snapshot. Made when the first request needs it. */
const indexes = new WeakMap<VirtualHost, RouteIndex>()

function indexOf(virtualHost: VirtualHost): RouteIndex {
  let index = indexes.get(virtualHost)
  if (index === undefined) {
    index = new RouteIndex(virtualHost.routes)
    indexes.set(virtualHost, index)
  }
  return index
}

/** The routes of one virtual host by what their path begins with. Lists hold positions, in ascending order. */
class RouteIndex {
  readonly matchers: readonly Matcher[]
  /** By the last call of `first`. */
  examined = 0
  readonly #exact = new Map<string, number[]>()
  readonly #prefixes = new Map<string, number[]>()
  /** 1 at each length that some prefix has: other ends of segments are not looked up. */
  readonly #prefixLengths: Uint8Array
  readonly #catchAll: number[] = []
  readonly #patterns: number[] = []

  constructor(routes: readonly RouteEntry[]) {
    this.matchers = routes.map(({ match }) => new Matcher(match))
    let longest = 0
    this.matchers.forEach(({ path: { kind, value } }, position) => {
      if (kind === 'regex') this.#patterns.push(position)
      else if (kind === 'exact') append(this.#exact, value, position)
      else if (value === '/') this.#catchAll.push(position)
      else {
        append(this.#prefixes, value, position)
        longest = Math.max(longest, value.length)
      }
    })
    this.#prefixLengths = new Uint8Array(longest + 1)
    for (const prefix of this.#prefixes.keys()) this.#prefixLengths[prefix.length] = 1
  }

  /** Position of the first route that matches; the number of routes: none does. */
  first(subject: Subject): number {
    this.examined = 0
    const { path } = subject
    let best = this.#firstOf(this.#exact.get(path) ?? NONE, subject, this.matchers.length)
    best = this.#firstPrefix(subject, best)
    best = this.#firstOf(this.#catchAll, subject, best)
    for (const position of this.#patterns) {
      if (position >= best) break
      this.examined++
      if (this.matchers[position]?.matches(subject) === true) return position
    }
    return best
  }

  #firstPrefix(subject: Subject, limit: number): number {
    const { path } = subject
    const lengths = this.#prefixLengths
    let best = limit
    for (let end = 0; end < path.length; ) {
      const slash = path.indexOf('/', end + 1)
      end = slash === -1 ? path.length : slash
      if (end >= lengths.length) break
      if (lengths[end] === 1) best = this.#firstOf(this.#prefixes.get(path.slice(0, end)) ?? NONE, subject, best)
    }
    return best
  }

  /** Of positions whose path is known to match: the first below `limit` whose other parts match too, else `limit`. */
  #firstOf(positions: readonly number[], subject: Subject, limit: number): number {
    for (const position of positions) {
      if (position >= limit) break
      this.examined++
      if (this.matchers[position]?.matchesRest(subject) === true) return position
    }
    return limit
  }
}

function append(lists: Map<string, number[]>, key: string, position: number): void {
  const list = lists.get(key)
  if (list === undefined) lists.set(key, [position])
  else list.push(position)
}
