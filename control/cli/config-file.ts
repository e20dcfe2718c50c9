import { readFileSync } from 'node:fs'
import { isMap, isScalar, isSeq, LineCounter, type Pair, parseDocument } from 'yaml'
import { nearest } from '../model/nearest.ts'
import type { Written } from './arguments.ts'
import type { FlagSpec } from './command.ts'

/** What a file of flags says. */
export interface ConfigFile {
  readonly written: Written
  readonly faults: readonly string[]
}

/** Octets of a file of flags: nobody writes more, and a wrong path (a log, a device) must not fill the memory. */
const MAX_CONFIG_BYTES = 1024 * 1024

/**
 * Reads the YAML file given by --config: keys are flags, values scalars, lists (of repeated flags and lists) or maps (of K=V flags).
 * @param others flags of other commands, so that a key of theirs is said to be theirs.
 */
export function readConfigFile(file: string, command: string, flags: readonly FlagSpec[], others: ReadonlyMap<string, string>): ConfigFile {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    return { written: new Map(), faults: [`--config: ${file} cannot be read: ${(error as Error).message}`] }
  }
  if (text.length > MAX_CONFIG_BYTES) return { written: new Map(), faults: [`--config: ${file} is larger than ${MAX_CONFIG_BYTES} octets`] }
  return parseConfig(file, text, command, flags, others)
}

/** As `readConfigFile`, of a text. */
export function parseConfig(
  file: string,
  text: string,
  command: string,
  flags: readonly FlagSpec[],
  others: ReadonlyMap<string, string>,
): ConfigFile {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, version: '1.2', schema: 'core' })
  const written: Written = new Map()
  const faults = document.errors.map(error => `${file}:${lines.linePos(error.pos[0]).line}: ${error.message.split('\n')[0]}`)
  if (faults.length > 0 || document.contents === null) return { written, faults }
  if (!isMap(document.contents)) return { written, faults: [`${file}:1: must be a map of flags, such as \`data-dir: data\``] }
  for (const pair of document.contents.items) {
    const line = lines.linePos(rangeStart(pair.key)).line
    const source = `${file}:${line}`
    const key = isScalar(pair.key) ? String(pair.key.value) : ''
    const spec = flags.find(each => each.name === key && each.name !== 'config')
    if (spec === undefined) faults.push(`${source}: ${unknownKey(key, command, flags, others)}`)
    else {
      const texts = textsOf(pair, spec)
      if (texts === null) faults.push(`${source}: ${key} must be ${shapeOf(spec)}`)
      else
        written.set(
          key,
          texts.map(each => ({ text: each, source })),
        )
    }
  }
  return { written, faults }
}

function rangeStart(node: unknown): number {
  return (node as { range?: readonly number[] } | null)?.range?.[0] ?? 0
}

function unknownKey(key: string, command: string, flags: readonly FlagSpec[], others: ReadonlyMap<string, string>): string {
  const other = others.get(key)
  if (other !== undefined) return `${key} is a flag of \`outrider ${other}\`, not of \`outrider ${command}\``
  const close = nearest(
    key,
    flags.map(each => each.name),
  )
  return `unknown key ${key}${close === null ? `; \`outrider ${command} --help\` lists them` : `; did you mean ${close}?`}`
}

function shapeOf(spec: FlagSpec): string {
  if (spec.type.kind === 'map') return 'a map of texts, or K=V'
  return spec.isRepeated === true || spec.type.kind === 'list' ? 'a scalar or a list of scalars' : 'a scalar'
}

function textsOf(pair: Pair, spec: FlagSpec): readonly string[] | null {
  const value = pair.value
  if (isScalar(value)) return value.value === null ? null : [scalarText(value)]
  if (isSeq(value) && (spec.isRepeated === true || spec.type.kind === 'list')) {
    if (!value.items.every(isScalar)) return null
    const items = value.items.map(each => scalarText(each as { value: unknown }))
    return spec.isRepeated === true ? items : [items.join(',')]
  }
  if (isMap(value) && spec.type.kind === 'map') {
    if (!value.items.every(each => isScalar(each.key) && isScalar(each.value))) return null
    return [
      value.items.map(each => `${scalarText(each.key as { value: unknown })}=${scalarText(each.value as { value: unknown })}`).join(','),
    ]
  }
  return null
}

function scalarText(scalar: { readonly value: unknown; readonly source?: string }): string {
  return typeof scalar.value === 'string' ? scalar.value : (scalar.source ?? String(scalar.value))
}
