import { homedir } from 'node:os'
import { join } from 'node:path'
import { createLog, type LogLevel } from '../../proxy/telemetry/log.ts'
import { flushStandardError } from '../../proxy/telemetry/standard-error.ts'
import { startWheel } from '../../proxy/util/timers.ts'
import type { ControlPlane } from '../main.ts'
import type { Log } from '../xds/log.ts'
import type { Command, Context } from './command.ts'
import { clearPid, stopRunning, writePid } from './control-pid.ts'
import { untilAskedToEnd } from './ending.ts'
import { CommandError, EXIT_CODES } from './exit-codes.ts'
import type { FlagValues } from './flag-values.ts'
import { announceReady, clearReady } from './ready.ts'
import { type Address, formatAddress } from './values.ts'
import { version } from './version.ts'

/** `outrider control`: the control plane, until a signal. */
export const controlCommand: Command = {
  name: 'control',
  summary: 'run the control plane',
  usage: '[flags]',
  description:
    'Keeps services, routes and policies in one file of --data-dir, takes changes by the control API (--api), and pushes them to the sidecars (--xds). A signal ends it; sidecars go on with what they have.',
  examples: [
    { text: 'on this machine', command: 'outrider control --data-dir ./mesh' },
    { text: 'end the one that `outrider run` started', command: 'outrider control --stop' },
    {
      text: 'for sidecars of other machines, before there are identities',
      command: 'outrider control --data-dir ./mesh --xds 0.0.0.0:15012 --insecure',
    },
  ],
  flags: [
    { name: 'data-dir', type: { kind: 'path' }, valueName: 'DIR', summary: 'folder of the store; left out: ~/.outrider' },
    { name: 'api', type: { kind: 'address' }, default: '127.0.0.1:15080', summary: 'control API' },
    { name: 'xds', type: { kind: 'address' }, default: '127.0.0.1:15012', summary: 'xDS and registration, for sidecars' },
    { name: 'insecure', type: { kind: 'boolean' }, summary: 'allow --api and --xds to be reached from other machines, without identities' },
    { name: 'adopt', type: { kind: 'boolean' }, summary: 'let sidecars that followed another store follow this one' },
    { name: 'stop', type: { kind: 'boolean' }, summary: 'end the running control plane of --data-dir' },
    {
      name: 'jaeger',
      type: { kind: 'url' },
      summary: 'Jaeger, whose pages the control API then has below /jaeger/; it must run with --query.base-path=/jaeger',
    },
    { name: 'ready-file', type: { kind: 'path' }, summary: 'file that is written, with the addresses taken, once it serves' },
    { name: 'pid-file', type: { kind: 'path' }, summary: 'file that holds its process id; left out: control.pid in --data-dir' },
    {
      name: 'log-level',
      type: { kind: 'enum', values: ['debug', 'info', 'warn', 'error'] },
      default: 'info',
      summary: 'what is logged to standard error',
    },
  ],
  positionals: [],
  rest: null,
  run,
}

async function run(context: Context): Promise<number> {
  const { flags, output } = context
  const jaeger = jaegerUrl(flags)
  const dataDir = flags.text('data-dir') ?? join(homedir(), '.outrider')
  const pidFile = flags.text('pid-file') ?? join(dataDir, 'control.pid')
  if (flags.boolean('stop')) {
    output.line(await stopRunning(pidFile, startWheel()))
    return EXIT_CODES.ok.code
  }
  clearReady(flags.text('ready-file'))
  const { startControlPlane, StartError } = await import('../main.ts')
  const api = flags.address('api') as Address
  const xds = flags.address('xds') as Address
  const isInsecure = flags.boolean('insecure')
  const started = await startControlPlane({
    dataDir,
    api,
    jaeger,
    xds,
    isInsecure,
    isAdopting: flags.boolean('adopt'),
    log: processLog(flags.requiredText('log-level') as LogLevel),
    version: version(),
  }).catch((error: Error) => {
    throw error instanceof StartError ? new CommandError('failed', error.message) : error
  })
  for (const warning of started.warnings) output.warn(warning)
  writePid(pidFile)
  const ended = untilAskedToEnd(
    new Promise(() => {}),
    () => started.close(),
    () => process.exit(EXIT_CODES.failed.code),
  )
  announceReady(output, 'control', addressesOf(started), flags.text('ready-file'))
  await ended
  clearPid(pidFile)
  await flushStandardError()
  // The streams and timers of the servers are gone; what a library keeps must not keep the process.
  process.exit(EXIT_CODES.ok.code)
}

/** Only its origin can be said: Jaeger is asked for the path that the control API is asked for. */
function jaegerUrl(flags: FlagValues): URL | null {
  const text = flags.text('jaeger')
  if (text === null) return null
  const url = new URL(text)
  if (url.href === `${url.origin}/`) return url
  const place = flags.source('jaeger').startsWith('-') ? '' : ` (given by ${flags.source('jaeger')})`
  throw new CommandError(
    'usage',
    `--jaeger: "${text}" is not allowed; must be a URL without user, path and query, such as ${url.origin}: Jaeger is asked for /jaeger/, which it serves with --query.base-path=/jaeger${place}`,
  )
}

/** The addresses taken, by the names of their flags. */
function addressesOf(started: ControlPlane): Record<string, string> {
  const api = started.api === null ? {} : { api: formatAddress(started.api) }
  return { ...api, xds: formatAddress(started.xds) }
}

/** The log of the process, in the shape of pino that the control plane speaks. */
function processLog(level: LogLevel): Log {
  const log = createLog(level)
  return {
    info: (fields, message) => log.info(message, { ...fields }),
    warn: (fields, message) => log.warn(message, { ...fields }),
    error: (fields, message) => log.error(message, { ...fields }),
  }
}
