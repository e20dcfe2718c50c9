import type { HeaderModifier, Modifiers, PathModifier, RouteAction } from '../../proxy/route/route.ts'
import type { HTTPHeaderFilter, HTTPPathModifier, HTTPRouteFilter } from '../model/document.ts'

/** What the filters of a rule, or of a backendRef, change; null: nothing. */
export function modifiersOf(filters: readonly HTTPRouteFilter[] | undefined): Modifiers | null {
  let request: HeaderModifier | null = null
  let response: HeaderModifier | null = null
  let host: string | null = null
  let path: PathModifier | null = null
  for (const filter of filters ?? []) {
    if (filter.type === 'RequestHeaderModifier') request = headerModifier(filter.requestHeaderModifier)
    else if (filter.type === 'ResponseHeaderModifier') response = headerModifier(filter.responseHeaderModifier)
    else if (filter.type === 'URLRewrite') {
      host = filter.urlRewrite.hostname ?? null
      path = pathModifier(filter.urlRewrite.path)
    }
  }
  if (request === null && response === null && host === null && path === null) return null
  return { request, response, host, path }
}

function headerModifier(filter: HTTPHeaderFilter): HeaderModifier {
  const pairs = (list: HTTPHeaderFilter['set']) => (list ?? []).map(({ name, value }) => [name.toLowerCase(), value] as const)
  return { set: pairs(filter.set), add: pairs(filter.add), remove: (filter.remove ?? []).map(name => name.toLowerCase()) }
}

function pathModifier(path: HTTPPathModifier | undefined): PathModifier | null {
  if (path === undefined) return null
  if (path.type === 'ReplaceFullPath') return { kind: 'full', value: path.replaceFullPath ?? '/' }
  return { kind: 'prefix', value: path.replacePrefixMatch ?? '/' }
}

/** The redirect that a rule answers with; null: it has none. */
export function redirectOf(filters: readonly HTTPRouteFilter[] | undefined): RouteAction | null {
  for (const filter of filters ?? []) {
    if (filter.type !== 'RequestRedirect') continue
    const { scheme, hostname, port, statusCode, path } = filter.requestRedirect
    return {
      kind: 'redirect',
      status: statusCode ?? 302,
      scheme: scheme ?? null,
      host: hostname ?? null,
      port: port ?? null,
      path: pathModifier(path),
    }
  }
  return null
}
