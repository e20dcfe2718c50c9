import { type Document, documentOrigin, type HTTPRouteRule, type ServicePort, type TrafficPolicySpec } from '../model/document.ts'

/** A TrafficPolicy as one of its targets sees it. */
export interface Layer {
  readonly document: Document<TrafficPolicySpec>
  readonly origin: string
  /** Port name of a Service or rule name of an HTTPRoute to which it is confined; null: all of it. */
  readonly section: string | null
  /** Port of a Service to which it is confined. */
  readonly port: number | null
}

/** Policies by target: `Service default/orders` or `HTTPRoute default/orders`; the oldest first, which beats later ones field by field. */
export type PolicyTable = ReadonlyMap<string, readonly Layer[]>

export const NO_LAYERS: readonly Layer[] = []

function isOlder(a: Document, b: Document): number {
  const left = `${a.metadata.creationTimestamp ?? ''} ${a.metadata.namespace}/${a.metadata.name}`
  const right = `${b.metadata.creationTimestamp ?? ''} ${b.metadata.namespace}/${b.metadata.name}`
  return left < right ? -1 : Number(left > right)
}

/** Sorts policies by what they are attached to. */
export function policyTable(documents: readonly Document<TrafficPolicySpec>[]): PolicyTable {
  const table = new Map<string, Layer[]>()
  for (const document of [...documents].sort(isOlder)) {
    for (const target of document.spec.targetRefs) {
      const key = `${target.kind ?? 'Service'} ${target.namespace ?? document.metadata.namespace}/${target.name}`
      const layer = { document, origin: documentOrigin(document), section: target.sectionName ?? null, port: target.port ?? null }
      const list = table.get(key)
      if (list === undefined) table.set(key, [layer])
      else list.push(layer)
    }
  }
  return table
}

/** Those that hold for one port of a Service. */
export function layersOfPort(layers: readonly Layer[], port: ServicePort): readonly Layer[] {
  return narrowed(layers, each => (each.section === null || each.section === port.name) && (each.port === null || each.port === port.port))
}

/** Those that hold for one rule of an HTTPRoute. */
export function layersOfRule(layers: readonly Layer[], rule: HTTPRouteRule): readonly Layer[] {
  return narrowed(layers, each => each.section === null || each.section === rule.name)
}

/** Keeps the list itself where nothing falls out. */
function narrowed(layers: readonly Layer[], holds: (layer: Layer) => boolean): readonly Layer[] {
  return layers.every(holds) ? layers : layers.filter(holds)
}
