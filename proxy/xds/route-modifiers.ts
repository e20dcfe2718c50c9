/**
 * How the changes to heads of a `Route`, or of a `ClusterWeight`, become modifiers:
 *
 * | field | here |
 * | --- | --- |
 * | request_headers_to_add, response_headers_to_add with append_action OVERWRITE_IF_EXISTS_OR_ADD | set |
 * | the same with APPEND_IF_EXISTS_OR_ADD | add; other append actions are faults |
 * | request_headers_to_remove, response_headers_to_remove | remove |
 * | host_rewrite_literal | host |
 * | prefix_rewrite | path prefix: replaces what the rule's prefix matched |
 * | regex_rewrite with the pattern `^.*$` or `^/.*$` | path full; the substitution is the path, with `\\` for `\`. Other patterns are faults |
 */
import { type HeaderValueOption, HeaderValueOption_HeaderAppendAction } from '../../protos/gen/envoy/config/core/v3/base_pb.ts'
import type { RegexMatchAndSubstitute } from '../../protos/gen/envoy/type/matcher/v3/regex_pb.ts'
import type { HeaderModifier, Modifiers, PathModifier } from '../route/route.ts'
import type { Place } from './faults.ts'

/** Patterns of a regex_rewrite that replace the whole path: the only ones that are spoken. */
export const WHOLE_PATH = ['^.*$', '^/.*$']

/** A field name (RFC 9110 section 5.1). */
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/
/** A field value without controls (RFC 9110 section 5.5). */
// biome-ignore lint/suspicious/noControlCharactersInRegex: controls are what it refuses
const VALUE = /^[^\u0000-\u0008\u000a-\u001f\u007f]*$/

/** What `Route` and `ClusterWeight` have alike. */
interface HeaderChanges {
  readonly requestHeadersToAdd: readonly HeaderValueOption[]
  readonly requestHeadersToRemove: readonly string[]
  readonly responseHeadersToAdd: readonly HeaderValueOption[]
  readonly responseHeadersToRemove: readonly string[]
}

/** Null where nothing is changed. */
export function readModifiers(changes: HeaderChanges, host: string | null, path: PathModifier | null, place: Place): Modifiers | null {
  const request = readHeaders(changes.requestHeadersToAdd, changes.requestHeadersToRemove, 'request', place)
  const response = readHeaders(changes.responseHeadersToAdd, changes.responseHeadersToRemove, 'response', place)
  if (host !== null && (host === '' || !VALUE.test(host))) place.at('host_rewrite_literal').fault(`${JSON.stringify(host)} is no host`)
  if (request === null && response === null && host === null && path === null) return null
  return { request, response, host, path }
}

function readHeaders(
  options: readonly HeaderValueOption[],
  removed: readonly string[],
  side: 'request' | 'response',
  place: Place,
): HeaderModifier | null {
  if (options.length === 0 && removed.length === 0) return null
  const set: (readonly [string, string])[] = []
  const add: (readonly [string, string])[] = []
  for (const [index, option] of options.entries()) {
    const at = place.at(`${side}_headers_to_add`).at(index)
    const name = readName(option.header?.key ?? '', at.at('header').at('key'))
    const value = option.header?.value ?? ''
    if (!VALUE.test(value)) at.at('header').at('value').fault('holds control characters')
    if (option.appendAction === HeaderValueOption_HeaderAppendAction.OVERWRITE_IF_EXISTS_OR_ADD) set.push([name, value])
    else if (option.appendAction === HeaderValueOption_HeaderAppendAction.APPEND_IF_EXISTS_OR_ADD) add.push([name, value])
    else at.at('append_action').fault('is not in effect in this version')
  }
  const remove = removed.map((name, index) => readName(name, place.at(`${side}_headers_to_remove`).at(index)))
  return { set, add, remove }
}

function readName(name: string, place: Place): string {
  if (!TOKEN.test(name)) place.fault(`${JSON.stringify(name)} is no field name`)
  return name.toLowerCase()
}

/** The path's rewrite of a `RouteAction` or `RedirectAction`; null where there is none. */
export function readPathModifier(prefix: string, regex: RegexMatchAndSubstitute | undefined, place: Place): PathModifier | null {
  if (regex !== undefined) {
    const pattern = regex.pattern?.regex ?? ''
    if (!WHOLE_PATH.includes(pattern))
      place
        .at('regex_rewrite')
        .at('pattern')
        .fault(`${JSON.stringify(pattern)} is not in effect in this version; ${WHOLE_PATH[0]} is`)
    return checkPath({ kind: 'full', value: regex.substitution.replaceAll('\\\\', '\\') }, place.at('regex_rewrite').at('substitution'))
  }
  return prefix === '' ? null : checkPath({ kind: 'prefix', value: prefix }, place.at('prefix_rewrite'))
}

/** The same modifier; a fault where it is no path. */
export function checkPath(path: PathModifier, place: Place): PathModifier {
  // What would end a request line or begin a query or fragment is no part of a path.
  if (!path.value.startsWith('/') || /[^\u0021-\u007e]|[?#]/.test(path.value))
    place.fault(`${JSON.stringify(path.value)} is no path: it begins with / and is visible ASCII without ? and #`)
  return path
}
