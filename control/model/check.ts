import { crossCheck } from './cross-check.ts'
import type { Document, Fault, Model } from './document.ts'
import { checkDocument } from './kinds.ts'
import { buildModel, documentKey, documentsOf } from './model.ts'
import type { Mapping } from './schema.ts'
import { Findings, placeOf, type SourceDocument } from './source.ts'

/** What a check has found: with a fault nothing may be applied; warnings are shown and no more. */
export interface Checked {
  readonly faults: readonly Fault[]
  readonly warnings: readonly Fault[]
}

/** What the check knows besides the documents. */
export interface CheckOptions {
  /** `namespace/name` of every service that has registered sidecars; a Service document is not needed for those. */
  readonly registered?: ReadonlySet<string>
}

/**
 * Checks documents that are to be applied together: each by its kind's schema, then all of them with those that are there already.
 * Every fault is found at once. References to nothing, shadowed rules and contradictory numbers are warnings: what is missing may come.
 */
export function checkDocuments(sources: readonly SourceDocument[], existing: Model, options: CheckOptions = {}): Checked {
  const findings = new Findings()
  const seen = new Map<string, SourceDocument>()
  for (const source of sources) {
    const faultsBefore = findings.faults.length
    checkDocument(source.document as unknown as Mapping, findings.reportOf(source))
    if (findings.faults.length > faultsBefore) continue
    const key = documentKey(source.document)
    const first = seen.get(key)
    if (first === undefined) seen.set(key, source)
    else {
      const place = placeOf(first, ['metadata', 'name'])
      const there = place === '' ? '' : `, first at ${place}`
      findings
        .reportOf(source)
        .fault(['metadata', 'name'], source.document.metadata.name, `the document is there twice${there}`, 'each name once')
    }
  }
  const sound = [...seen.values()]
  const documents: Document[] = [...documentsOf(existing), ...sound.map(({ document }) => document)]
  crossCheck(sound, buildModel(documents, existing.revision), options.registered ?? new Set(), findings)
  return findings
}
