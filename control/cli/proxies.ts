import { wallClock } from '../../proxy/util/clock.ts'
import type { ProxyStatus } from '../xds/status.ts'
import { ApiClient } from './api-client.ts'
import type { Command, Context } from './command.ts'
import { API_FLAG, NAMESPACE_FLAG, OUTPUT_FLAG } from './common-flags.ts'
import { structured, table } from './output.ts'

/** `outrider proxies`: who runs what. */
export const proxiesCommand: Command = {
  name: 'proxies',
  summary: 'show every sidecar, what it runs, and what it refused',
  usage: '[flags]',
  description: 'Sidecars of all namespaces, unless --namespace is given.',
  examples: [
    { text: 'all of them', command: 'outrider proxies' },
    { text: 'for a script', command: 'outrider proxies -o json' },
  ],
  flags: [{ ...withoutDefault(), summary: 'only of this namespace' }, OUTPUT_FLAG, API_FLAG],
  positionals: [],
  rest: null,
  run,
}

function withoutDefault() {
  const { default: _, ...flag } = NAMESPACE_FLAG
  return flag
}

async function run({ flags, output }: Context): Promise<number> {
  const client = new ApiClient(flags.requiredText('api'), '--api')
  const { text } = await client.expect({ method: 'GET', path: '/v1/proxies' })
  const all = (JSON.parse(text) as { readonly items: readonly ProxyStatus[] }).items
  const namespace = flags.text('namespace')
  const items = namespace === null ? all : all.filter(proxy => proxy.namespace === namespace)
  const format = flags.requiredText('output')
  if (format === 'json' || format === 'yaml') {
    output.line(structured(format, { items }))
    return 0
  }
  for (const warning of warningsOf(items)) output.warn(warning)
  if (items.length === 0) output.note('no sidecar has connected')
  else output.line(table([['ID', 'SERVICE', 'ADDRESS', 'REVISION', 'IN SYNC', 'SINCE', 'LAST NACK'], ...items.map(row)]))
  return 0
}

/** What each word of the control API means for the operator, and what to do. */
const MEANINGS: Readonly<Record<string, string>> = {
  'foreign-store': 'keeps its last good configuration, which is of another store; `outrider control --adopt` makes it follow this one',
  'old-revision':
    'keeps its last good configuration, which is of a later revision than the control plane has; `outrider control --adopt` makes it follow',
  insecure: 'the control plane can be reached from other machines, and there are no identities (--insecure)',
  held: 'its registration is lost together with most of its service: the endpoint is kept, and picked last',
  unhealthy: 'its registration is lost: the endpoint is picked last',
}
/** Ids that a warning names. */
const MAX_NAMED = 5

/** One line for each kind of warning, with the sidecars that it concerns. */
export function warningsOf(proxies: readonly Pick<ProxyStatus, 'id' | 'warnings'>[]): readonly string[] {
  return [...new Set(proxies.flatMap(proxy => proxy.warnings))].map(word => {
    const ids = proxies.filter(proxy => proxy.warnings.includes(word)).map(proxy => proxy.id)
    const more = ids.length > MAX_NAMED ? ` and ${ids.length - MAX_NAMED} more` : ''
    return `${word} (${ids.slice(0, MAX_NAMED).join(', ')}${more})${MEANINGS[word] === undefined ? '' : `: ${MEANINGS[word]}`}`
  })
}

function row(proxy: ProxyStatus): readonly string[] {
  const state = proxy.isConnected ? (proxy.inSync ? 'yes' : 'no') : 'gone'
  const nack = proxy.lastNack === null ? '-' : proxy.lastNack.message.replace(/\s+/g, ' ').slice(0, 120)
  return [
    proxy.id,
    `${proxy.namespace}/${proxy.service}`,
    proxy.address === '' ? '-' : proxy.address,
    proxy.version,
    state,
    age(proxy.since),
    nack,
  ]
}

/** `12s`, `5m`, `3h`, `2d` since a time of RFC 3339. */
function age(since: string): string {
  const seconds = Math.max(0, Math.floor((wallClock.now() - Date.parse(since)) / 1_000))
  if (Number.isNaN(seconds)) return since
  if (seconds < 60) return `${seconds}s`
  if (seconds < 3_600) return `${Math.floor(seconds / 60)}m`
  return seconds < 86_400 ? `${Math.floor(seconds / 3_600)}h` : `${Math.floor(seconds / 86_400)}d`
}
