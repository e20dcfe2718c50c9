import { parseDuration } from '../model/duration.ts'
import type { FlagKind, FlagSpec } from './command.ts'

/** A value as commands take it. */
export type Value = boolean | number | string | Address | readonly string[] | Readonly<Record<string, string>>

/** HOST:PORT. IPv6 hosts are without their brackets. */
export interface Address {
  readonly host: string
  readonly port: number
}

export type Parsed = { readonly ok: true; readonly value: Value } | { readonly ok: false; readonly allowed: string }

/** `127.0.0.1:80`, `[::1]:80`. */
export function formatAddress(address: Address): string {
  return address.host.includes(':') ? `[${address.host}]:${address.port}` : `${address.host}:${address.port}`
}

/** Reads HOST:PORT; null when it is not one. */
export function parseAddress(text: string): Address | null {
  const match = /^(?:\[([0-9a-fA-F:.]+(?:%[\w.]+)?)\]|([\w.-]+)):(\d{1,5})$/.exec(text)
  if (match === null) return null
  const port = Number(match[3])
  return port > 65_535 ? null : { host: (match[1] ?? match[2]) as string, port }
}

const TRUTH: Readonly<Record<string, boolean>> = {
  true: true,
  yes: true,
  on: true,
  '1': true,
  false: false,
  no: false,
  off: false,
  '0': false,
}

const LABEL = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/

/** What a kind allows, for messages and help. */
export function allowedText(kind: FlagKind): string {
  switch (kind.kind) {
    case 'boolean':
      return 'true or false'
    case 'text':
      return 'a text that is not empty'
    case 'name':
      return 'lower-case letters, digits and hyphens, at most 63'
    case 'address':
      return 'HOST:PORT, such as 127.0.0.1:15080 or [::1]:0'
    case 'url':
      return 'a URL with http or https, such as http://127.0.0.1:15080'
    case 'duration':
      return 'a duration, such as 500ms, 10s or 1m30s'
    case 'integer':
      return `a whole number from ${kind.min} to ${kind.max}`
    case 'list':
      return 'names separated by commas'
    case 'map':
      return 'K=V, several separated by commas, such as version=v2,zone=a'
    case 'enum':
      return kind.values.length === 1 ? (kind.values[0] as string) : `one of ${kind.values.join(', ')}`
    case 'path':
      return 'a path of a file or folder'
  }
}

const VALUE_NAMES = {
  boolean: '',
  text: 'TEXT',
  name: 'NAME',
  address: 'HOST:PORT',
  url: 'URL',
  duration: 'DURATION',
  integer: 'N',
  list: 'A,B,...',
  map: 'K=V,...',
  enum: '',
  path: 'PATH',
} as const

/** How help names a flag's value. */
export function valueName(spec: FlagSpec): string {
  if (spec.valueName !== undefined) return spec.valueName
  return spec.type.kind === 'enum' ? spec.type.values.join('|') : VALUE_NAMES[spec.type.kind]
}

/** Reads one value as it was written. */
export function parseValue(kind: FlagKind, text: string): Parsed {
  const value = read(kind, text)
  return value === null ? { ok: false, allowed: allowedText(kind) } : { ok: true, value }
}

function read(kind: FlagKind, text: string): Value | null {
  switch (kind.kind) {
    case 'boolean':
      return TRUTH[text.toLowerCase()] ?? null
    case 'text':
    case 'path':
      return text === '' || text.includes('\0') ? null : text
    case 'name':
      return LABEL.test(text) ? text : null
    case 'address':
      return parseAddress(text)
    case 'url':
      return readUrl(text)
    case 'duration':
      return parseDuration(text)
    case 'integer':
      return readInteger(text, kind.min, kind.max)
    case 'list':
      return readList(text)
    case 'map':
      return readMap(text)
    case 'enum':
      return kind.values.includes(text) ? text : null
  }
}

function readUrl(text: string): string | null {
  if (!/^https?:\/\//i.test(text) || !URL.canParse(text)) return null
  return text.replace(/\/+$/, '')
}

function readInteger(text: string, min: number, max: number): number | null {
  if (!/^-?\d{1,15}$/.test(text)) return null
  const value = Number(text)
  return value >= min && value <= max ? value : null
}

function readList(text: string): readonly string[] | null {
  const items = text.split(',').map(each => each.trim())
  return items.includes('') ? null : items
}

function readMap(text: string): Readonly<Record<string, string>> | null {
  const map: Record<string, string> = {}
  for (const item of text.split(',')) {
    const [key, value] = splitOnce(item.trim(), '=')
    if (value === null || !/^[A-Za-z0-9]([\w./-]{0,251}[A-Za-z0-9])?$/.test(key) || Object.hasOwn(map, key)) return null
    map[key] = value
  }
  return map
}

/** The parts before and after the first `mark`; the second is null where there is none. */
export function splitOnce(text: string, mark: string): readonly [string, string | null] {
  const at = text.indexOf(mark)
  return at === -1 ? [text, null] : [text.slice(0, at), text.slice(at + mark.length)]
}
