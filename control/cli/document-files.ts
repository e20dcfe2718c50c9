import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { type Document, type Fault, ORIGIN_ANNOTATION } from '../model/document.ts'
import { MAX_TEXT_BYTES, parseDocuments } from '../model/parse.ts'
import type { SourceDocument } from '../model/source.ts'
import { CommandError } from './exit-codes.ts'

/** The documents of several files, in the order of the files. */
export interface Loaded {
  readonly sources: readonly SourceDocument[]
  readonly faults: readonly Fault[]
}

/** Reads the files of `-f`. A folder is read by the names of its files, without its folders. Throws CommandError for what cannot be read. */
export function loadFiles(paths: readonly string[]): Loaded {
  const sources: SourceDocument[] = []
  const faults: Fault[] = []
  for (const path of paths.flatMap(expand)) {
    const parsed = parseDocuments(readText(path), { file: path === '-' ? 'stdin' : path })
    sources.push(...parsed.documents)
    faults.push(...parsed.faults)
  }
  return { sources, faults }
}

/** The document with the place where it was written; `FILE:LINE` of its first line. */
export function withOrigin(source: SourceDocument): Document {
  const { document, file } = source
  const metadata: unknown = document.metadata
  if (typeof metadata !== 'object' || metadata === null || Array.isArray(metadata)) return document
  const given = (metadata as { readonly annotations?: unknown }).annotations
  if (given !== undefined && (typeof given !== 'object' || given === null)) return document
  const origin = `${file ?? 'stdin'}:${source.lineOf([]) ?? 1}`
  return { ...document, metadata: { ...document.metadata, annotations: { ...given, [ORIGIN_ANNOTATION]: origin } } }
}

/**
 * A fault of the control plane at its own line: the control plane knows only where the document begins.
 * @param sources those that were sent.
 */
export function placed(fault: Fault, sources: readonly SourceDocument[]): Fault {
  const source = sources.find(each => `${each.file ?? 'stdin'}:${each.lineOf([]) ?? 1}` === fault.line)
  const line = source?.lineOf(readPath(fault.path)) ?? null
  return source === undefined || line === null ? fault : { ...fault, line: `${source.file ?? 'stdin'}:${line}` }
}

/** A fault as one line: place, document, path, what is wrong, what would be right. */
export function faultLine(fault: Fault): string {
  const place = fault.line === '' ? '' : `${fault.line}: `
  const path = fault.path === '' ? '' : `${fault.path}: `
  const value = fault.value === null || fault.value === undefined ? '' : ` (is ${JSON.stringify(fault.value)})`
  const allowed = fault.allowed === '' ? '' : `; allowed: ${fault.allowed}`
  return `${place}${fault.document}: ${path}${fault.message}${value}${allowed}`
}

/** The parts of `spec.rules[0].matches["a b"]`. */
export function readPath(path: string): readonly (string | number)[] {
  const parts: (string | number)[] = []
  for (const [, word, index, quoted] of path.matchAll(/([A-Za-z_][\w-]*)|\[(\d+)\]|\[("(?:[^"\\]|\\.)*")\]/g)) {
    if (word !== undefined) parts.push(word)
    else parts.push(index !== undefined ? Number(index) : (JSON.parse(quoted as string) as string))
  }
  return parts
}

function expand(path: string): readonly string[] {
  if (path === '-') return [path]
  try {
    if (!statSync(path).isDirectory()) return [path]
    const names = readdirSync(path).filter(name => /\.(ya?ml|json)$/.test(name))
    if (names.length === 0) throw new CommandError('failed', `${path} holds no .yaml, .yml or .json file`)
    return names.sort().map(name => join(path, name))
  } catch (error) {
    throw error instanceof CommandError ? error : unreadable(path, error as NodeJS.ErrnoException)
  }
}

function readText(path: string): string {
  let octets: Buffer
  try {
    octets = readFileSync(path === '-' ? 0 : path)
  } catch (error) {
    throw unreadable(path, error as NodeJS.ErrnoException)
  }
  if (octets.length > MAX_TEXT_BYTES) throw new CommandError('failed', `${path} is larger than ${MAX_TEXT_BYTES} octets`)
  return octets.toString('utf8')
}

function unreadable(path: string, error: NodeJS.ErrnoException): CommandError {
  return new CommandError(
    'failed',
    `${path} cannot be read: ${error.code === 'ENOENT' ? 'there is no such file or folder' : error.message}`,
  )
}
