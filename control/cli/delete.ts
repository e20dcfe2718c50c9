import { type Document, documentName } from '../model/document.ts'
import { ApiClient, problemOf } from './api-client.ts'
import type { Command, Context } from './command.ts'
import { API_FLAG, FILES_FLAG, NAMESPACE_FLAG } from './common-flags.ts'
import { faultLine, loadFiles } from './document-files.ts'
import { CommandError, EXIT_CODES } from './exit-codes.ts'
import { readKind } from './get.ts'

/** `outrider delete`: removes documents. */
export const deleteCommand: Command = {
  name: 'delete',
  summary: 'remove services, routes and policies',
  usage: 'KIND NAME | -f FILE|DIR|- [flags]',
  description: 'Exits 1 where one of the documents was not there.',
  examples: [
    { text: 'one route', command: 'outrider delete httproute orders' },
    { text: 'all that a file holds', command: 'outrider delete -f routes.yaml' },
  ],
  flags: [FILES_FLAG, NAMESPACE_FLAG, API_FLAG],
  positionals: [
    { name: 'KIND', summary: 'kind of document', isRequired: false },
    { name: 'NAME', summary: 'its name', isRequired: false },
  ],
  rest: null,
  run,
}

type Target = Pick<Document, 'metadata'> & { readonly kind: string }

async function run(context: Context): Promise<number> {
  const { flags, output } = context
  const client = new ApiClient(flags.requiredText('api'), '--api')
  let code: number = EXIT_CODES.ok.code
  for (const target of targetsOf(context)) {
    const { namespace, name } = target.metadata
    const path = `/v1/${[target.kind, namespace, name].map(encodeURIComponent).join('/')}`
    const answer = await client.call({ method: 'DELETE', path })
    if (answer.status === 204) output.line(`deleted ${documentName(target)}`)
    else {
      output.note(problemOf(answer).detail ?? `${documentName(target)}: the answer was ${answer.status}`)
      code = EXIT_CODES.failed.code
    }
  }
  return code
}

function targetsOf({ flags, positionals }: Context): readonly Target[] {
  const [word, name] = positionals
  const files = flags.list('file')
  if (files.length > 0) {
    if (word !== undefined) throw new CommandError('usage', 'give either KIND NAME or -f, not both')
    const { sources, faults } = loadFiles(files)
    if (faults.length > 0) throw new CommandError('failed', faults.map(faultLine).join('\n'))
    return sources.map(source => {
      const { kind, metadata } = source.document
      return {
        kind: readKind(String(kind)),
        metadata: { namespace: String(metadata?.namespace ?? 'default'), name: String(metadata?.name ?? '') },
      }
    })
  }
  if (word === undefined || name === undefined) throw new CommandError('usage', 'what to delete is missing: KIND NAME, or -f FILE')
  return [{ kind: readKind(word), metadata: { namespace: flags.requiredText('namespace'), name } }]
}
