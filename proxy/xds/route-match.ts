/**
 * How `RouteMatch` becomes a match:
 *
 * | field | here |
 * | --- | --- |
 * | path | path exact |
 * | path_separated_prefix; prefix `/` | path prefix (by segment); any other `prefix` is a fault, since it is not by segment |
 * | safe_regex | path regex, against the whole path |
 * | headers `:method` string_match exact | method |
 * | other headers string_match exact or safe_regex | headers, names in lower case |
 * | query_parameters string_match exact or safe_regex | query |
 * | case_sensitive false, runtime_fraction, invert_match, present_match, other string matches, ignore_case | faults |
 */
import type {
  HeaderMatcher,
  QueryParameterMatcher,
  RouteMatch as RouteMatchMessage,
} from '../../protos/gen/envoy/config/route/v3/route_components_pb.ts'
import type { StringMatcher } from '../../protos/gen/envoy/type/matcher/v3/string_pb.ts'
import { compileRegex } from '../route/regex.ts'
import type { PathMatch, RouteMatch, ValueMatch } from '../route/route.ts'
import type { Place } from './faults.ts'

/** Reads what a request must be like. */
export function readMatch(message: RouteMatchMessage | undefined, place: Place): RouteMatch {
  const none: RouteMatch = { path: { kind: 'prefix', value: '/' }, method: null, headers: [], query: [] }
  if (message === undefined) {
    place.fault('is missing')
    return none
  }
  if (message.caseSensitive === false) place.at('case_sensitive').fault('false is not in effect in this version')
  if (message.runtimeFraction !== undefined) place.at('runtime_fraction').fault('is not in effect in this version')
  const headers = message.headers.map((each, index) => readHeader(each, place.at('headers').at(index)))
  return {
    path: readPath(message, place),
    method: headers.find(each => each.name === ':method')?.value ?? null,
    headers: headers.filter(each => each.name !== ':method'),
    query: message.queryParameters.map((each, index) => readQuery(each, place.at('query_parameters').at(index))),
  }
}

function readPath(message: RouteMatchMessage, place: Place): PathMatch {
  const { case: kind, value } = message.pathSpecifier
  switch (kind) {
    case 'path':
      return { kind: 'exact', value }
    case 'prefix':
      if (value !== '/') place.at('prefix').fault(`${JSON.stringify(value)} is not by segment: only / is; use path_separated_prefix`)
      return { kind: 'prefix', value: '/' }
    case 'pathSeparatedPrefix':
      if (!value.startsWith('/') || value.endsWith('/') || /[?#]/.test(value))
        place.at('path_separated_prefix').fault(`${JSON.stringify(value)} does not begin with /, or ends with one, or holds ? or #`)
      return { kind: 'prefix', value }
    case 'safeRegex':
      checkRegex(value.regex, place.at('safe_regex').at('regex'))
      return { kind: 'regex', value: value.regex }
    default:
      place.fault('has no path, prefix or safe_regex')
      return { kind: 'prefix', value: '/' }
  }
}

function readHeader(message: HeaderMatcher, place: Place): ValueMatch {
  const name = message.name.toLowerCase()
  if (name === '') place.at('name').fault('is missing')
  if (message.invertMatch) place.at('invert_match').fault('is not in effect in this version')
  const match = readValue(name, message.headerMatchSpecifier.case, message.headerMatchSpecifier.value, place)
  if (name.startsWith(':') && (name !== ':method' || match.kind !== 'exact')) place.fault(`${name} is matched only as :method, and exactly`)
  return match
}

function readQuery(message: QueryParameterMatcher, place: Place): ValueMatch {
  if (message.name === '') place.at('name').fault('is missing')
  const { case: kind, value } = message.queryParameterMatchSpecifier
  return readValue(message.name, kind, value, place)
}

function readValue(name: string, kind: string | undefined, value: StringMatcher | boolean | undefined, place: Place): ValueMatch {
  const none: ValueMatch = { name, kind: 'exact', value: '' }
  if (kind !== 'stringMatch' || typeof value !== 'object') {
    place.fault(kind === undefined ? 'has no string_match' : 'present_match is not in effect in this version')
    return none
  }
  const at = place.at('string_match')
  if (value.ignoreCase) at.at('ignore_case').fault('is not in effect in this version')
  const pattern = value.matchPattern
  if (pattern.case === 'exact') return { name, kind: 'exact', value: pattern.value }
  if (pattern.case === 'safeRegex') {
    checkRegex(pattern.value.regex, at.at('safe_regex').at('regex'))
    return { name, kind: 'regex', value: pattern.value.regex }
  }
  at.fault(`${pattern.case ?? 'no pattern'} is not in effect in this version; exact and safe_regex are`)
  return none
}

function checkRegex(pattern: string, place: Place): void {
  if (pattern === '') {
    place.fault('is missing')
    return
  }
  const regex = compileRegex(pattern)
  if (!regex.ok) place.fault(`${JSON.stringify(pattern)}: ${regex.message}`)
}
