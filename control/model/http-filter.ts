import { fieldName, fieldValue, hostname, port, text, word } from './fields.ts'
import { MAX_PATH_LENGTH, pathFault } from './http-match.ts'
import { isMapping, list, type Mapping, object, type Path, type Report, type Schema } from './schema.ts'

/** Field lines that one modifier sets, adds or removes at most, as in the Gateway API. */
export const MAX_MODIFIED = 16

/** Fields that say how a message is framed or where it goes: setting them by a filter would desynchronise the next hop. */
const FORBIDDEN = new Set([
  'connection',
  'content-length',
  'host',
  'http2-settings',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

const modifiedName: Schema = {
  json: fieldName.json,
  check(value, path, report) {
    fieldName.check(value, path, report)
    if (typeof value !== 'string' || !FORBIDDEN.has(value.toLowerCase())) return
    const instead = value.toLowerCase() === 'host' ? ': use URLRewrite hostname' : ': it belongs to one connection'
    report.fault(path, value, `${value} is not for filters${instead}`, 'an end-to-end field')
  },
}

const fieldLines: Schema = list(object({ required: ['name', 'value'], fields: { name: modifiedName, value: fieldValue } }), {
  max: MAX_MODIFIED,
  rules: [distinctFields],
})

const headerFilter: Schema = object({
  fields: { set: fieldLines, add: fieldLines, remove: list(modifiedName, { max: MAX_MODIFIED }) },
})

const newPath = text({
  maxLength: MAX_PATH_LENGTH,
  allowed: 'an absolute path without //, dot segments, %2F, ? and #',
  test: value => (value === '' ? null : pathFault(value)),
})

const pathModifier: Schema = object({
  required: ['type'],
  fields: { type: word(['ReplaceFullPath', 'ReplacePrefixMatch']), replaceFullPath: newPath, replacePrefixMatch: newPath },
  rules: [memberOfType({ ReplaceFullPath: 'replaceFullPath', ReplacePrefixMatch: 'replacePrefixMatch' })],
})

/** Field of each filter type that is built. */
const MEMBERS: Readonly<Record<string, string>> = {
  RequestHeaderModifier: 'requestHeaderModifier',
  ResponseHeaderModifier: 'responseHeaderModifier',
  RequestRedirect: 'requestRedirect',
  URLRewrite: 'urlRewrite',
}
const LATER_TYPES = ['RequestMirror', 'CORS', 'ExtensionRef', 'ExternalAuth']
const LATER_FIELDS = ['requestMirror', 'cors', 'extensionRef', 'externalAuth']

const redirectStatus: Schema = {
  json: { type: 'integer', enum: [301, 302, 303, 307, 308] },
  check(value, path, report) {
    if (typeof value === 'number' && [301, 302, 303, 307, 308].includes(value)) return
    report.fault(path, value, 'is not the status of a redirect', '301, 302, 303, 307, 308')
  },
}

const filter: Schema = object({
  required: ['type'],
  fields: {
    type: word(Object.keys(MEMBERS), LATER_TYPES),
    requestHeaderModifier: headerFilter,
    responseHeaderModifier: headerFilter,
    requestRedirect: object({
      fields: { scheme: word(['http', 'https']), hostname, port, statusCode: redirectStatus, path: pathModifier },
    }),
    urlRewrite: object({ fields: { hostname, path: pathModifier } }),
  },
  later: LATER_FIELDS,
  rules: [memberOfType(MEMBERS)],
})

/** Filters of a rule. */
export const ruleFilters: Schema = list(filter, { max: 16, rules: [distinctTypes, redirectOrRewrite] })

/** Filters of one backendRef: a redirect never reaches a backend, so it is for rules alone. */
export const backendFilters: Schema = list(filter, { max: 16, rules: [distinctTypes, noRedirect] })

/** A tagged union: the field that belongs to `type` must be there, and no other. */
function memberOfType(members: Readonly<Record<string, string>>) {
  return (value: Mapping, path: Path, report: Report): void => {
    const type = value['type']
    if (typeof type !== 'string' || !Object.hasOwn(members, type)) return
    const own = members[type] as string
    if (value[own] === undefined) report.fault([...path, own], undefined, `is required by type ${type}`, own)
    for (const other of Object.values(members)) {
      if (other !== own && value[other] !== undefined) report.fault([...path, other], value[other], `does not go with type ${type}`, own)
    }
  }
}

function typesOf(items: readonly unknown[]): unknown[] {
  return items.map(item => (isMapping(item) ? item['type'] : undefined))
}

function distinctTypes(items: readonly unknown[], path: Path, report: Report): void {
  const types = typesOf(items)
  types.forEach((type, index) => {
    if (type !== undefined && types.indexOf(type) < index)
      report.fault([...path, index, 'type'], type, 'the filter is there twice', 'each type once')
  })
}

function redirectOrRewrite(items: readonly unknown[], path: Path, report: Report): void {
  const types = typesOf(items)
  if (!types.includes('RequestRedirect') || !types.includes('URLRewrite')) return
  report.fault(
    [...path, types.indexOf('URLRewrite'), 'type'],
    'URLRewrite',
    'excludes RequestRedirect',
    'one of RequestRedirect, URLRewrite',
  )
}

function noRedirect(items: readonly unknown[], path: Path, report: Report): void {
  const index = typesOf(items).indexOf('RequestRedirect')
  if (index >= 0)
    report.fault([...path, index, 'type'], 'RequestRedirect', 'is a filter of rules, not of backendRefs', 'a filter of the rule')
}

function distinctFields(items: readonly unknown[], path: Path, report: Report): void {
  const seen = new Set<string>()
  items.forEach((item, index) => {
    const name = isMapping(item) ? item['name'] : undefined
    if (typeof name !== 'string') return
    if (seen.has(name.toLowerCase())) report.fault([...path, index, 'name'], name, 'the name is there twice', 'each name once')
    seen.add(name.toLowerCase())
  })
}
