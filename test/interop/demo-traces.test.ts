import { existsSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { ask } from '../support/e2e/ask.ts'
import { family, isAlive } from '../support/e2e/family.ts'
import { address } from '../support/e2e/mesh.ts'
import { LAUNCHER, Running, readyOf, until } from '../support/e2e/process.ts'
import { jaegerProgram } from './support/tools.ts'

const FREE = ['--api', '127.0.0.1:0', '--xds', '127.0.0.1:0', '--outbound', '127.0.0.1:0', '--admin', '127.0.0.1:0']

/** A trace as Jaeger's query API gives it, as far as it is read here. */
interface Trace {
  readonly spans: readonly {
    readonly spanID: string
    readonly processID: string
    readonly references: readonly { readonly spanID: string }[]
    readonly tags: readonly { readonly key: string; readonly value: unknown }[]
  }[]
  readonly processes: Readonly<Record<string, { readonly serviceName: string }>>
}

/** From a trace's first span to the one of `prices`' app: `SERVICE sidecar|app KIND`, equal neighbours once (a request and its tries). */
function chainOf({ spans, processes }: Trace): readonly string[] {
  const name = ({ processID, tags }: Trace['spans'][number]) => {
    const tag = (key: string) => tags.find(each => each.key === key)?.value
    return `${processes[processID]?.serviceName} ${tag('otel.scope.name') === 'outrider-demo' ? 'app' : 'sidecar'} ${tag('span.kind')}`
  }
  const chain: string[] = []
  let span = spans.find(each => name(each) === 'prices app server')
  while (span !== undefined) {
    if (chain[0] !== name(span)) chain.unshift(name(span))
    const [parent] = span.references
    span = spans.find(each => each.spanID === parent?.spanID)
  }
  return chain
}

const WHOLE = [
  'client sidecar client',
  'web sidecar server',
  'web app server',
  'web app client',
  'web sidecar client',
  'orders sidecar server',
  'orders app server',
  'orders app client',
  'orders sidecar client',
  'prices sidecar server',
  'prices app server',
]

t.test('every request of the demo is one trace of sidecars and apps, found through the control plane; all ends with it', async t => {
  const flags = ['--rate', '5', '--jaeger', jaegerProgram(), '--ready-file', join(t.testdir(), 'ready'), ...FREE]
  const demo = new Running(process.execPath, [LAUNCHER, 'demo', ...flags])
  t.teardown(() => demo.stop())
  const file = join(t.testdirName, 'ready')
  // Twelve processes start, one after another where there are few cores.
  await until('it is ready', () => existsSync(file) || demo.exit !== null, 120_000)
  const ready = await readyOf(file, demo)
  const api = address(ready['api'] as string)
  const all = family(demo.pid)
  // The demo, Jaeger, the control plane, five sidecars, four apps.
  t.equal(all.length, 12)
  let chains: (readonly string[])[] = []
  await until(
    'a trace is whole',
    async () => {
      const { text } = await ask(api, { path: '/jaeger/api/traces?service=web&limit=50&lookback=5m' })
      chains = ((JSON.parse(text).data ?? []) as Trace[]).map(chainOf)
      return chains.some(chain => chain.length >= WHOLE.length)
    },
    60_000,
  )
  t.same(
    chains.find(chain => chain.length >= WHOLE.length),
    WHOLE,
  )
  t.match(demo.stdout, `http://${ready['api']}/jaeger/ `)
  await until('a trace is shown', () => /; a trace: \S+; /.test(demo.stdout))
  const link = new URL(/; a trace: (\S+); /.exec(demo.stdout)?.[1] as string)
  const id = link.pathname.replace('/jaeger/trace/', '')
  t.equal(link.host, ready['api'])
  t.equal(JSON.parse((await ask(api, { path: `/jaeger/api/traces/${id}` })).text).data[0].traceID, id)
  demo.signal('SIGINT')
  t.same(await demo.exited, { code: 0, signal: null })
  await until('all have ended', () => !all.some(isAlive), 5_000)
})

t.test('Ctrl-C while Jaeger starts ends it', async t => {
  const demo = new Running(process.execPath, [LAUNCHER, 'demo', ...FREE, '--jaeger', jaegerProgram()])
  t.teardown(() => demo.stop())
  await until('it is there', () => family(demo.pid).length >= 2)
  const some = family(demo.pid)
  demo.signal('SIGINT')
  await demo.exited
  await until('all have ended', () => !some.some(isAlive), 5_000)
})
