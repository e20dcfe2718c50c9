import { FieldList } from '../../../proxy/http/fields.ts'
import type { RequestHead } from '../../../proxy/http/head.ts'
import {
  DEFAULT_TIMEOUTS,
  type Route,
  type RouteAction,
  type RouteEntry,
  type RouteMatch,
  type VirtualHost,
} from '../../../proxy/route/route.ts'
import { type Random, seededRandom } from '../../../proxy/util/random.ts'

/** A match of `GET /api`-like parts; what is left out matches everything. */
export function match(parts: Partial<RouteMatch> = {}): RouteMatch {
  return { path: { kind: 'prefix', value: '/' }, method: null, headers: [], query: [], ...parts }
}

export const exact = (value: string, parts: Partial<RouteMatch> = {}) => match({ path: { kind: 'exact', value }, ...parts })
export const prefix = (value: string, parts: Partial<RouteMatch> = {}) => match({ path: { kind: 'prefix', value }, ...parts })
export const regex = (value: string, parts: Partial<RouteMatch> = {}) => match({ path: { kind: 'regex', value }, ...parts })
export const is = (name: string, value: string) => ({ name, kind: 'exact' as const, value })
export const like = (name: string, value: string) => ({ name, kind: 'regex' as const, value })

/** A route that is known by its name. */
export function entry(name: string, of: RouteMatch): RouteEntry {
  const action: RouteAction = { kind: 'forward', clusters: [{ cluster: name, weight: 1, modifiers: null }] }
  const route: Route = {
    name,
    origin: `routes.yaml:${name}`,
    origins: {},
    action,
    modifiers: null,
    timeouts: DEFAULT_TIMEOUTS,
    retry: null,
  }
  return { match: of, route }
}

export function host(domains: readonly string[], routes: readonly RouteEntry[], name = domains[0] ?? 'none'): VirtualHost {
  return { name, domains, routes }
}

export function head(
  method: string,
  path: string | null,
  headers: readonly (readonly [string, string])[] = [],
  authority = 'orders',
): RequestHead {
  return {
    method,
    scheme: 'http',
    authority,
    path,
    protocol: 'HTTP/1.1',
    upgrade: null,
    trailersAccepted: false,
    isAbsoluteForm: false,
    headers: new FieldList(headers),
  }
}

/** The same numbers in every run. */
export function numbers(seed: number): Random & { below(limit: number): number; pick<T>(list: readonly T[]): T } {
  const random = seededRandom(new Uint8Array(16).fill(seed))
  const below = (limit: number) => random.uint32() % limit
  return { uint32: () => random.uint32(), below, pick: list => list[below(list.length)]! }
}
