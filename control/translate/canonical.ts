import { hash } from 'node:crypto'
import type { Document, Model } from '../model/document.ts'

/**
 * Gives the same object for a document that did not change, however often the store has read it anew.
 * The steps behind it can then compare by identity.
 */
export class Canonical {
  #known = new Map<string, Document>()

  /** The model with each unchanged document as the object that it was before. */
  model(model: Model): Model {
    const next = new Map<string, Document>()
    const take = <T extends Document>(document: T): T => {
      const key = contentKey(document)
      const same = (this.#known.get(key) as T | undefined) ?? document
      next.set(key, same)
      return same
    }
    const canonical = {
      revision: model.revision,
      services: model.services.map(take),
      httpRoutes: model.httpRoutes.map(take),
      trafficPolicies: model.trafficPolicies.map(take),
      mesh: model.mesh === null ? null : take(model.mesh),
    }
    this.#known = next
    return canonical
  }
}

const KEYS = new WeakMap<Document, string>()

/** Equal for equal documents. A stored one changes its `resourceVersion` with its content; any other is hashed. */
function contentKey(document: Document): string {
  const known = KEYS.get(document)
  if (known !== undefined) return known
  const { namespace, name, resourceVersion, creationTimestamp } = document.metadata
  const version = resourceVersion === undefined ? hash('sha1', JSON.stringify(document)) : `${resourceVersion} ${creationTimestamp}`
  const key = `${document.kind} ${namespace}/${name} ${version}`
  KEYS.set(document, key)
  return key
}
