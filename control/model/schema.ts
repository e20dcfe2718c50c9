import { nearest } from './nearest.ts'

/** Where in a document: `['spec', 'rules', 0, 'name']`. */
export type Path = readonly (string | number)[]

/** Hears of what a check finds. Everything is reported, not the first fault alone. */
export interface Report {
  /** @param allowed what would be right. */
  fault(path: Path, value: unknown, message: string, allowed: string): void
  /** Of what is applied nevertheless. */
  warning(path: Path, value: unknown, message: string, allowed: string): void
}

/** JSON Schema 2020-12, for the control API's description. */
export type JsonSchema = Readonly<Record<string, unknown>>

/** What a value must be: checks it, and describes itself. */
export interface Schema {
  readonly json: JsonSchema
  check(value: unknown, path: Path, report: Report): void
}

/** The plain object of a mapping, as YAML and JSON give it. */
export type Mapping = Readonly<Record<string, unknown>>

/** A rule over several fields of one mapping. Runs whatever its fields hold, so it must look before it reads. */
export type Rule = (value: Mapping, path: Path, report: Report) => void

/** What an object schema is made of. */
export interface ObjectShape {
  readonly fields: Readonly<Record<string, Schema>>
  readonly required?: readonly string[]
  /** Fields that are known and not built yet: refused by name. */
  readonly later?: readonly string[]
  readonly rules?: readonly Rule[]
  readonly description?: string
}

/** What operators read where they use a thing that is known and not built. */
export const NOT_IN_EFFECT = 'not in effect in this version'

/** True for what YAML calls a mapping and JSON an object. */
export function isMapping(value: unknown): value is Mapping {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** A mapping with these fields and no others. */
export function object(shape: ObjectShape): Schema {
  const names = Object.keys(shape.fields)
  const required = shape.required ?? []
  const properties = Object.fromEntries(Object.entries(shape.fields).map(([name, schema]) => [name, schema.json]))
  const description = shape.description === undefined ? {} : { description: shape.description }
  return {
    json: { type: 'object', ...description, properties, ...(required.length > 0 ? { required } : {}), additionalProperties: false },
    check(value, path, report) {
      if (!isMapping(value)) {
        report.fault(path, value, `must be a mapping, not ${typeName(value)}`, `a mapping of ${names.join(', ')}`)
        return
      }
      checkMembers(value, shape, path, report)
      for (const rule of shape.rules ?? []) rule(value, path, report)
    },
  }
}

/** Unknown fields of one mapping that are reported: each is compared with all known ones, and a hostile mapping has a hundred thousand. */
const MAX_UNKNOWN = 50

function checkMembers(value: Mapping, shape: ObjectShape, path: Path, report: Report): void {
  let unknownCount = 0
  for (const [name, member] of Object.entries(value)) {
    const schema = Object.hasOwn(shape.fields, name) ? shape.fields[name] : undefined
    if (schema === undefined && ++unknownCount > MAX_UNKNOWN) continue
    if (schema === undefined) unknownField(name, member, shape, path, report)
    else if (member !== undefined) schema.check(member, [...path, name], report)
  }
  for (const name of shape.required ?? []) {
    if (value[name] === undefined) report.fault([...path, name], undefined, 'is required', allowedOf(shape.fields[name]))
  }
}

function unknownField(name: string, value: unknown, shape: ObjectShape, path: Path, report: Report): void {
  const names = Object.keys(shape.fields)
  if (shape.later?.includes(name)) {
    report.fault([...path, name], value, `${name} is ${NOT_IN_EFFECT}`, names.join(', '))
    return
  }
  const near = nearest(name, [...names, ...(shape.later ?? [])])
  const hint = near === null ? '' : `, did you mean ${near}?`
  report.fault([...path, name], value, `unknown field ${name}${hint}`, names.join(', '))
}

/** How many items a list may have, and rules over all of them. */
export interface ListShape {
  readonly min?: number
  readonly max: number
  readonly rules?: readonly ((items: readonly unknown[], path: Path, report: Report) => void)[]
}

/** A list of like items. */
export function list(item: Schema, shape: ListShape): Schema {
  const min = shape.min ?? 0
  return {
    json: { type: 'array', items: item.json, ...(min > 0 ? { minItems: min } : {}), maxItems: shape.max },
    check(value, path, report) {
      if (!Array.isArray(value)) {
        report.fault(path, value, `must be a list, not ${typeName(value)}`, 'a list')
        return
      }
      if (value.length < min)
        report.fault(path, value, `must have at least ${min} ${min === 1 ? 'item' : 'items'}`, `${min} to ${shape.max} items`)
      if (value.length > shape.max) {
        report.fault(path, `${value.length} items`, `must have at most ${shape.max} items`, `${min} to ${shape.max} items`)
        return
      }
      value.forEach((member, index) => {
        item.check(member, [...path, index], report)
      })
      for (const rule of shape.rules ?? []) rule(value, path, report)
    },
  }
}

/** A mapping with free keys, such as labels. */
export function record(key: (name: string) => string | null, value: Schema, max: number): Schema {
  return {
    json: { type: 'object', additionalProperties: value.json, maxProperties: max },
    check(given, path, report) {
      if (!isMapping(given)) {
        report.fault(path, given, `must be a mapping, not ${typeName(given)}`, 'a mapping')
        return
      }
      const entries = Object.entries(given)
      if (entries.length > max) report.fault(path, `${entries.length} entries`, `must have at most ${max} entries`, `0 to ${max} entries`)
      for (const [name, member] of entries.slice(0, max)) {
        const wrong = key(name)
        if (wrong !== null)
          report.fault([...path, name], name, `the key ${wrong}`, 'letters, digits, -, _ and . with an optional DNS/ prefix')
        value.check(member, [...path, name], report)
      }
    },
  }
}

/** What a field takes, in words: its schema's description, enumeration or type. */
function allowedOf(schema: Schema | undefined): string {
  const { description, enum: words, type, minimum, maximum, properties } = schema?.json ?? {}
  if (isMapping(properties)) return `a mapping of ${Object.keys(properties).join(', ')}`
  if (typeof description === 'string') return description
  if (Array.isArray(words)) return words.map(known => (known === '' ? '""' : known)).join(', ')
  if (type === 'integer') return `a whole number from ${minimum} to ${maximum}`
  return type === 'array' ? 'a list' : 'a mapping'
}

/** `text`, `a number`, ...: how messages name what they found. */
export function typeName(value: unknown): string {
  if (value === null) return 'empty'
  if (Array.isArray(value)) return 'a list'
  const names: Readonly<Record<string, string>> = { string: 'text', number: 'a number', boolean: 'true or false', object: 'a mapping' }
  return names[typeof value] ?? typeof value
}

/** `spec.rules[0].matches[1].path.value`; keys that are no plain words stand in brackets and quotes. */
export function formatPath(path: Path): string {
  let text = ''
  for (const part of path) {
    if (typeof part === 'number') text += `[${part}]`
    else if (/^[A-Za-z_][A-Za-z0-9_-]*$/.test(part)) text += text === '' ? part : `.${part}`
    else text += `[${JSON.stringify(part)}]`
  }
  return text
}
