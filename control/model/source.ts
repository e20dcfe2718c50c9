import { type Document, type Fault, ORIGIN_ANNOTATION } from './document.ts'
import { formatPath, isMapping, type Mapping, type Path, type Report } from './schema.ts'

/** One document as it was written, with the places of its parts. Not yet checked: only after `checkDocuments` is it what its type says. */
export interface SourceDocument {
  /** As written; the namespace is filled in, `status` is left out. */
  readonly document: Document
  /** File that it was read from; null: a body. */
  readonly file: string | null
  /** Line, from 1, of the part at `path`, or of the nearest part around it that is there; null: nobody knows. */
  lineOf(path: Path): number | null
}

/** Faults and warnings of one call at most: more of them help nobody, and a hostile body has millions. */
export const MAX_FAULTS = 500

/** Where the part at `path` was written: `routes.yaml:12`; of a body its origin annotation or `line 12`; empty where nobody knows. */
export function placeOf(source: SourceDocument, path: Path): string {
  const line = source.lineOf(path)
  if (source.file !== null) return line === null ? source.file : `${source.file}:${line}`
  const metadata: unknown = source.document.metadata
  const annotations = isMapping(metadata) ? metadata['annotations'] : undefined
  const origin = isMapping(annotations) ? annotations[ORIGIN_ANNOTATION] : undefined
  if (typeof origin === 'string') return origin
  return line === null ? '' : `line ${line}`
}

/** `HTTPRoute default/orders`, or what can be read of it. */
export function nameOf(document: Document): string {
  const { kind, metadata } = document as unknown as Mapping
  const { name, namespace } = isMapping(metadata) ? metadata : {}
  const kindShown = typeof kind === 'string' ? kind : 'document'
  if (typeof name !== 'string') return kindShown
  return typeof namespace === 'string' ? `${kindShown} ${namespace}/${name}` : `${kindShown} ${name}`
}

/** Longest value that a fault repeats, in characters. */
const MAX_SHOWN = 200

/** A value as a fault shows it: whole if it is short. */
export function shown(value: unknown): unknown {
  if (value === undefined) return null
  if (typeof value === 'string') return value.length <= MAX_SHOWN ? value : `${value.slice(0, MAX_SHOWN)}...`
  if (Array.isArray(value)) return value.length <= 8 && JSON.stringify(value).length <= MAX_SHOWN ? value : `a list of ${value.length}`
  if (isMapping(value)) {
    const keys = Object.keys(value)
    return keys.length <= 8 && JSON.stringify(value).length <= MAX_SHOWN ? value : `a mapping of ${keys.length}`
  }
  return value
}

/** Collects what the checks of several documents find, up to MAX_FAULTS of each. */
export class Findings {
  readonly faults: Fault[] = []
  readonly warnings: Fault[] = []

  /** The report of one document. */
  reportOf(source: SourceDocument): Report {
    const add = (to: Fault[], path: Path, value: unknown, message: string, allowed: string) => {
      if (to.length >= MAX_FAULTS) return
      to.push({
        document: nameOf(source.document),
        path: formatPath(path),
        line: placeOf(source, path),
        value: shown(value),
        message,
        allowed,
      })
    }
    return {
      fault: (path, value, message, allowed) => add(this.faults, path, value, message, allowed),
      warning: (path, value, message, allowed) => add(this.warnings, path, value, message, allowed),
    }
  }
}
