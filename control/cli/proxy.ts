import type { ProxyAddresses } from '../../proxy/options.ts'
import type { Command, Context } from './command.ts'
import { endSoon, untilAskedToEnd } from './ending.ts'
import { CommandError } from './exit-codes.ts'
import { announceReady, clearReady } from './ready.ts'
import { proxyOptions, refuseTwoSources, SIDECAR_FLAGS } from './sidecar-flags.ts'
import { formatAddress } from './values.ts'

/** `outrider proxy`: a sidecar for one app, until a signal. It never moves a port: a busy one is an error. */
export const proxyCommand: Command = {
  name: 'proxy',
  summary: 'run a sidecar for one app',
  usage: '--service NAME [flags]',
  description:
    'Carries the HTTP traffic of one app in both directions: the app sends through --outbound, peers reach it through --inbound. SIGTERM leaves gracefully: no caller sees it. A second signal ends at once.',
  examples: [
    { text: 'a sidecar for the app on port 8080', command: 'outrider proxy --service orders --app 127.0.0.1:8080' },
    { text: 'one sidecar alone, configured by a file', command: 'outrider proxy --service web --documents routes.yaml' },
  ],
  flags: SIDECAR_FLAGS,
  positionals: [],
  rest: null,
  run: runProxy,
}

async function runProxy(context: Context): Promise<number> {
  const { flags, output } = context
  refuseTwoSources(flags)
  clearReady(flags.text('ready-file'))
  const { startProxy } = await import('../../proxy/main.ts')
  const documents = flags.text('documents')
  const embedded = documents === null ? null : await (await import('./documents.ts')).serveDocuments(documents)
  const started = await startProxy(proxyOptions(flags, embedded === null ? {} : { control: embedded.xds }))
  if (!started.ok) {
    await embedded?.close()
    throw new CommandError('failed', `${started.message}; --${started.flag} chooses another`)
  }
  const { proxy } = started
  const ended = untilAskedToEnd(
    proxy.asked,
    () => proxy.leave(),
    () => process.exit(1),
  )
  // An end that comes before it was ever ready must not wait for that.
  const isReady = await Promise.race([proxy.outboundReady.then(() => true), ended.then(() => false)])
  if (isReady) announceReady(output, 'proxy', readyKeys(proxy.addresses), flags.text('ready-file'))
  await ended
  await proxy.close()
  await embedded?.close()
  endSoon()
  return 0
}

/** The JSON of a ready line: addresses by the names of their flags. */
export function readyKeys(addresses: ProxyAddresses): Record<string, string> {
  const keys: Record<string, string> = {}
  for (const [name, { address, port }] of Object.entries(addresses)) keys[name] = formatAddress({ host: address, port })
  return keys
}
