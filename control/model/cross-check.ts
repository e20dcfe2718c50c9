import type { Document, HTTPRouteSpec, Model, ObjectReference, ServiceSpec, TrafficPolicySpec } from './document.ts'
import { documentName } from './document.ts'
import { nearest } from './nearest.ts'
import type { Path, Report } from './schema.ts'
import type { Findings, SourceDocument } from './source.ts'
import { overlongTries } from './timing.ts'

/** What references are looked up in: all documents as they would be, and who has registered. */
class Known {
  readonly services = new Map<string, Document<ServiceSpec> | null>()
  readonly routes = new Set<string>()
  /** Policies by target, in the order in which they hold. */
  readonly policies = new Map<string, Document<TrafficPolicySpec>[]>()

  constructor(model: Model, registered: ReadonlySet<string>) {
    for (const name of registered) this.services.set(name, null)
    for (const service of model.services) this.services.set(fullName(service.metadata), service)
    for (const route of model.httpRoutes) this.routes.add(fullName(route.metadata))
    for (const policy of model.trafficPolicies) {
      for (const target of policy.spec.targetRefs) {
        const key = targetKey(target, policy)
        const policies = this.policies.get(key)
        if (policies === undefined) this.policies.set(key, [policy])
        else policies.push(policy)
      }
    }
  }

  hasPort(service: string, port: number): boolean {
    const document = this.services.get(service)
    // A registered service without a document has port 80.
    return document === null || document === undefined ? port === 80 : document.spec.ports.some(known => known.port === port)
  }
}

function fullName(reference: { readonly namespace: string; readonly name: string }): string {
  return `${reference.namespace}/${reference.name}`
}

function referredName(reference: ObjectReference, from: Document): string {
  return `${reference.namespace ?? from.metadata.namespace}/${reference.name}`
}

function targetKey(target: ObjectReference, policy: Document): string {
  return `${target.kind} ${referredName(target, policy)}`
}

/**
 * Warns of what only all documents together show. Nothing here is a fault: what a reference misses may be applied later, or register.
 * A backendRef into another namespace needs no ReferenceGrant: in this mesh one operator owns all namespaces.
 */
export function crossCheck(sources: readonly SourceDocument[], model: Model, registered: ReadonlySet<string>, findings: Findings): void {
  const known = new Known(model, registered)
  for (const source of sources) {
    const report = findings.reportOf(source)
    const { document } = source
    if (document.kind === 'HTTPRoute') checkRoute(document as Document<HTTPRouteSpec>, known, report)
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
  })
  checkTimes(route, known, report)
}

function checkService(reference: ObjectReference, from: Document, path: Path, consequence: string, known: Known, report: Report): void {
  const name = referredName(reference, from)
  if (!known.services.has(name)) {
    const near = nearest(name, known.services.keys())
    const hint = near === null ? '' : `, did you mean ${near}?`
    report.warning(
      [...path, 'name'],
      reference.name,
      `no Service ${name} is known${hint}: ${consequence}`,
      'a Service, or a service that sidecars register',
    )
  } else if (reference.port !== undefined && !known.hasPort(name, reference.port)) {
    report.warning(
      [...path, 'port'],
      reference.port,
      `Service ${name} has no port ${reference.port}: ${consequence}`,
      'a port of the Service',
    )
  }
}

function checkPolicy(policy: Document<TrafficPolicySpec>, known: Known, report: Report): void {
  policy.spec.targetRefs.forEach((target, index) => {
    const path = ['spec', 'targetRefs', index]
    if (target.kind === 'Service') checkService(target, policy, path, 'the policy is not used until it is there', known, report)
    else if (!known.routes.has(referredName(target, policy))) {
      const message = `no HTTPRoute ${referredName(target, policy)} is known: the policy is not used until it is there`
      report.warning([...path, 'name'], target.name, message, 'an HTTPRoute')
    }
    const other = known.policies.get(targetKey(target, policy))?.find(one => documentName(one) !== documentName(policy))
    if (other === undefined) return
    report.warning(
      [...path, 'name'],
      target.name,
      `${documentName(other)} has the same target: only one of both holds`,
      'one policy for each target',
    )
  })
}

/** What a rule does not say comes from the policy of the route, then from that of its parent service, field by field. */
function checkTimes(route: Document<HTTPRouteSpec>, known: Known, report: Report): void {
  const parent = route.spec.parentRefs[0]
  const ofRoute = known.policies.get(`HTTPRoute ${fullName(route.metadata)}`)?.[0]?.spec
  const ofService = parent === undefined ? undefined : known.policies.get(`Service ${referredName(parent, route)}`)?.[0]?.spec
  if (ofRoute === undefined && ofService === undefined) return
  route.spec.rules.forEach((rule, index) => {
    const message = overlongTries({
      request: rule.timeouts?.request ?? ofRoute?.timeouts?.request ?? ofService?.timeouts?.request,
      perTry: rule.timeouts?.backendRequest ?? ofRoute?.retry?.perTryTimeout ?? ofService?.retry?.perTryTimeout,
      attempts: rule.retry?.attempts ?? ofRoute?.retry?.attempts ?? ofService?.retry?.attempts,
      backoff: rule.retry?.backoff ?? ofRoute?.retry?.backoff ?? ofService?.retry?.backoff,
      maxBackoff: ofRoute?.retry?.maxBackoff ?? ofService?.retry?.maxBackoff,
    })
    // With both numbers in the rule itself, the schema has said so.
    const isSaid = rule.timeouts?.request !== undefined && rule.timeouts.backendRequest !== undefined
    if (message === null || isSaid) return
    report.warning(['spec', 'rules', index, 'timeouts'], rule.timeouts, `with the TrafficPolicy's numbers ${message}`, 'numbers that fit')
  })
}
