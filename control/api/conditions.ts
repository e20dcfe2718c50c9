import { checkDocuments } from '../model/check.ts'
import { type Document, documentName, type Fault, type Model } from '../model/document.ts'
import { sourceOf } from '../model/parse.ts'
import { MAX_FAULTS } from '../model/source.ts'
import type { ProxyStatus } from '../xds/status.ts'

/** One condition, as in the Gateway API. */
export interface Condition {
  readonly type: 'Accepted' | 'ResolvedRefs' | 'Programmed'
  readonly status: 'True' | 'False' | 'Unknown'
  readonly reason: string
  readonly message: string
}

/** What conditions are computed from: read once for a whole list. */
export interface StatusSource {
  readonly model: Model
  readonly registered: ReadonlySet<string>
  readonly proxies: readonly ProxyStatus[]
}

/** A document as it is answered: with its status, which is computed at each read and never stored. */
export type StatedDocument = Document & { readonly status: { readonly conditions: readonly Condition[] } }

/** Adds the status to documents of the store. One check for all of them: each alone would look at all others again. */
export function withStatus(documents: readonly Document[], source: StatusSource): readonly StatedDocument[] {
  const missing = missingReferences(documents, source)
  const accepted: Condition = { type: 'Accepted', status: 'True', reason: 'Accepted', message: 'every check has passed' }
  return documents.map(document => ({
    ...document,
    status: { conditions: [accepted, resolvedRefs(missing.get(documentName(document)) ?? []), programmed(document, source.proxies)] },
  }))
}

const REFERENCES = /^spec\.(parentRefs|targetRefs|rules\[\d+\]\.backendRefs)\[\d+\]\.(name|port|kind)/

/** Warnings of references that lead nowhere, by document. */
function missingReferences(documents: readonly Document[], source: StatusSource): ReadonlyMap<string, readonly Fault[]> {
  const sources = documents.flatMap(document => sourceOf(document).documents)
  const { warnings } = checkDocuments(sources, source.model, { registered: source.registered })
  if (warnings.length >= MAX_FAULTS && documents.length > 1) {
    // The check tells of so many and no more: ask in halves.
    const middle = documents.length >> 1
    return new Map([...missingReferences(documents.slice(0, middle), source), ...missingReferences(documents.slice(middle), source)])
  }
  return Map.groupBy(
    warnings.filter(warning => REFERENCES.test(warning.path)),
    warning => warning.document,
  )
}

function resolvedRefs(missing: readonly Fault[]): Condition {
  if (missing.length === 0)
    return { type: 'ResolvedRefs', status: 'True', reason: 'ResolvedRefs', message: 'every reference leads somewhere' }
  const message = missing.map(warning => `${warning.path}: ${warning.message}`).join('; ')
  return { type: 'ResolvedRefs', status: 'False', reason: 'BackendNotFound', message }
}

/** In force on those connected sidecars that have acknowledged the revision at which the document last changed, or a later one. */
function programmed(document: Document, proxies: readonly ProxyStatus[]): Condition {
  const revision = Number(document.metadata.resourceVersion ?? 0)
  const connected = proxies.filter(proxy => proxy.isConnected)
  const pending = connected.filter(proxy => Number(proxy.version) < revision)
  const refused = pending.flatMap(proxy =>
    proxy.lastNack !== null && proxy.lastNack.revision >= revision ? [`${proxy.id}: ${proxy.lastNack.message}`] : [],
  )
  const count = `${connected.length - pending.length} of ${connected.length} sidecars`
  if (connected.length === 0) return { type: 'Programmed', status: 'Unknown', reason: 'NoSidecars', message: 'no sidecar is connected' }
  if (refused.length > 0)
    return { type: 'Programmed', status: 'False', reason: 'Refused', message: `${count}; refused by ${refused.join('; ')}` }
  if (pending.length > 0) return { type: 'Programmed', status: 'False', reason: 'Pending', message: count }
  return { type: 'Programmed', status: 'True', reason: 'Programmed', message: count }
}
