import type { Document, HTTPRouteSpec } from '../model/document.ts'
import type { ServiceEntry } from './tables.ts'

/** An HTTPRoute as a service sees it. */
export interface Attachment {
  readonly document: Document<HTTPRouteSpec>
  /** Null: every port of the service that speaks HTTP. */
  readonly port: number | null
  /** Name of the port to which it is confined. */
  readonly section: string | null
}

/** HTTPRoutes by the service that they are attached to (`namespace/name`). */
export type AttachmentTable = ReadonlyMap<string, readonly Attachment[]>

const SERVICE_GROUPS: ReadonlySet<string> = new Set(['', 'core', 'outrider.dev'])

/** Sorts routes by their parents. Parents of other kinds, such as a Gateway, are not ours. */
export function attachmentTable(documents: readonly Document<HTTPRouteSpec>[]): AttachmentTable {
  const table = new Map<string, Attachment[]>()
  for (const document of documents) {
    for (const parent of document.spec.parentRefs) {
      if (parent.kind !== 'Service' || !SERVICE_GROUPS.has(parent.group ?? '')) continue
      const key = `${parent.namespace ?? document.metadata.namespace}/${parent.name}`
      const attachment = { document, port: parent.port ?? null, section: parent.sectionName ?? null }
      const list = table.get(key)
      if (list === undefined) table.set(key, [attachment])
      else list.push(attachment)
    }
  }
  return table
}

/**
 * The HTTPRoutes that decide about one port for callers in namespace `from`.
 * Those of the service's own namespace hold for everybody; those that a caller's namespace wrote for a service elsewhere hold for it alone and take their
 * place (GAMMA: producer and consumer routes).
 */
export function routesOfPort(
  attachments: readonly Attachment[],
  service: ServiceEntry,
  port: ServiceEntry['ports'][number],
  from: string,
): readonly Document<HTTPRouteSpec>[] {
  const produced = new Set<Document<HTTPRouteSpec>>()
  const consumed = new Set<Document<HTTPRouteSpec>>()
  for (const each of attachments) {
    if (each.port !== null && each.port !== port.port) continue
    if (each.section !== null && each.section !== port.name) continue
    const { namespace } = each.document.metadata
    if (namespace === service.namespace) produced.add(each.document)
    else if (namespace === from) consumed.add(each.document)
  }
  return [...(consumed.size > 0 ? consumed : produced)]
}
