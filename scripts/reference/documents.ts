import { KINDS, type Kind } from '../../control/model/document.ts'
import { API_VERSIONS, jsonSchemaOf } from '../../control/model/kinds.ts'
import type { JsonSchema } from '../../control/model/schema.ts'
import { cell, code } from './cells.ts'
import { FIELD_MEANINGS } from './field-meanings.ts'

/** One field that an operator can write. */
interface Field {
  readonly path: string
  readonly isRequired: boolean
  readonly schema: JsonSchema
}

type Properties = Readonly<Record<string, JsonSchema>>

/** The fields below a schema, as deep as they have meanings of their own: where one is known, what is below it belongs to it. */
function* fieldsOf(schema: JsonSchema, path: string): Generator<Field> {
  const required = (schema['required'] ?? []) as readonly string[]
  for (const [name, member] of Object.entries((schema['properties'] ?? {}) as Properties)) {
    const at = `${path}.${name}`
    const items = member['items'] as JsonSchema | undefined
    if (FIELD_MEANINGS[at] !== undefined) yield { path: at, isRequired: required.includes(name), schema: member }
    else if (items?.['properties'] !== undefined) yield* fieldsOf(items, `${at}[]`)
    else if (member['properties'] !== undefined) yield* fieldsOf(member, at)
    else throw new Error(`${at} has no meaning in scripts/reference/field-meanings.ts`)
  }
}

function takes(schema: JsonSchema): string {
  const { type, minimum, maximum, description } = schema
  const words = schema['enum'] as readonly unknown[] | undefined
  if (words !== undefined) return words.map(word => code(word === '' ? '""' : String(word))).join(', ')
  if (type === 'array') return `a list: ${takes(schema['items'] as JsonSchema)}`
  if (type === 'integer') return `a whole number from ${minimum} to ${maximum}`
  if (type === 'number') return `a number from ${minimum} to ${maximum}`
  if (type === 'boolean') return '`true`, `false`'
  if (schema['additionalProperties'] instanceof Object) return 'names and values'
  return cell(String(description ?? type))
}

function section(kind: Kind): string {
  const json = jsonSchemaOf(kind)
  const spec = (json['properties'] as Properties)['spec'] as JsonSchema
  const rows = [...fieldsOf(spec, kind)].map(({ path, isRequired, schema }) => {
    const name = path.slice(kind.length + 1)
    return `| ${code(`spec.${name}`)}${isRequired ? ' *' : ''} | ${cell(FIELD_MEANINGS[path] ?? '')} | ${takes(schema)} |`
  })
  return `## ${kind}\n\n\`apiVersion: ${API_VERSIONS[kind]}\`: ${String(spec['description'])}.\n\n| field | what | takes |\n| --- | --- | --- |\n${rows.join('\n')}\n`
}

/** The reference of documents. Throws where a field and the meanings differ. */
export function documentsPage(): string {
  const known = new Set(
    KINDS.flatMap(kind =>
      [...fieldsOf((jsonSchemaOf(kind)['properties'] as Properties)['spec'] as JsonSchema, kind)].map(each => each.path),
    ),
  )
  const stray = Object.keys(FIELD_MEANINGS).filter(path => !known.has(path))
  if (stray.length > 0) throw new Error(`meanings of fields that do not exist: ${stray.join(', ')}`)
  return `# Documents

Made by \`npm run generate\` from the schemas that check what is applied. What each default is and why: [defaults.md](defaults.md). What wrong input is told: [bad-input.md](bad-input.md).

YAML or JSON, several documents a file. Every document has \`apiVersion\`, \`kind\`, \`metadata.name\` and, left out for \`default\`, \`metadata.namespace\`. A field with * must be there. A field that is not known is refused, with the
nearest one that is; so is one that is known and not in effect in this version. Durations are the Gateway API's: \`10s\`, \`500ms\`, \`1h30m\`.

${KINDS.map(section).join('\n')}`
}
