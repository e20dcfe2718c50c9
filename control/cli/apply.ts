import { monotonicClock } from '../../proxy/util/clock.ts'
import type { Fault } from '../model/document.ts'
import { documentName } from '../model/document.ts'
import type { SourceDocument } from '../model/source.ts'
import { type ApiAnswer, ApiClient, problemOf } from './api-client.ts'
import type { Command, Context } from './command.ts'
import { API_FLAG, FILES_FLAG } from './common-flags.ts'
import { faultLine, loadFiles, placed, withOrigin } from './document-files.ts'
import { CommandError, EXIT_CODES } from './exit-codes.ts'
import { awaitForce } from './in-force.ts'
import type { Output } from './output.ts'

/** `outrider apply`: documents into force, or why not. */
export const applyCommand: Command = {
  name: 'apply',
  summary: 'create or change services, routes and policies',
  usage: '-f FILE|DIR|- [flags]',
  description:
    'Sends all documents in one call: all of them hold, or none. Then waits until every connected sidecar runs them, and says so; exits 1 with the file and line of what a sidecar refused.',
  examples: [
    { text: 'one file', command: 'outrider apply -f routes.yaml' },
    { text: 'every file of a folder, checked and not changed', command: 'outrider apply -f mesh/ --dry-run' },
    { text: 'from another program', command: 'generate-routes | outrider apply -f -' },
  ],
  flags: [
    { ...FILES_FLAG, isRequired: true },
    { name: 'dry-run', type: { kind: 'boolean' }, summary: 'check, say what would change, and change nothing' },
    { name: 'no-wait', type: { kind: 'boolean' }, summary: 'do not wait for the sidecars' },
    { name: 'timeout', type: { kind: 'duration' }, default: '30s', summary: 'how long to wait for the sidecars' },
    API_FLAG,
  ],
  positionals: [],
  rest: null,
  run,
}

interface Answer {
  readonly dryRun: boolean
  readonly results: readonly { readonly kind: string; readonly namespace: string; readonly name: string; readonly change: string }[]
  readonly warnings: readonly Fault[]
}

async function run(context: Context): Promise<number> {
  const { flags, output } = context
  const { sources, faults } = loadFiles(flags.list('file'))
  if (faults.length > 0) throw refused(faults)
  if (sources.length === 0) throw new CommandError('failed', `${flags.list('file').join(', ')} holds no document`)
  const client = new ApiClient(flags.requiredText('api'), '--api')
  const isDryRun = flags.boolean('dry-run')
  const startedAt = monotonicClock.now()
  const body = sources.map(withOrigin)
  const sent = await client.call({ method: 'POST', path: `/v1/apply${isDryRun ? '?dryRun=true' : ''}`, body })
  if (sent.status !== 200) throw refusalOf(sent, sources, output)
  const answer = JSON.parse(sent.text) as Answer
  for (const warning of answer.warnings) output.warn(faultLine(placed(warning, sources)))
  printResults(context, answer, sources)
  if (isDryRun) output.line('dry run: nothing was changed')
  if (isDryRun || flags.boolean('no-wait')) return EXIT_CODES.ok.code
  const revision = Number(String(sent.headers.etag ?? '').replaceAll('"', ''))
  return awaitForce({ client, output, revision, timeoutMs: flags.durationMs('timeout') ?? 0, startedAt, documents: body })
}

function printResults(context: Context, answer: Answer, sources: readonly SourceDocument[]): void {
  const styles = { created: 'green', updated: 'yellow', unchanged: 'dim' } as const
  answer.results.forEach((result, index) => {
    const source = sources[index]
    const place = source === undefined ? '' : ` (${source.file ?? 'stdin'}:${source.lineOf([]) ?? 1})`
    const style = styles[result.change as keyof typeof styles] ?? 'bold'
    context.output.line(
      `${context.output.paint(style, result.change.padEnd(9))} ${documentName({ kind: result.kind, metadata: result })}${place}`,
    )
  })
}

function refusalOf(sent: ApiAnswer, sources: readonly SourceDocument[], output: Output): CommandError {
  const { detail, errors, warnings = [] } = problemOf(sent)
  for (const warning of warnings) output.warn(faultLine(placed(warning, sources)))
  if (errors !== undefined) return refused(errors.map(fault => placed(fault, sources)))
  return new CommandError('failed', detail ?? `the control plane answered ${sent.status}`)
}

function refused(faults: readonly Fault[]): CommandError {
  const count = faults.length === 1 ? '1 fault' : `${faults.length} faults`
  return new CommandError('failed', [...faults.map(faultLine), `${count}; nothing was changed`].join('\n'))
}
