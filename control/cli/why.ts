import type { FailureRecord } from '../../proxy/telemetry/failure-record.ts'
import { ApiClient } from './api-client.ts'
import type { Command, Context } from './command.ts'
import { API_FLAG, NAMESPACE_FLAG, OUTPUT_FLAG } from './common-flags.ts'
import { CommandError, EXIT_CODES } from './exit-codes.ts'
import { structured } from './output.ts'
import { formatAddress } from './values.ts'

/** Requests of one trace that are asked for. */
const OF_ONE_ID = 100
/** Failures that are shown where nobody says how many: a screenful. */
const DEFAULT_LAST = 20
/** Ids that a sentence names. */
const MAX_NAMED = 5

/** `outrider why`: what happened to a request that failed, and what to do about it. */
export const whyCommand: Command = {
  name: 'why',
  summary: 'say why a request failed, and what to do about it',
  usage: '[REQUEST-ID|TRACE-ID] [flags]',
  description:
    'Asks every sidecar of the mesh by the control plane, or one of them by --admin. The body of an error that a sidecar made names the request id; so does the field x-request-id. Without an id: the last failures of all.',
  examples: [
    { text: 'the request that an error names', command: 'outrider why 6f1c4f0e-8a53-4c1e-9d53-0b0d6e3a5f11' },
    { text: 'what has failed lately to or from one service', command: 'outrider why --last 20 --service orders' },
  ],
  flags: [
    { name: 'last', type: { kind: 'integer', min: 1, max: 1_000 }, summary: `so many requests, the latest; left out: ${DEFAULT_LAST}` },
    { name: 'service', type: { kind: 'name' }, summary: 'that called or was called' },
    { name: 'admin', type: { kind: 'address' }, summary: 'ask the sidecar with this admin port alone' },
    { ...withoutDefault(), summary: 'of the service that called or was called' },
    OUTPUT_FLAG,
    API_FLAG,
  ],
  positionals: [{ name: 'ID', summary: 'request id, or trace id of 32 hexadecimal digits', isRequired: false }],
  rest: null,
  run,
}

function withoutDefault() {
  const { default: _, ...flag } = NAMESPACE_FLAG
  return flag
}

/** What was asked, and what the control plane or one sidecar found. */
interface Found {
  readonly items: readonly FailureRecord[]
  /** Sidecars that did not answer. */
  readonly silent: readonly string[]
  readonly asked: number
  readonly omitted: number
}

async function run(context: Context): Promise<number> {
  const { flags, output } = context
  const id = idOf(context)
  const admin = flags.address('admin')
  const found = admin === null ? await askControlPlane(context, id) : await askSidecar(formatAddress(admin), queryOf(context, id))
  const code = found.items.length === 0 ? EXIT_CODES.failed.code : EXIT_CODES.ok.code
  const format = flags.requiredText('output')
  if (format === 'json' || format === 'yaml') {
    output.line(structured(format, found))
    return code
  }
  if (found.items.length === 0) throw new CommandError('failed', nothingText(id, found))
  const [{ storiesOf }, { storyText }] = await Promise.all([import('./failure-story.ts'), import('./failure-text.ts')])
  const traces = admin === null && found.items.some(each => each.trace_id !== null) ? await traceBase(flags.requiredText('api')) : null
  output.line(
    storiesOf(found.items)
      .map(story => storyText(story, traces, output))
      .join('\n\n'),
  )
  if (found.omitted > 0) output.note(`${found.omitted} older ones were left out, because an answer is bounded`)
  if (found.silent.length > 0) output.warn(silentText(found))
  return code
}

function idOf({ flags, positionals }: Context): string | null {
  const [id = null] = positionals
  if (id === null) return null
  if (flags.has('last')) throw new CommandError('usage', 'give either an ID or --last, not both')
  if (!/^[\x21-\x7e]{1,128}$/.test(id))
    throw new CommandError('usage', `ID: ${JSON.stringify(id)} is not allowed; must be 1 to 128 visible characters`)
  return id
}

function queryOf({ flags }: Context, id: string | null): URLSearchParams {
  const query = new URLSearchParams({ last: String(flags.integer('last') ?? (id === null ? DEFAULT_LAST : OF_ONE_ID)) })
  if (id !== null) query.set('id', id)
  for (const name of ['service', 'namespace']) {
    const value = flags.text(name)
    if (value !== null) query.set(name, value)
  }
  return query
}

async function askControlPlane(context: Context, id: string | null): Promise<Found> {
  const client = new ApiClient(context.flags.requiredText('api'), '--api')
  try {
    const { text } = await client.expect({ method: 'GET', path: `/v1/failures?${queryOf(context, id)}` })
    return JSON.parse(text) as Found
  } catch (error) {
    if (!(error instanceof CommandError) || error.exit !== 'unreachable') throw error
    throw new CommandError('unreachable', `${error.message}\n--admin HOST:PORT asks one sidecar, which needs no control plane`)
  }
}

async function askSidecar(admin: string, query: URLSearchParams): Promise<Found> {
  const { text } = await new ApiClient(`http://${admin}`, '--admin').expect({ method: 'GET', path: `/failures?${query}` })
  return { silent: [], asked: 1, omitted: 0, ...(JSON.parse(text) as Pick<Found, 'items'>) }
}

/** Where traces are shown; null where the control plane does not say, or is of a version that shows none. */
async function traceBase(api: string): Promise<string | null> {
  const answer = await new ApiClient(api, '--api').call({ method: 'GET', path: '/v1/links' })
  if (answer.status !== 200) return null
  const { jaeger } = JSON.parse(answer.text) as { readonly jaeger?: string | null }
  return typeof jaeger === 'string' ? `${new URL(jaeger, `${api}/`).href.replace(/\/$/, '')}/trace/` : null
}

/** Why nothing is known of it. */
function nothingText(id: string | null, found: Found): string {
  const { asked, silent } = found
  const answered = asked - silent.length
  const who = `${answered} of ${asked} ${asked === 1 ? 'sidecar' : 'sidecars'} answered`
  const what = id === null ? 'no failure is known' : `nothing is known of ${id}`
  const why =
    'only failures are kept (a 5xx, what a sidecar answered itself, what was broken off), the last 1,000 of each sidecar since its start'
  return [`${what}: ${who}; ${why}`, ...(silent.length === 0 ? [] : [silentText(found)])].join('\n')
}

function silentText({ silent, asked }: Found): string {
  const more = silent.length > MAX_NAMED ? ` and ${silent.length - MAX_NAMED} more` : ''
  return `${silent.length} of ${asked} sidecars did not answer (${silent.slice(0, MAX_NAMED).join(', ')}${more}): what only they have seen is missing`
}
