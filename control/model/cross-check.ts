import {
  type Document,
  documentName,
  type HTTPRouteRule,
  type HTTPRouteSpec,
  type Model,
  type ObjectReference,
  type TrafficPolicySpec,
} from './document.ts'
import { fullName, Known, referredName } from './known.ts'
import type { Path, Report } from './schema.ts'
import { Shadows } from './shadows.ts'
import type { Findings, SourceDocument } from './source.ts'
import { durationMs, overlongTries } from './timing.ts'

/**
 * Warns of what only all documents together show. Nothing here is a fault: what a reference misses may be applied later, or register.
 * A backendRef into another namespace needs no ReferenceGrant: in this mesh one operator owns all namespaces.
 */
export function crossCheck(sources: readonly SourceDocument[], model: Model, registered: ReadonlySet<string>, findings: Findings): void {
  const known = new Known(model, registered)
  const shadows = new Shadows(known)
  for (const source of sources) {
    const report = findings.reportOf(source)
    const { document } = source
    if (document.kind === 'HTTPRoute') {
      checkRoute(document as Document<HTTPRouteSpec>, known, report)
      shadows.check(document as Document<HTTPRouteSpec>, report)
    }
    if (document.kind === 'TrafficPolicy') checkPolicy(document as Document<TrafficPolicySpec>, known, report)
  }
}

function checkRoute(route: Document<HTTPRouteSpec>, known: Known, report: Report): void {
  route.spec.parentRefs.forEach((parent, index) => {
    checkService(parent, route, ['spec', 'parentRefs', index], 'the route is not used until it is there', known, report)
  })
  route.spec.rules.forEach((rule, index) => {
    rule.backendRefs?.forEach((backend, at) => {
      checkService(backend, route, ['spec', 'rules', index, 'backendRefs', at], 'its share is answered 500', known, report)
    })
    const policies = policiesOfRule(route, rule, known)
    checkTimes(rule, policies, ['spec', 'rules', index, 'timeouts'], report)
    checkBackoff(rule, policies, ['spec', 'rules', index, 'retry', 'backoff'], report)
  })
}

function checkService(reference: ObjectReference, from: Document, path: Path, consequence: string, known: Known, report: Report): void {
  const name = referredName(reference, from)
  if (!known.services.has(name)) {
    const near = known.suggestService(name)
    const hint = near === null ? '' : `, did you mean ${near}?`
    const message = `no Service ${name} is known${hint}: ${consequence}`
    report.warning([...path, 'name'], reference.name, message, 'a Service, or a service that sidecars register')
    return
  }
  for (const field of ['port', 'sectionName'] as const) {
    const port = reference[field]
    if (port === undefined || known.hasPort(name, port)) continue
    report.warning([...path, field], port, `Service ${name} has no port ${port}: ${consequence}`, 'a port of the Service')
  }
}

function checkPolicy(policy: Document<TrafficPolicySpec>, known: Known, report: Report): void {
  policy.spec.targetRefs.forEach((target, index) => {
    const path = ['spec', 'targetRefs', index]
    const name = referredName(target, policy)
    if (target.kind === 'Service') checkService(target, policy, path, 'the policy is not used until it is there', known, report)
    else checkTargetRoute(target, name, path, known, report)
    const other = known
      .policiesOf(target.kind === 'Service' ? 'Service' : 'HTTPRoute', name)
      .find(one => fullName(one.policy.metadata) !== fullName(policy.metadata) && isSamePart(one.target, target))
    if (other === undefined) return
    const message = `${documentName(other.policy)} has the same target: of what both say, the older one holds`
    report.warning([...path, 'name'], target.name, message, 'one policy for each target')
  })
}

function isSamePart(a: ObjectReference, b: ObjectReference): boolean {
  return a.port === b.port && a.sectionName === b.sectionName
}

function checkTargetRoute(target: ObjectReference, name: string, path: Path, known: Known, report: Report): void {
  const route = known.routes.get(name)
  const consequence = 'the policy is not used until it is there'
  if (route === undefined) {
    report.warning([...path, 'name'], target.name, `no HTTPRoute ${name} is known: ${consequence}`, 'an HTTPRoute')
  } else if (target.sectionName !== undefined && !route.spec.rules.some(rule => rule.name === target.sectionName)) {
    const message = `HTTPRoute ${name} has no rule named ${target.sectionName}: ${consequence}`
    report.warning([...path, 'sectionName'], target.sectionName, message, 'the name of a rule')
  }
}

/** Policies that hold for a rule, in the order in which they are asked: those of its route, then those of its parent service. */
function policiesOfRule(route: Document<HTTPRouteSpec>, rule: HTTPRouteRule, known: Known): Document<TrafficPolicySpec>[] {
  const parent = route.spec.parentRefs[0]
  const ofRoute = known
    .policiesOf('HTTPRoute', fullName(route.metadata))
    .filter(({ target }) => [undefined, rule.name].includes(target.sectionName))
  const ofService = parent === undefined ? [] : known.policiesOf('Service', referredName(parent, route))
  return [...ofRoute, ...ofService].map(({ policy }) => policy)
}

/** What a rule does not say comes from its policies, field by field. */
function checkTimes(rule: HTTPRouteRule, policies: readonly Document<TrafficPolicySpec>[], path: Path, report: Report): void {
  // With both numbers in the rule itself, its schema has said so.
  if (rule.timeouts?.request !== undefined && rule.timeouts.backendRequest !== undefined) return
  const first = <T>(read: (spec: TrafficPolicySpec) => T | undefined): T | undefined =>
    policies.map(({ spec }) => read(spec)).find(value => value !== undefined)
  const message = overlongTries({
    request: rule.timeouts?.request ?? first(spec => spec.timeouts?.request),
    perTry: rule.timeouts?.backendRequest ?? first(spec => spec.retry?.perTryTimeout),
    attempts: rule.retry?.attempts ?? first(spec => spec.retry?.attempts),
    backoff: rule.retry?.backoff ?? first(spec => spec.retry?.backoff),
    maxBackoff: first(spec => spec.retry?.maxBackoff),
  })
  if (message !== null) report.warning(path, rule.timeouts, `with the TrafficPolicy's numbers, ${message}`, 'numbers that fit')
}

/** A rule has no ceiling of its own for its backoff. */
function checkBackoff(rule: HTTPRouteRule, policies: readonly Document<TrafficPolicySpec>[], path: Path, report: Report): void {
  const backoff = rule.retry?.backoff
  const policy = policies.find(({ spec }) => spec.retry?.maxBackoff !== undefined)
  const ceiling = policy?.spec.retry?.maxBackoff
  if (policy === undefined || (durationMs(backoff) ?? 0) <= (durationMs(ceiling) ?? 0)) return
  const message = `is longer than maxBackoff, ${ceiling}, of ${documentName(policy)}: no pause is longer than that`
  report.warning(path, backoff, message, 'at most maxBackoff')
}
