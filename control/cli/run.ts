import { type ChildProcess, spawn } from 'node:child_process'
import { constants } from 'node:os'
import { formatHostPort, isLoopback } from '../../proxy/net/address.ts'
import type { RunningProxy } from '../../proxy/options.ts'
import { appEnvironment, inheritedPort } from './app-environment.ts'
import { ensureControlPlane } from './background-control.ts'
import { collectorOf } from './collector.ts'
import type { Command, Context, FlagSpec } from './command.ts'
import { type EndSignal, endSoon, untilAskedToEnd } from './ending.ts'
import { CommandError } from './exit-codes.ts'
import { freePort, portOrFree } from './free-port.ts'
import { reasonAgainstHook } from './node-hook.ts'
import type { Output } from './output.ts'
import { readyKeys } from './proxy.ts'
import { announceReady, clearReady } from './ready.ts'
import { proxyOptions, refuseTwoSources, SIDECAR_FLAGS } from './sidecar-flags.ts'
import { type Address, formatAddress } from './values.ts'

const PORT_FLAG: FlagSpec = {
  name: 'port',
  type: { kind: 'integer', min: 1, max: 65_535 },
  summary: 'where the app listens on 127.0.0.1; it gets it as PORT; left out: what PORT says, else a free one',
}

const NO_HOOK_FLAG: FlagSpec = {
  name: 'no-hook',
  type: { kind: 'boolean' },
  summary: 'leave NODE_OPTIONS as it is: a Node app then carries trace context, baggage and deadlines itself',
}

/** `outrider run`: an app with its sidecar, for a laptop. */
export const runCommand: Command = {
  name: 'run',
  summary: 'run an app with its sidecar',
  usage: '--service NAME [flags] -- COMMAND ARGS',
  description:
    'Starts a sidecar, then the app with what it needs to find it (HTTP_PROXY, PORT, ...) and, if it is a Node program, a hook that carries trace context, baggage and deadlines from the requests that it serves to those that it makes. A sidecar port that is not given takes its default if that is free, else any free one. Without --control, and with no control plane on 127.0.0.1:15012, one is started that outlives this command (`outrider control --stop` ends it). Signals and the exit code pass through.',
  examples: [
    { text: 'a Node app that listens on PORT', command: 'outrider run --service web -- node app.js' },
    {
      text: 'an app that listens on 8080, version 2',
      command: 'outrider run --service orders --labels version=v2 --port 8080 -- ./orders',
    },
  ],
  flags: [PORT_FLAG, NO_HOOK_FLAG, ...SIDECAR_FLAGS],
  positionals: [],
  rest: 'COMMAND ARGS',
  run,
}

async function run(context: Context): Promise<number> {
  const { flags, output, rest } = context
  const [command, ...args] = rest
  if (command === undefined) throw new CommandError('usage', 'the app is missing: end the command with -- COMMAND ARGS')
  refuseTwoSources(flags)
  clearReady(flags.text('ready-file'))
  const documents = flags.text('documents')
  const embedded = documents === null ? null : await (await import('./documents.ts')).serveDocuments(documents)
  const control = embedded?.xds ?? (flags.isGiven('control') ? (flags.address('control') as Address) : await ensureControlPlane(output))
  const port =
    flags.integer('port') ??
    (flags.isGiven('app') ? (flags.address('app') as Address).port : (inheritedPort(process.env) ?? (await freePort('127.0.0.1'))))
  const app = flags.isGiven('app') ? (flags.address('app') as Address) : { host: '127.0.0.1', port }
  await warnOfBusyPort(app, output)
  const at = (name: string) => (flags.isGiven(name) ? (flags.address(name) as Address) : portOrFree(flags.address(name) as Address))
  const addresses = {
    app,
    control,
    outbound: await at('outbound'),
    inbound: await at('inbound'),
    admin: await at('admin'),
    health: await at('health'),
  }
  const { startProxy } = await import('../../proxy/main.ts')
  const started = await startProxy(proxyOptions(flags, addresses))
  if (!started.ok) {
    await embedded?.close()
    throw new CommandError('failed', `${started.message}; --${started.flag} chooses another`)
  }
  try {
    return await runApp(context, started.proxy, { command, args, port, at: app })
  } finally {
    // Also after a command that could not be started: a sidecar that stays up would keep the process.
    await started.proxy.leave()
    await started.proxy.close()
    await embedded?.close()
    endSoon()
  }
}

/** Not refused: the app may be one that replaces the other. */
async function warnOfBusyPort(app: Address, output: Output): Promise<void> {
  if (!isLoopback(app.host) || (await portOrFree(app)).port !== 0) return
  const at = formatHostPort({ address: app.host, port: app.port })
  output.warn(`another process listens on ${at}: until the app does, it gets what is meant for it; --port chooses another`)
}

/** What is run beside the sidecar. */
interface App {
  readonly command: string
  readonly args: readonly string[]
  readonly port: number
  /** Where the sidecar looks for it. */
  readonly at: Address
}

async function runApp(context: Context, proxy: RunningProxy, app: App): Promise<number> {
  let child: ChildProcess | null = null
  let asked: EndSignal | null = null
  const hook = hasHook(context, app.command)
  const left = untilAskedToEnd(
    proxy.asked,
    signal => {
      asked = signal
      return proxy.leave()
    },
    (signal: EndSignal) => {
      child?.kill('SIGKILL')
      process.exit(128 + constants.signals[signal])
    },
  )
  const isReady = await Promise.race([Promise.all([proxy.outboundReady, hook]).then(() => true), left.then(() => false)])
  if (!isReady) return 0
  announceReady(context.output, 'run', { ...readyKeys(proxy.addresses), app: formatAddress(app.at) }, context.flags.text('ready-file'))
  const { address: host, port } = proxy.addresses.outbound
  const address = { host: host === '0.0.0.0' ? '127.0.0.1' : host, port }
  child = spawn(app.command, app.args, {
    stdio: 'inherit',
    env: appEnvironment(process.env, address, app.port, collectorOf(context.flags), await hook),
  })
  const running = child
  left.then(
    () => {
      // In a terminal Ctrl-C has reached the app already: it is of the same process group.
      if (!(asked === 'SIGINT' && process.stdin.isTTY)) running.kill(asked ?? 'SIGTERM')
    },
    () => running.kill('SIGTERM'),
  )
  // Where the app ended by itself, callers hear of it next, before many connection attempts fail.
  return exitOf(child, app.command)
}

/** Whether the app gets the Node hook: unless it is not wanted, or would keep an old Node from starting. */
async function hasHook({ flags, output }: Context, command: string): Promise<boolean> {
  if (flags.boolean('no-hook')) return false
  const reason = await reasonAgainstHook(command)
  if (reason !== null) output.warn(`without the Node hook: ${reason}`)
  return reason === null
}

function exitOf(child: ChildProcess, command: string): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once('error', (error: NodeJS.ErrnoException) => {
      const why = error.code === 'ENOENT' ? 'there is no such command' : error.message
      reject(new CommandError('failed', `cannot start ${command}: ${why}`))
    })
    child.once('exit', (code, signal) => resolve(signal === null ? (code ?? 0) : 128 + constants.signals[signal]))
  })
}
