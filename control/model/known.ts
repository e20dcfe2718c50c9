import type { Document, HTTPRouteSpec, Model, ObjectReference, ServiceSpec, TrafficPolicySpec } from './document.ts'
import { nearest } from './nearest.ts'

/** `namespace/name`. */
export function fullName(reference: { readonly namespace: string; readonly name: string }): string {
  return `${reference.namespace}/${reference.name}`
}

/** `namespace/name` of what a document refers to; its own namespace where the reference has none. */
export function referredName(reference: ObjectReference, from: Document): string {
  return `${reference.namespace ?? from.metadata.namespace}/${reference.name}`
}

/** Names for which a nearest one is looked for in one check: each lookup compares with every service, and a reader fixes a few at a time. */
const MAX_SUGGESTIONS = 20

/** A policy as one of its targets sees it. */
export interface Attached {
  readonly policy: Document<TrafficPolicySpec>
  readonly target: ObjectReference
}

/** What references are looked up in: all documents as they would be, and who has registered. */
export class Known {
  /** By `namespace/name`; null: registered, without a document. */
  readonly services = new Map<string, Document<ServiceSpec> | null>()
  readonly routes = new Map<string, Document<HTTPRouteSpec>>()
  /** By the name that nobody knows. */
  readonly #suggestions = new Map<string, string | null>()
  /** By `Service namespace/name` or `HTTPRoute namespace/name`; the oldest first, which holds where several say a thing. */
  readonly #policies = new Map<string, Attached[]>()

  constructor(model: Model, registered: ReadonlySet<string>) {
    for (const name of registered) this.services.set(name, null)
    for (const service of model.services) this.services.set(fullName(service.metadata), service)
    for (const route of model.httpRoutes) this.routes.set(fullName(route.metadata), route)
    for (const policy of [...model.trafficPolicies].sort(byAge)) {
      for (const target of policy.spec.targetRefs) {
        const key = `${target.kind} ${referredName(target, policy)}`
        const attached = this.#policies.get(key)
        if (attached === undefined) this.#policies.set(key, [{ policy, target }])
        else attached.push({ policy, target })
      }
    }
  }

  policiesOf(kind: 'Service' | 'HTTPRoute', name: string): readonly Attached[] {
    return this.#policies.get(`${kind} ${name}`) ?? []
  }

  /** The known service that was probably meant; null: none, or too many have been asked for. */
  suggestService(name: string): string | null {
    const known = this.#suggestions.get(name)
    if (known !== undefined) return known
    if (this.#suggestions.size >= MAX_SUGGESTIONS) return null
    const near = nearest(name, this.services.keys())
    this.#suggestions.set(name, near)
    return near
  }

  /** Whether a service has a port of this number or name. A registered one without a document has port 80, without a name. */
  hasPort(service: string, port: number | string): boolean {
    const document = this.services.get(service)
    if (document === null || document === undefined) return port === 80
    return document.spec.ports.some(known => (typeof port === 'number' ? known.port : known.name) === port)
  }
}

/** New documents have no time yet: they are the youngest. */
function byAge(a: Document, b: Document): number {
  const left = `${a.metadata.creationTimestamp ?? '~'} ${fullName(a.metadata)}`
  const right = `${b.metadata.creationTimestamp ?? '~'} ${fullName(b.metadata)}`
  return left < right ? -1 : Number(left > right)
}
