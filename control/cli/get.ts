import type { Condition } from '../api/conditions.ts'
import { type Document, KINDS, ORIGIN_ANNOTATION } from '../model/document.ts'
import { kindOf } from '../model/kinds.ts'
import { nearest } from '../model/nearest.ts'
import { ApiClient } from './api-client.ts'
import type { Command, Context } from './command.ts'
import { API_FLAG, NAMESPACE_FLAG, OUTPUT_FLAG } from './common-flags.ts'
import { CommandError } from './exit-codes.ts'
import { structured, table } from './output.ts'

type Stated = Document & { readonly status?: { readonly conditions: readonly Condition[] } }

/** `outrider get`: documents and their status. */
export const getCommand: Command = {
  name: 'get',
  summary: 'show services, routes and policies, and whether they are in force',
  usage: 'KIND [NAME] [flags]',
  description: `Kinds: ${KINDS.join(', ')}; case does not matter.`,
  examples: [
    { text: 'every route of a namespace', command: 'outrider get httproute -n shop' },
    { text: 'one document, to be edited and applied again', command: 'outrider get service orders -o yaml > orders.yaml' },
  ],
  flags: [
    NAMESPACE_FLAG,
    { name: 'all-namespaces', short: 'A', type: { kind: 'boolean' }, summary: 'of every namespace' },
    OUTPUT_FLAG,
    API_FLAG,
  ],
  positionals: [
    { name: 'KIND', summary: 'kind of document, such as service or httproute', isRequired: true },
    { name: 'NAME', summary: 'name of one document; left out: all', isRequired: false },
  ],
  rest: null,
  run,
}

/** The kind that an argument names. Throws CommandError for one that is unknown. */
export function readKind(word: string): string {
  const kind = kindOf(word) ?? kindOf(word.replace(/ies$/i, 'y')) ?? kindOf(word.replace(/e?s$/i, '')) ?? kindOf(word.replace(/s$/i, ''))
  if (kind !== null) return kind
  const near = nearest(word, KINDS)
  throw new CommandError('usage', `unknown kind "${word}"; ${near === null ? `known: ${KINDS.join(', ')}` : `did you mean ${near}?`}`)
}

async function run(context: Context): Promise<number> {
  const { flags, positionals, output } = context
  const [word, name] = positionals
  const kind = readKind(word as string)
  const client = new ApiClient(flags.requiredText('api'), '--api')
  const isAll = flags.boolean('all-namespaces')
  if (isAll && name !== undefined) throw new CommandError('usage', '--all-namespaces lists; a NAME is in one namespace: use --namespace')
  const namespace = isAll ? '' : `/${encodeURIComponent(flags.requiredText('namespace'))}`
  const path = `/v1/${kind}${namespace}${name === undefined ? '' : `/${encodeURIComponent(name)}`}`
  const { text } = await client.expect({ method: 'GET', path })
  const value = JSON.parse(text) as Stated & { readonly items?: readonly Stated[] }
  const format = flags.requiredText('output')
  if (format === 'json' || format === 'yaml') output.line(structured(format, value))
  else printTable(context, value.items ?? [value], isAll)
  return 0
}

function printTable(context: Context, documents: readonly Stated[], isAll: boolean): void {
  if (documents.length === 0) {
    context.output.note(`none${isAll ? '' : ` in namespace ${context.flags.requiredText('namespace')}`}`)
    return
  }
  const rows = documents.map(document => [
    document.metadata.namespace,
    document.metadata.name,
    conditionText(document, 'ResolvedRefs'),
    programmedText(document),
    document.metadata.resourceVersion ?? '',
    document.metadata.annotations?.[ORIGIN_ANNOTATION] ?? '',
  ])
  context.output.line(table([['NAMESPACE', 'NAME', 'REFERENCES', 'IN FORCE', 'REVISION', 'WRITTEN AT'], ...rows]))
}

function conditionText(document: Stated, type: Condition['type']): string {
  const condition = document.status?.conditions.find(each => each.type === type)
  return condition === undefined ? '' : condition.status === 'True' ? 'ok' : condition.message
}

function programmedText(document: Stated): string {
  return document.status?.conditions.find(each => each.type === 'Programmed')?.message ?? ''
}
