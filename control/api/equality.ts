import { isDeepStrictEqual } from 'node:util'
import type { Document } from '../model/document.ts'

/** True where two documents say the same, whatever the store has added to them. */
export function isSameDocument(a: Document, b: Document): boolean {
  return isDeepStrictEqual(plain(a), plain(b))
}

function plain(document: Document): unknown {
  const { resourceVersion: _, creationTimestamp: __, ...metadata } = document.metadata
  return { apiVersion: document.apiVersion, kind: document.kind, metadata, spec: document.spec }
}
