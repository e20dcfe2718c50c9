import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Command, Context } from './command.ts'
import { hints } from './demo/hints.ts'
import { startJaeger } from './demo/jaeger.ts'
import { type Part, startPart, stopPart } from './demo/process.ts'
import { RecentTrace } from './demo/recent-trace.ts'
import { Traffic, untilAnswered } from './demo/traffic.ts'
import { View } from './demo/view.ts'
import { END_SIGNALS } from './ending.ts'
import { CommandError } from './exit-codes.ts'
import { type Address, formatAddress, parseAddress } from './values.ts'

/** `outrider demo`: a whole mesh on this machine with live traffic; what `npm start` runs. */
export const demoCommand: Command = {
  name: 'demo',
  summary: 'a whole mesh on this machine, with live traffic',
  usage: '[flags]',
  description:
    'Starts a control plane, three small apps (web calls orders calls prices; orders in two versions, split 90 to 10), a sidecar for each, and steady traffic, and shows what goes where. Ctrl-C ends it all and leaves nothing behind.',
  examples: [
    { text: 'start it', command: 'outrider demo' },
    { text: 'with traces, below /jaeger/ of the control API', command: 'outrider demo --jaeger ./jaeger-all-in-one' },
    { text: 'beside something that has port 15080', command: 'outrider demo --api 127.0.0.1:16080' },
  ],
  flags: [
    { name: 'api', type: { kind: 'address' }, default: '127.0.0.1:15080', summary: "the control plane's control API" },
    { name: 'xds', type: { kind: 'address' }, default: '127.0.0.1:15012', summary: "the control plane's xDS port" },
    {
      name: 'outbound',
      type: { kind: 'address' },
      default: '127.0.0.1:15001',
      summary: "the client's sidecar: send your own requests here",
    },
    { name: 'admin', type: { kind: 'address' }, default: '127.0.0.1:15000', summary: "the client's sidecar, for operators" },
    {
      name: 'jaeger',
      type: { kind: 'path' },
      valueName: 'BINARY',
      summary: "Jaeger's all-in-one program, version 1: it is started too, and every request is traced; left out: no traces",
    },
    { name: 'rate', type: { kind: 'integer', min: 1, max: 500 }, default: '30', summary: 'requests a second' },
    { name: 'for', type: { kind: 'duration' }, summary: 'ends by itself after this long; left out: never' },
    { name: 'ready-file', type: { kind: 'path' }, summary: 'file that is written once traffic flows' },
  ],
  positionals: [],
  rest: null,
  run,
}

/** Between two looks at the traffic, ms. */
const LOOK_MS = 1_000
/** For each process at the end; longer than it takes to tell every caller. */
const STOP_MS = 10_000
/** Longest wait for the first answer that came through all of it. */
const FIRST_ANSWER_MS = 20_000
/** Where the demo's apps and documents lie: deploy/demo in a checkout, dist/deploy/demo in the package. */
const DEMO = fileURLToPath(new URL('../../deploy/demo/', import.meta.url))
const APP_SUFFIX = import.meta.url.slice(import.meta.url.lastIndexOf('.'))

async function run(context: Context): Promise<number> {
  const directory = mkdtempSync(join(tmpdir(), 'outrider-demo-'))
  const parts: Part[] = []
  const isOver = { is: false }
  // Listened for from the start: Ctrl-C while things come up must end what is up already.
  const ended = new Promise<void>(resolve => {
    const asked = () => {
      // The second time: those that are leaving end at once, and their apps with them.
      if (isOver.is) for (const part of parts) part.child.kill('SIGTERM')
      isOver.is = true
      resolve()
    }
    for (const signal of END_SIGNALS) process.on(signal, asked)
  })
  try {
    const started = startAll(context, directory, parts, isOver)
    const isUp = await Promise.race([started.then(() => true), ended.then(() => false)])
    if (isUp) await show(context, parts, ended)
    else started.catch(() => {})
    return 0
  } finally {
    isOver.is = true
    // Callers first, so that nobody sees the one that it calls go.
    const isCalled = ({ name }: Part) => name === 'control plane' || name === 'Jaeger'
    await Promise.all(parts.filter(part => !isCalled(part)).map(part => stopPart(part, STOP_MS)))
    await Promise.all(parts.filter(isCalled).map(part => stopPart(part, STOP_MS)))
    rmSync(directory, { recursive: true, force: true })
    context.output.note('all ended')
  }
}

/** Starts everything; `parts` has what was started, also when one fails. Starts nothing more once it is over. */
async function startAll({ flags, output }: Context, directory: string, parts: Part[], isOver: { readonly is: boolean }): Promise<void> {
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('OUTRIDER_')))
  const address = (name: string) => formatAddress(flags.address(name) as Address)
  const start = async (name: string, args: readonly string[], rest: readonly string[] = [], extra: NodeJS.ProcessEnv = {}) => {
    if (isOver.is) throw new CommandError('failed', `${name} was not started: the demo ends`)
    return startPart(parts, name, join(directory, `${name}.ready`), args, rest, { ...env, ...extra })
  }
  const binary = flags.text('jaeger')
  output.note(`starting ${binary === null ? '' : 'Jaeger, '}a control plane and five sidecars ...`)
  const jaeger = binary === null ? null : await startJaeger(parts, binary, env, isOver)
  const control = await start('control plane', [
    'control',
    '--data-dir',
    join(directory, 'data'),
    '--api',
    address('api'),
    '--xds',
    address('xds'),
    ...(jaeger === null ? [] : ['--jaeger', jaeger.query]),
  ])
  const any = '127.0.0.1:0'
  const xds = control.ready['xds'] as string
  const sidecar = (service: string, ...more: string[]) => [
    '--service',
    service,
    '--control',
    xds,
    '--inbound',
    any,
    '--health',
    any,
    ...(jaeger === null ? [] : ['--otlp', jaeger.otlp]),
    ...more,
  ]
  const app = (name: string) => [process.execPath, join(DEMO, `${name}${APP_SUFFIX}`)]
  const anywhere = ['--outbound', any, '--admin', any, '--log-level', 'warn']
  const orders = { OTEL_SERVICE_NAME: 'orders' }
  const [client] = await Promise.all([
    start('client', ['proxy', ...sidecar('client', '--outbound', address('outbound'), '--admin', address('admin'), '--log-level', 'warn')]),
    start('web', ['run', ...sidecar('web', ...anywhere)], app('web'), { OTEL_SERVICE_NAME: 'web' }),
    start('orders v1', ['run', ...sidecar('orders', ...anywhere, '--labels', 'version=v1')], app('orders'), { ...orders, VERSION: 'v1' }),
    start('orders v2', ['run', ...sidecar('orders', ...anywhere, '--labels', 'version=v2')], app('orders'), { ...orders, VERSION: 'v2' }),
    start('prices', ['run', ...sidecar('prices', ...anywhere)], app('prices'), { OTEL_SERVICE_NAME: 'prices' }),
  ])
  const { applyCommand } = await import('./apply.ts')
  const { dispatch } = await import('./dispatch.ts')
  const sink = { write: (text: string) => output.note(text.trimEnd()), isTty: false }
  const documents = jaeger === null ? ['mesh.yaml'] : ['mesh.yaml', 'tracing.yaml']
  const words = ['apply', ...documents.flatMap(name => ['-f', join(DEMO, name)]), '--api', `http://${control.ready['api']}`]
  await dispatch({ words, environment: env, out: sink, err: sink, commands: [applyCommand] })
  const outbound = parseAddress(client.ready['outbound'] as string) as Address
  if (!(await untilAnswered(outbound, FIRST_ANSWER_MS))) output.warn(`no answer from web within ${FIRST_ANSWER_MS / 1_000} s`)
}

/** Sends traffic and shows it until the end. */
async function show({ flags, output }: Context, parts: readonly Part[], ended: Promise<void>): Promise<void> {
  const client = parts.find(part => part.name === 'client') as Part
  const api = parts.find(part => part.name === 'control plane')?.ready['api'] as string
  const traffic = new Traffic(parseAddress(client.ready['outbound'] as string) as Address, flags.integer('rate') ?? 30)
  const toTry = hints(parts, join(DEMO, 'split.yaml'))
  const recent = flags.isGiven('jaeger') ? new RecentTrace(api) : null
  const view = new View({ parts, hints: toTry, trace: () => recent?.link ?? null })
  const isTerminal = process.stdout.isTTY === true
  if (!isTerminal) output.line(`Try, in another terminal:\n${toTry.map(hint => `  ${hint}`).join('\n')}`)
  const { announceReady } = await import('./ready.ts')
  const { pid: _, ...addresses } = client.ready
  if (!isTerminal || flags.text('ready-file') !== null) announceReady(output, 'demo', { ...addresses, api }, flags.text('ready-file'))
  const timer = setInterval(() => {
    recent?.look()
    const window = traffic.take()
    if (isTerminal) process.stdout.write(`\x1b[2J\x1b[H${view.screen(window, traffic.total, traffic.failedTotal)}\n`)
    else output.line(view.line(window, traffic.total, traffic.failedTotal))
  }, LOOK_MS)
  const limit = flags.durationMs('for')
  const over = limit === null ? ended : Promise.race([ended, new Promise<void>(resolve => setTimeout(resolve, limit))])
  await over
  clearInterval(timer)
  traffic.stop()
}
