import type { Document, HTTPRouteSpec, Kind, MeshSpec, Model, ServiceSpec, TrafficPolicySpec } from './document.ts'

/** The model of no documents at all: the defaults hold. */
export const EMPTY_MODEL: Model = { revision: 0, services: [], httpRoutes: [], trafficPolicies: [], mesh: null }

/**
 * Puts checked documents in the order and types in which the translator reads them: by namespace, then name.
 * Of two of one name the later one counts.
 */
export function buildModel(documents: Iterable<Document>, revision: number): Model {
  const byKey = new Map<string, Document>()
  for (const document of documents) byKey.set(documentKey(document), document)
  const sorted = [...byKey.values()].sort(byNamespaceAndName)
  return {
    revision,
    services: ofKind<ServiceSpec>(sorted, 'Service'),
    httpRoutes: ofKind<HTTPRouteSpec>(sorted, 'HTTPRoute'),
    trafficPolicies: ofKind<TrafficPolicySpec>(sorted, 'TrafficPolicy'),
    mesh: ofKind<MeshSpec>(sorted, 'Mesh').find(({ metadata }) => metadata.name === 'default') ?? null,
  }
}

/** All documents of a model. */
export function documentsOf(model: Model): Document[] {
  const mesh = model.mesh === null ? [] : [model.mesh]
  return [...model.services, ...model.httpRoutes, ...model.trafficPolicies, ...mesh]
}

/** Unique among documents: kind, namespace and name. */
export function documentKey(document: {
  readonly kind: string
  readonly metadata: { readonly namespace: string; readonly name: string }
}): string {
  return `${document.kind}/${document.metadata.namespace}/${document.metadata.name}`
}

/** Orders by namespace, then name, then kind, by code unit, so that it is the same everywhere. */
export function byNamespaceAndName(a: Document, b: Document): number {
  return compare(a.metadata.namespace, b.metadata.namespace) || compare(a.metadata.name, b.metadata.name) || compare(a.kind, b.kind)
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

function ofKind<Spec>(documents: readonly Document[], kind: Kind): Document<Spec>[] {
  return documents.filter(document => document.kind === kind) as Document<Spec>[]
}
