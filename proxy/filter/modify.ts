import type { Fields } from '../http/fields.ts'
import type { RequestHead } from '../http/head.ts'
import type { HeaderModifier, Modifiers, PathModifier, Route } from '../route/route.ts'

/** Changes fields in the Gateway API's order: set, add, remove. */
export function modifyFields(headers: Fields, modifier: HeaderModifier): void {
  for (const [name, value] of modifier.set) headers.set(name, value)
  for (const [name, value] of modifier.add) headers.append(name, value)
  for (const name of modifier.remove) headers.delete(name)
}

/** Changes a request as the modifiers of a rule, or of a backendRef, say. `host` is a field for them too: it is the authority. */
export function modifyRequest(head: RequestHead, modifiers: Modifiers, matchedPrefix: string): void {
  if (modifiers.request !== null) {
    modifyFields(head.headers, modifiers.request)
    const host = head.headers.get('host')
    if (host !== null) {
      head.headers.delete('host')
      head.authority = host
    }
  }
  if (modifiers.host !== null) head.authority = modifiers.host
  if (modifiers.path !== null && head.path !== null) head.path = modifyPath(head.path, modifiers.path, matchedPrefix)
}

/** The new path; the query stays. @param matchedPrefix what the rule's prefix matched, without a trailing slash unless it is `/`. */
export function modifyPath(path: string, modifier: PathModifier, matchedPrefix: string): string {
  const queryAt = path.indexOf('?')
  const query = queryAt === -1 ? '' : path.slice(queryAt)
  if (modifier.kind === 'full') return `${modifier.value === '' ? '/' : modifier.value}${query}`
  const rest = (queryAt === -1 ? path : path.slice(0, queryAt)).slice(matchedPrefix === '/' ? 0 : matchedPrefix.length)
  const start = modifier.value.endsWith('/') ? modifier.value.slice(0, -1) : modifier.value
  const joined = rest === '/' && modifier.value.endsWith('/') ? modifier.value : `${start}${rest}`
  return `${joined === '' ? '/' : joined}${query}`
}

type Redirect = Extract<Route['action'], { kind: 'redirect' }>

const DEFAULT_PORT = { http: 80, https: 443 } as const

/** Where a redirect leads. Its port: its own; else the default of a scheme that it sets; else that of the request (Gateway API). */
export function redirectLocation(head: RequestHead, redirect: Redirect, matchedPrefix: string): string {
  const portAt = /:\d+$/.exec(head.authority)?.index ?? head.authority.length
  const scheme = redirect.scheme ?? head.scheme
  const host = redirect.host ?? head.authority.slice(0, portAt)
  const requestPort = head.authority.slice(portAt + 1)
  const port = redirect.port ?? (redirect.scheme !== null || requestPort === '' ? DEFAULT_PORT[scheme] : Number(requestPort))
  const path = head.path ?? '/'
  const target = redirect.path === null ? path : modifyPath(path, redirect.path, matchedPrefix)
  return `${scheme}://${host}${port === DEFAULT_PORT[scheme] ? '' : `:${port}`}${target}`
}
