import { isDeepStrictEqual } from 'node:util'
import type { Document } from '../model/document.ts'
import { documentKey } from '../model/model.ts'
import { StoreError } from './errors.ts'
import type { StoreLimits } from './limits.ts'
import type { ApplyResult, Change, ChangeResult } from './store.ts'

/** A document as it is held: with its octets as JSON, which count against the limits. */
export interface Held {
  readonly document: Document
  readonly json: string
  /** Octets of `json` in UTF-8. */
  readonly bytes: number
}

/** Holds a document that is stored as `json`. */
export function hold(json: string): Held {
  return { document: JSON.parse(json) as Document, json, bytes: Buffer.byteLength(json) }
}

/** What a transaction would do; nothing is done yet. */
export type Plan =
  | {
      readonly ok: true
      readonly answer: Extract<ApplyResult, { ok: true }>
      /** By document key; null: deleted. Empty: nothing changes. */
      readonly writes: ReadonlyMap<string, Held | null>
    }
  | { readonly ok: false; readonly answer: Extract<ApplyResult, { ok: false }> }

/** All documents of a store, by key. */
export class DocumentTable {
  readonly #held = new Map<string, Held>()
  readonly #limits: StoreLimits
  #totalBytes = 0

  constructor(limits: StoreLimits) {
    this.#limits = limits
  }

  get(key: string): Held | null {
    return this.#held.get(key) ?? null
  }

  values(): Iterable<Held> {
    return this.#held.values()
  }

  /**
   * Works out a transaction, change after change, each seeing those before it.
   * @param revision that the documents have now; a transaction that changes something makes the next one.
   * @param now RFC 3339.
   * @throws StoreError STORE_LIMIT
   */
  plan(changes: readonly Change[], revision: number, now: string): Plan {
    const writes = new Map<string, Held | null>()
    const results: ChangeResult[] = []
    for (const [index, change] of changes.entries()) {
      const key = change.op === 'put' ? documentKey(change.document) : `${change.kind}/${change.namespace}/${change.name}`
      const written = writes.get(key)
      const present = written === undefined ? this.get(key) : written
      if (!matches(change.ifMatch, present))
        return { ok: false, answer: { ok: false, conflict: index, present: present?.document ?? null } }
      results.push(change.op === 'put' ? this.#put(key, change.document, present, revision, now, writes) : remove(key, present, writes))
    }
    this.#checkTotals(writes)
    return { ok: true, writes, answer: { ok: true, revision: writes.size > 0 ? revision + 1 : revision, results } }
  }

  /** Does what a plan worked out. */
  commit(writes: ReadonlyMap<string, Held | null>): void {
    for (const [key, held] of writes) {
      this.#totalBytes += (held?.bytes ?? 0) - (this.#held.get(key)?.bytes ?? 0)
      if (held === null) this.#held.delete(key)
      else this.#held.set(key, held)
    }
  }

  #put(
    key: string,
    document: Document,
    present: Held | null,
    revision: number,
    now: string,
    writes: Map<string, Held | null>,
  ): ChangeResult {
    if (present !== null && isSame(present.document, document)) return { change: 'unchanged', document: present.document }
    const { name, namespace, labels, annotations } = document.metadata
    const stored: Document = {
      apiVersion: document.apiVersion,
      kind: document.kind,
      metadata: {
        name,
        namespace,
        ...(labels === undefined ? {} : { labels }),
        ...(annotations === undefined ? {} : { annotations }),
        resourceVersion: String(revision + 1),
        creationTimestamp: present?.document.metadata.creationTimestamp ?? now,
      },
      spec: document.spec,
    }
    // Read back, so that the caller may change what it gave without changing the store.
    const held = hold(JSON.stringify(stored))
    if (held.bytes > this.#limits.maxDocumentBytes) {
      throw new StoreError('STORE_LIMIT', `${key} has ${held.bytes} octets; a document may have ${this.#limits.maxDocumentBytes}`)
    }
    writes.set(key, held)
    return { change: present === null ? 'created' : 'updated', document: held.document }
  }

  #checkTotals(writes: ReadonlyMap<string, Held | null>): void {
    let count = this.#held.size
    let bytes = this.#totalBytes
    let grows = false
    for (const [key, held] of writes) {
      const before = this.#held.get(key)
      const added = (held?.bytes ?? 0) - (before?.bytes ?? 0)
      count += (held === null ? 0 : 1) - (before === undefined ? 0 : 1)
      bytes += added
      grows ||= added > 0
    }
    if (!grows) return
    const { maxDocuments, maxTotalBytes } = this.#limits
    if (count > maxDocuments) throw new StoreError('STORE_LIMIT', `${count} documents; the store holds ${maxDocuments} at most`)
    if (bytes > maxTotalBytes) throw new StoreError('STORE_LIMIT', `${bytes} octets of documents; the store holds ${maxTotalBytes} at most`)
  }
}

function remove(key: string, present: Held | null, writes: Map<string, Held | null>): ChangeResult {
  if (present === null) return { change: 'absent', document: null }
  writes.set(key, null)
  return { change: 'deleted', document: present.document }
}

/** If-Match: null takes any state, '0' none, all else the one with this resourceVersion. */
function matches(ifMatch: string | null, present: Held | null): boolean {
  if (ifMatch === null) return true
  return ifMatch === (present?.document.metadata.resourceVersion ?? '0')
}

/** The operator's part is equal: spec, labels and annotations. A new origin is a change, or `explain` would name an old line. */
function isSame(present: Document, next: Document): boolean {
  return (
    present.apiVersion === next.apiVersion &&
    isDeepStrictEqual(present.spec, next.spec) &&
    isDeepStrictEqual(present.metadata.labels ?? {}, next.metadata.labels ?? {}) &&
    isDeepStrictEqual(present.metadata.annotations ?? {}, next.metadata.annotations ?? {})
  )
}
