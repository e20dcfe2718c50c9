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
    const candidate = index.first(new Subject(head.method, authority, path, query, head.headers))
    this.#examined += index.examined
    if (candidate === null) {
      return {
        ok: false,
        reason: 'route',
        virtualHost,
        message: `none of the ${virtualHost.routes.length} routes of ${virtualHost.name} matches`,
      }
    }
    const { entry, matchedPrefix } = candidate
    return { ok: true, virtualHost, entry, route: entry.route, matchedPrefix, path, query, target }
  }
}

const NO_PATH = { ok: true, path: '', query: null, target: null } as const

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

/** One route, in a list of those that share a path; the list is in order of position. One object, because with many routes each step is a cache miss. */
class Candidate {
  readonly position: number
  readonly entry: RouteEntry
  readonly matchedPrefix: string
  /** Null: only the path counts. */
  readonly rest: Matcher | null
  next: Candidate | null = null

  constructor(position: number, entry: RouteEntry, matcher: Matcher) {
    this.position = position
    this.entry = entry
    this.matchedPrefix = matcher.matchedPrefix
    this.rest = matcher.isPathOnly ? null : matcher
  }
}

/** The routes of one virtual host by what their path begins with. */
class RouteIndex {
  /** Candidates that the last call of `first` looked at. */
  examined = 0
  readonly #exact = new Map<string, Candidate>()
  readonly #prefixes = new Map<string, Candidate>()
  /** 1 at each length that some prefix has: other ends of segments are not looked up. */
  readonly #prefixLengths: Uint8Array
  readonly #catchAll: Candidate | null
  readonly #patterns: (readonly [Candidate, Matcher])[] = []

  constructor(routes: readonly RouteEntry[]) {
    let longest = 0
    // From the last to the first, so that each list grows at its head.
    for (let position = routes.length - 1; position >= 0; position--) {
      const entry = routes[position] as RouteEntry
      const matcher = new Matcher(entry.match)
      const candidate = new Candidate(position, entry, matcher)
      const { kind, value } = matcher.path
      if (kind === 'regex') this.#patterns.push([candidate, matcher])
      else if (kind === 'exact') prepend(this.#exact, value, candidate)
      else {
        prepend(this.#prefixes, value, candidate)
        longest = Math.max(longest, value.length)
      }
    }
    this.#patterns.reverse()
    this.#catchAll = this.#prefixes.get('/') ?? null
    this.#prefixes.delete('/')
    this.#prefixLengths = new Uint8Array(longest + 1)
    for (const prefix of this.#prefixes.keys()) this.#prefixLengths[prefix.length] = 1
  }

  /** The first route that matches; null: none does. */
  first(subject: Subject): Candidate | null {
    this.examined = 0
    let best = this.#firstOf(this.#exact.get(subject.path), subject, null)
    best = this.#firstPrefix(subject, best)
    best = this.#firstOf(this.#catchAll, subject, best)
    for (const [candidate, matcher] of this.#patterns) {
      if (best !== null && candidate.position >= best.position) break
      this.examined++
      if (matcher.matches(subject)) return candidate
    }
    return best
  }

  #firstPrefix(subject: Subject, known: Candidate | null): Candidate | null {
    const { path } = subject
    const lengths = this.#prefixLengths
    let best = known
    for (let end = 0; end < path.length; ) {
      const slash = path.indexOf('/', end + 1)
      end = slash === -1 ? path.length : slash
      if (end >= lengths.length) break
      if (lengths[end] === 1) best = this.#firstOf(this.#prefixes.get(path.slice(0, end)), subject, best)
    }
    return best
  }

  /** Of candidates whose path is known to match: the first before `known` whose other parts match too, else `known`. */
  #firstOf(list: Candidate | null | undefined, subject: Subject, known: Candidate | null): Candidate | null {
    for (let each = list ?? null; each !== null; each = each.next) {
      if (known !== null && each.position >= known.position) break
      this.examined++
      if (each.rest === null || each.rest.matchesRest(subject)) return each
    }
    return known
  }
}

function prepend(lists: Map<string, Candidate>, key: string, candidate: Candidate): void {
  candidate.next = lists.get(key) ?? null
  lists.set(key, candidate)
}
