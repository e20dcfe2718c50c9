import { type CheckOptions, checkDocuments } from '../model/check.ts'
import type { Document, Fault, Model } from '../model/document.ts'
import { KINDS } from '../model/document.ts'
import { buildModel } from '../model/model.ts'
import { parseDocuments } from '../model/parse.ts'
import type { SourceDocument } from '../model/source.ts'
import type { Change, Lease, Store } from '../store/store.ts'
import { unprocessable } from './problem.ts'

/** Documents of a body that have passed every check. */
export interface Sound {
  readonly sources: readonly SourceDocument[]
  readonly warnings: readonly Fault[]
}

/** Reads and checks a body against what the store holds. Throws 422 with every fault at once. */
export function readDocuments(text: string, format: 'json' | 'yaml', existing: Model, options: CheckOptions): Sound {
  const parsed = parseDocuments(text, { format })
  const checked = checkDocuments(parsed.documents, existing, options)
  const faults = [...parsed.faults, ...checked.faults]
  if (faults.length > 0) throw unprocessable(faults, checked.warnings)
  return { sources: parsed.documents, warnings: checked.warnings }
}

/** All documents of the store. The revision is read first: it may be older than the documents, and must never be newer, or it would be acknowledged without them. */
export async function loadModel(store: Store): Promise<Model> {
  const { revision } = store
  const lists = await Promise.all(KINDS.map(kind => store.list(kind, null)))
  return buildModel(lists.flat(), revision)
}

/** `namespace/name` of every service that sidecars have registered for. */
export function registeredServices(leases: readonly Lease[]): ReadonlySet<string> {
  return new Set(leases.map(lease => `${lease.namespace}/${lease.service}`))
}

/**
 * The change that stores a document: without what the store sets itself.
 * @param ifMatch from a header; null: the document's own resourceVersion where it has one.
 */
export function putOf(document: Document, ifMatch: string | null): Change {
  const { resourceVersion, creationTimestamp: _, ...metadata } = document.metadata
  return { op: 'put', document: { ...document, metadata }, ifMatch: ifMatch ?? resourceVersion ?? null }
}
