import { LineCounter, parseAllDocuments, type Document as YamlDocument } from 'yaml'
import type { Document, Fault } from './document.ts'
import { MAX_DEPTH, parseJson } from './json-source.ts'
import { formatPath, isMapping, type Mapping, type Path, typeName } from './schema.ts'
import { MAX_FAULTS, type SourceDocument, shown } from './source.ts'
import { yamlLineOf, yamlMessage } from './yaml-source.ts'

/** Longest text of one call, octets: 1,000 routes have about half a MiB, so this is 30 times what anybody writes by hand. */
export const MAX_TEXT_BYTES = 16 * 1_048_576
/** Largest document, characters of its values and keys: etcd and Kubernetes hold no larger ones. */
export const MAX_DOCUMENT_LENGTH = 1_048_576
/** Documents of one call at most. */
export const MAX_DOCUMENTS_PER_CALL = 10_000
/** How often anchors of one document may be expanded: a few lines of YAML can ask for gigabytes ("billion laughs"). */
export const MAX_ALIASES = 100

/** What is known of a text before it is read. */
export interface ParseOptions {
  /** Where it comes from, for the places of faults; left out: a body. */
  readonly file?: string
  /** `auto`: JSON where it reads as JSON. */
  readonly format?: 'json' | 'yaml' | 'auto'
}

/** The documents that could be read, and all that is wrong with the rest. */
export interface Parsed {
  readonly documents: readonly SourceDocument[]
  readonly faults: readonly Fault[]
}

/** Reads documents from YAML or JSON: several in a text, lists (JSON arrays, `kind: List`) taken apart, empty ones left out. */
export function parseDocuments(text: string, options: ParseOptions = {}): Parsed {
  const collector = new Collector(options.file ?? null)
  const plain = text.startsWith('\uFEFF') ? text.slice(1) : text
  if (Buffer.byteLength(plain) > MAX_TEXT_BYTES) {
    collector.fault('document', [], null, `${Buffer.byteLength(plain)} octets`, 'the text is too long', `at most ${MAX_TEXT_BYTES} octets`)
    return collector
  }
  const format = options.format ?? 'auto'
  if (format === 'json' || (format === 'auto' && /^\s*[[{]/.test(plain))) readJson(plain, format === 'json', collector)
  else readYaml(parseYaml(plain), collector)
  return collector
}

/** A value that was parsed elsewhere, such as a body that a web framework has read: its lines are unknown. */
export function sourceOf(value: unknown): Parsed {
  const collector = new Collector(null)
  collector.add(value, [], 'document', () => null)
  return collector
}

type LineOf = (path: Path) => number | null

class Collector implements Parsed {
  readonly documents: SourceDocument[] = []
  readonly faults: Fault[] = []
  readonly #file: string | null

  constructor(file: string | null) {
    this.#file = file
  }

  fault(document: string, path: Path, line: number | null, value: unknown, message: string, allowed: string): void {
    if (this.faults.length >= MAX_FAULTS) return
    const unnamed = line === null ? '' : `line ${line}`
    const place = this.#file === null ? unnamed : `${this.#file}${line === null ? '' : `:${line}`}`
    this.faults.push({ document, path: formatPath(path), line: place, value: shown(value), message, allowed })
  }

  /** Takes one value of the text: a document, or a list of them. */
  add(value: unknown, prefix: Path, label: string, lineOf: LineOf): void {
    if (value === null || value === undefined) return
    if (Array.isArray(value) && prefix.length === 0) {
      value.forEach((item, index) => {
        this.add(item, [...prefix, index], `${label}[${index}]`, lineOf)
      })
    } else if (isMapping(value) && value['kind'] === 'List' && Array.isArray(value['items']) && prefix.length === 0) {
      value['items'].forEach((item, index) => {
        this.add(item, [...prefix, 'items', index], `${label}[${index}]`, lineOf)
      })
    } else if (isMapping(value)) this.#addDocument(value, prefix, label, lineOf)
    else this.fault(label, prefix, lineOf(prefix), value, `must be a mapping, not ${typeName(value)}`, 'apiVersion, kind, metadata, spec')
  }

  #addDocument(value: Mapping, prefix: Path, label: string, lineOf: LineOf): void {
    const excess = excessOf(value)
    if (excess !== null) this.fault(label, prefix, lineOf(prefix), null, excess.message, excess.allowed)
    else if (this.documents.length >= MAX_DOCUMENTS_PER_CALL) {
      if (this.faults.some(({ message }) => message === TOO_MANY)) return
      this.fault(label, prefix, lineOf(prefix), null, TOO_MANY, `at most ${MAX_DOCUMENTS_PER_CALL} documents in a call`)
    } else {
      const at: LineOf = prefix.length === 0 ? lineOf : path => lineOf([...prefix, ...path])
      this.documents.push({ document: withDefaults(value), file: this.#file, lineOf: at })
    }
  }
}

const TOO_MANY = 'too many documents'

function withDefaults(value: Mapping): Document {
  const { status: _, ...rest } = value
  const metadata = rest['metadata']
  // The members keep their order, so that faults come in the order in which they were written.
  return (isMapping(metadata) ? { ...rest, metadata: { namespace: 'default', ...metadata } } : rest) as unknown as Document
}

/** What is too much of a document, counted as if every alias were written out; stops counting there. */
function excessOf(value: unknown): { readonly message: string; readonly allowed: string } | null {
  let length = 0
  let isDeep = false
  const visit = (part: unknown, depth: number): void => {
    length += typeof part === 'string' ? part.length + 2 : 4
    if (typeof part !== 'object' || part === null) return
    if (depth > MAX_DEPTH) isDeep = true
    for (const [key, member] of Object.entries(part)) {
      if (isDeep || length > MAX_DOCUMENT_LENGTH) return
      length += key.length
      visit(member, depth + 1)
    }
  }
  visit(value, 1)
  if (isDeep) return { message: `is nested deeper than ${MAX_DEPTH} levels`, allowed: `at most ${MAX_DEPTH} levels` }
  if (length > MAX_DOCUMENT_LENGTH) return { message: 'the document is too large', allowed: `at most ${MAX_DOCUMENT_LENGTH} characters` }
  return null
}

function readJson(text: string, isStrict: boolean, collector: Collector): void {
  const json = parseJson(text)
  const lineAt = lineCounterOf(text)
  if (json.ok) {
    collector.add(json.value, [], 'document', path => lineAt(json.offsetOf(path)))
    return
  }
  const isFinal = isStrict || json.path.length > 0
  const yaml = isFinal ? null : parseYaml(text)
  if (yaml?.documents.every(({ errors }) => errors.length === 0)) {
    readYaml(yaml, collector)
    return
  }
  const message = json.path.length > 0 || json.message.startsWith('is ') ? json.message : `is not JSON: ${json.message}`
  collector.fault('document', json.path, lineAt(json.offset), null, message, 'JSON (RFC 8259)')
}

/** Line of an offset; the lines are counted when the first one is asked for. */
function lineCounterOf(text: string): (offset: number) => number {
  let lines: LineCounter | null = null
  return offset => {
    if (lines === null) {
      lines = new LineCounter()
      lines.addNewLine(0)
      for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) lines.addNewLine(at + 1)
    }
    return lines.linePos(offset).line
  }
}

interface Yaml {
  readonly text: string
  readonly documents: readonly YamlDocument[]
  readonly lines: LineCounter
}

function parseYaml(text: string): Yaml {
  const lines = new LineCounter()
  const parsed = parseAllDocuments(text, { lineCounter: lines, prettyErrors: false, stringKeys: true, logLevel: 'silent' })
  return { text, lines, documents: Array.isArray(parsed) ? (parsed as unknown as YamlDocument[]) : [] }
}

function readYaml(yaml: Yaml, collector: Collector): void {
  yaml.documents.forEach((document, index) => {
    const label = `document ${index + 1}`
    const lineOf: LineOf = path => yamlLineOf(document, yaml.lines, path)
    const errors = [...document.errors, ...document.warnings]
    for (const error of errors.slice(0, MAX_FAULTS)) {
      collector.fault(label, [], yaml.lines.linePos(error.pos[0]).line, null, yamlMessage(error, yaml.text), 'YAML 1.2')
    }
    if (errors.length > 0) return
    try {
      collector.add(document.toJS({ maxAliasCount: MAX_ALIASES }), [], label, lineOf)
    } catch (error) {
      // The reader's own refusals: an alias of nothing, or too many of them.
      const message = (error as Error).message
      const isUnknown = message.startsWith('Unresolved alias')
      const told = isUnknown ? message.replace(/^.*: /, 'no anchor is named ') : 'aliases are expanded too often'
      collector.fault(label, [], lineOf([]), null, told, isUnknown ? 'an anchor before its alias' : `at most ${MAX_ALIASES} expansions`)
    }
  })
}
