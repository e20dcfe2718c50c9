import type { Fields } from '../http/fields.ts'
import type { RequestHead, ResponseHead } from '../http/head.ts'
import type { HeaderModifier, Modifiers, PathModifier, RouteAction } from './route.ts'

/** Fields that say how a message is framed or where it goes: a route that changed them would desynchronize the next hop. */
const PROTECTED = new Set([
  'connection',
  'content-length',
  'host',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

/** Whether a header modifier may name a field. The others are left alone here, and refused where documents are checked. */
export function isModifiable(name: string): boolean {
  return !PROTECTED.has(name) && !name.startsWith(':')
}

/**
 * Applies a route's, or a backendRef's, changes to a request. The head must be the attempt's own copy, with its path normalised.
 * @param matchedPrefix what the rule's prefix matched; empty: it did not match by prefix, and prefix rewrites do nothing.
 */
export function modifyRequest(modifiers: Modifiers, head: RequestHead, matchedPrefix: string): void {
  if (modifiers.request !== null) modifyFields(modifiers.request, head.headers)
  if (modifiers.host !== null) head.authority = modifiers.host
  if (modifiers.path !== null && head.path?.startsWith('/')) head.path = modifyTarget(modifiers.path, head.path, matchedPrefix)
}

/** Applies a route's, or a backendRef's, changes to a response. */
export function modifyResponse(modifiers: Modifiers, head: ResponseHead): void {
  if (modifiers.response !== null) modifyFields(modifiers.response, head.headers)
}

/** In the Gateway API's order: set, add, remove. */
function modifyFields(modifier: HeaderModifier, fields: Fields): void {
  for (const [name, value] of modifier.set) if (isModifiable(name)) fields.set(name, value)
  for (const [name, value] of modifier.add) if (isModifiable(name)) fields.append(name, value)
  for (const name of modifier.remove) if (isModifiable(name)) fields.delete(name)
}

/** A target in origin form with its path replaced. The query stays. */
export function modifyTarget(modifier: PathModifier, target: string, matchedPrefix: string): string {
  const question = target.indexOf('?')
  const path = question === -1 ? target : target.slice(0, question)
  const query = question === -1 ? '' : target.slice(question)
  if (modifier.kind === 'prefix') return matchedPrefix === '' ? target : replacePrefix(path, matchedPrefix, modifier.value) + query
  const full = modifier.value.startsWith('/') ? modifier.value : `/${modifier.value}`
  return full.includes('?') && query !== '' ? `${full}&${query.slice(1)}` : full + query
}

/** ReplacePrefixMatch: by segments, so a slash that ends the prefix or its replacement says nothing (Gateway API, HTTPPathModifier). */
function replacePrefix(path: string, prefix: string, replacement: string): string {
  const rest = path.slice(prefix.replace(/\/+$/, '').length)
  const replaced = replacement.replace(/\/+$/, '') + rest
  return replaced.startsWith('/') ? replaced : `/${replaced}`
}

type Redirect = Extract<RouteAction, { readonly kind: 'redirect' }>

/**
 * The Location of a redirect (Gateway API, RequestRedirect); the path of `head` is normalised.
 * The port is the action's; else, with a scheme, that scheme's own; else the one that the request named. A scheme's own port is left out.
 */
export function redirectLocation(
  action: Redirect,
  head: Pick<RequestHead, 'scheme' | 'authority' | 'path'>,
  matchedPrefix: string,
): string {
  const scheme = action.scheme ?? head.scheme
  const requested = splitAuthority(head.authority)
  const port = action.port ?? (action.scheme === null ? requested.port : null)
  const host = action.host ?? requested.host
  const target = head.path?.startsWith('/') ? head.path : '/'
  const path = action.path === null ? target : modifyTarget(action.path, target, matchedPrefix)
  return `${scheme}://${host}${port === null || port === WELL_KNOWN[scheme] ? '' : `:${port}`}${path}`
}

const WELL_KNOWN = { http: 80, https: 443 } as const

/** Host (an IPv6 literal keeps its brackets) and port; null: none is named. */
function splitAuthority(authority: string): { readonly host: string; readonly port: number | null } {
  const parts = /^(.*):(\d{1,5})?$/.exec(authority)
  if (parts === null || (authority.startsWith('[') && !parts[1]?.endsWith(']'))) return { host: authority, port: null }
  return { host: parts[1] ?? '', port: parts[2] === undefined ? null : Number(parts[2]) }
}
