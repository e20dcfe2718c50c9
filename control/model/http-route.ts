import { duration, integer, name, pattern, positiveDuration } from './fields.ts'
import { backendFilters, ruleFilters } from './http-filter.ts'
import { httpMatch } from './http-match.ts'
import { BACKEND_FIELDS, parentRef } from './references.ts'
import { isMapping, list, type Mapping, object, type Path, type Report, type Schema } from './schema.ts'
import { MAX_WEIGHT, someWeight } from './service.ts'
import { durationMs, overlongTries } from './timing.ts'

/** Rules of one route at most. The Gateway API allows 16; tables that are written by programs need more, and a document's octets are limited too. */
export const MAX_RULES = 1_000
/** As in the Gateway API. */
export const MAX_MATCHES = 64
/** As in the Gateway API. */
export const MAX_PARENTS = 32
/** As in the Gateway API. */
export const MAX_BACKENDS = 16
/** Retries of one request at most: with more, a request outlives its caller, and budgets stop them anyway. */
export const MAX_ATTEMPTS = 20
/** Status codes on which a route retries at most. */
export const MAX_RETRY_CODES = 32

/** Statuses that can be retried on. */
export const retryCodes: Schema = list(integer(400, 599), { max: MAX_RETRY_CODES })

const backendRef: Schema = object({
  required: ['name', 'port'],
  fields: { ...BACKEND_FIELDS, weight: integer(0, MAX_WEIGHT), filters: backendFilters },
})

const rule: Schema = object({
  fields: {
    name,
    matches: list(httpMatch, { max: MAX_MATCHES }),
    filters: ruleFilters,
    backendRefs: list(backendRef, { max: MAX_BACKENDS, rules: [someWeight] }),
    timeouts: object({ fields: { request: duration, backendRequest: duration } }),
    retry: object({ fields: { codes: retryCodes, attempts: integer(0, MAX_ATTEMPTS), backoff: positiveDuration } }),
  },
  later: ['sessionPersistence'],
  rules: [longerTry, triesFit, answers, prefixToReplace],
})

/** The spec of the Gateway API's HTTPRoute, as a mesh uses it. */
export const httpRouteSpec: Schema = object({
  required: ['parentRefs', 'rules'],
  description: 'what becomes of requests to a Service: the Gateway API route, attached to Services by parentRefs',
  fields: {
    parentRefs: list(parentRef, { min: 1, max: MAX_PARENTS }),
    hostnames: list(pattern(/^(\*\.)?[a-z0-9.-]+$/, 253, 'is not a host name', 'a host name'), { max: 16, rules: [hostnamesIgnored] }),
    rules: list(rule, { min: 1, max: MAX_RULES, rules: [distinctRuleNames] }),
  },
  later: ['useDefaultGateways'],
})

function hostnamesIgnored(items: readonly unknown[], path: Path, report: Report): void {
  if (items.length > 0) report.warning(path, items, 'is ignored where the parent is a Service (Gateway API for mesh)', 'leave it out')
}

function distinctRuleNames(items: readonly unknown[], path: Path, report: Report): void {
  const seen = new Set<unknown>()
  items.forEach((item, index) => {
    const value = isMapping(item) ? item['name'] : undefined
    if (value !== undefined && seen.has(value)) report.fault([...path, index, 'name'], value, 'the name is there twice', 'each name once')
    seen.add(value)
  })
}

function member(value: Mapping, name: string): Mapping {
  const found = value[name]
  return isMapping(found) ? found : {}
}

function longerTry(value: Mapping, path: Path, report: Report): void {
  const timeouts = member(value, 'timeouts')
  const requestMs = durationMs(timeouts['request']) ?? 0
  const tryMs = durationMs(timeouts['backendRequest']) ?? 0
  if (requestMs === 0 || tryMs <= requestMs) return
  const at = [...path, 'timeouts', 'backendRequest']
  report.fault(at, timeouts['backendRequest'], `is longer than request, ${timeouts['request']}`, 'at most request')
}

function triesFit(value: Mapping, path: Path, report: Report): void {
  const timeouts = member(value, 'timeouts')
  const retry = member(value, 'retry')
  const timing = { request: timeouts['request'], perTry: timeouts['backendRequest'], attempts: retry['attempts'] }
  const message = overlongTries({ ...timing, backoff: retry['backoff'], maxBackoff: undefined })
  if (message !== null)
    report.warning([...path, 'timeouts', 'request'], timeouts['request'], message, 'a longer request, or fewer or shorter tries')
}

function filtersOf(value: Mapping): readonly Mapping[] {
  const filters = value['filters']
  return Array.isArray(filters) ? filters.filter(isMapping) : []
}

/** A rule redirects, or it forwards; one that does neither answers 500, as the Gateway API says. */
function answers(value: Mapping, path: Path, report: Report): void {
  const backendRefs = value['backendRefs']
  const hasBackends = Array.isArray(backendRefs) && backendRefs.length > 0
  const redirects = filtersOf(value).some(filter => filter['type'] === 'RequestRedirect')
  if (hasBackends && redirects) report.fault([...path, 'backendRefs'], backendRefs, 'excludes the filter RequestRedirect', 'one of both')
  if (!hasBackends && !redirects)
    report.warning([...path, 'backendRefs'], backendRefs, 'none: what matches is answered 500', 'at least one backendRef')
}

/** ReplacePrefixMatch needs a prefix in every match. */
function prefixToReplace(value: Mapping, path: Path, report: Report): void {
  const matches = Array.isArray(value['matches']) ? value['matches'].filter(isMapping) : []
  const isPrefix = (match: Mapping) => ['PathPrefix', undefined].includes(member(match, 'path')['type'] as string | undefined)
  if (matches.every(isPrefix)) return
  const all = Array.isArray(value['filters']) ? value['filters'] : []
  all.forEach((filter, index) => {
    if (!isMapping(filter)) return
    for (const name of ['requestRedirect', 'urlRewrite']) {
      if (member(member(filter, name), 'path')['type'] !== 'ReplacePrefixMatch') continue
      const at = [...path, 'filters', index, name, 'path', 'type']
      report.fault(at, 'ReplacePrefixMatch', 'needs a PathPrefix in every match of the rule', 'ReplaceFullPath, or PathPrefix matches')
    }
  })
}
