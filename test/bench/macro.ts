/**
 * CPU per request of one outbound hop, ours beside its peers, in one run: `npm run bench [-- --seconds 5 --rounds 3 --json FILE --gate --tolerance 0.5]`.
 * `--tolerance` is the share by which a gate may be passed over: for short runs on a noisy machine, which are to find a regression, not to prove a figure.
 *
 * The proxy has core 0 to itself; servers and load share core 1. The machine drifts, so the peers take turns and only ratios count.
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { outrider } from './macro/outrider.ts'
import { HOST, PEERS, type Peer, startBackends } from './macro/peers.ts'
import { cpuOf, memoryOf, type Running } from './macro/process.ts'

const { values: flags } = parseArgs({
  options: {
    seconds: { type: 'string', default: '4' },
    rounds: { type: 'string', default: '3' },
    only: { type: 'string' },
    json: { type: 'string' },
    gate: { type: 'boolean', default: false },
    tolerance: { type: 'string', default: '0' },
  },
})

/** A load: what is asked for, over how many connections. */
interface Load {
  readonly name: string
  readonly path: string
  readonly connections: number
}

const LOADS: readonly Load[] = [
  { name: '100 B, 32 connections', path: '/api/small', connections: 32 },
  { name: '100 B, 256 connections', path: '/api/small', connections: 256 },
  { name: '1 KiB, 32 connections', path: '/api-1k', connections: 32 },
  { name: '16 KiB, 32 connections', path: '/api-16k', connections: 32 },
  { name: '1 MiB, 32 connections', path: '/api-1m', connections: 32 },
]
/** What is at most allowed, with metrics, access log and 1 % of spans: our CPU per request of a small GET over the peer's. */
const GATES = { haproxy: 1.5, 'http-proxy': 0.5 } as const

/** Seconds of each load before anything is measured: what is compiled while it runs is slow at first. */
const WARM_UP: Record<string, number> = { outrider: 8, 'http-proxy': 3 }

/** Microseconds of CPU for one request. */
interface Sample {
  readonly total: number
  readonly user: number
  readonly errors: number
}

function load(port: number, { path, connections }: Load, seconds: number): { requests: number; errors: number } {
  const args = ['-t1', `-c${connections}`, `-d${seconds}s`, '-H', `Host: ${HOST}`, `http://127.0.0.1:${port}${path}`]
  const output = execFileSync('taskset', ['-c', '1', 'wrk', ...args], { encoding: 'utf8' })
  const requests = Number(/(\d+) requests in/.exec(output)?.[1] ?? 0)
  const failed = [...output.matchAll(/(?:connect|read|write|timeout|responses:) (\d+)/g)].reduce((sum, match) => sum + Number(match[1]), 0)
  return { requests, errors: failed }
}

function measure(running: Running, port: number, what: Load, seconds: number): Sample {
  const before = cpuOf(running.pid)
  const { requests, errors } = load(port, what, seconds)
  const after = cpuOf(running.pid)
  const user = after.user - before.user
  return { total: ((user + after.system - before.system) / requests) * 1e6, user: (user / requests) * 1e6, errors }
}

function warmUp(peer: Peer, running: Running): void {
  const seconds = WARM_UP[peer.name] ?? 1
  for (const what of LOADS) measure(running, peer.port, what, what === LOADS[0] ? seconds : 1)
}

const median = (values: number[]) => values.sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN

const directory = mkdtempSync(join(tmpdir(), 'outrider-bench-'))
const wanted = flags.only?.split(',')
const peers = [...PEERS, outrider].filter(peer => wanted === undefined || wanted.includes(peer.name))
const missing = peers.filter(peer => peer.version() === null)
if (missing.length > 0) {
  console.error(`not installed: ${missing.map(peer => peer.name).join(', ')}; test/bench/install.sh installs them`)
  process.exit(1)
}
const samples = new Map<string, Sample[]>()
const memory = new Map<string, number>()
const loaded = new Map<string, number>()
const running = new Map<Peer, Running>()
const backends = await startBackends(directory, 1)
try {
  for (const peer of peers) {
    running.set(peer, await peer.start(directory, 0))
    memory.set(peer.name, memoryOf((running.get(peer) as Running).pid))
  }
  for (const [peer, process] of running) warmUp(peer, process)
  for (let round = 0; round < Number(flags.rounds); round++) {
    for (const what of LOADS) {
      for (const [peer, process] of running) {
        const key = `${what.name}/${peer.name}`
        samples.set(key, [...(samples.get(key) ?? []), measure(process, peer.port, what, Number(flags.seconds))])
      }
    }
  }
  for (const [peer, process] of running) loaded.set(peer.name, memoryOf(process.pid))
} finally {
  for (const process of running.values()) await process.stop()
  await backends.stop()
  rmSync(directory, { recursive: true, force: true })
}

/** The peers of one round ran within a minute of each other, so the machine's drift is in both: the ratio of each round, then the median. */
function ratio(what: Load, peer: string, base: string): number {
  const bases = samples.get(`${what.name}/${base}`) ?? []
  return median((samples.get(`${what.name}/${peer}`) ?? []).map((each, round) => each.total / (bases[round]?.total ?? Number.NaN)))
}

const of = (what: Load, peer: string, figure: keyof Sample) => median((samples.get(`${what.name}/${peer}`) ?? []).map(each => each[figure]))
const failures: string[] = []
console.log(
  `CPU per request of one outbound hop, us total (user), and as a share of Envoy's and haproxy's; medians of ${flags.rounds} rounds (of shares: of each round's)\n`,
)
for (const what of LOADS) {
  console.log(what.name)
  for (const peer of peers) {
    const total = of(what, peer.name, 'total')
    const shares = ['envoy', 'haproxy'].map(base => `${ratio(what, peer.name, base).toFixed(2)} x ${base}`).join(', ')
    const errors = (samples.get(`${what.name}/${peer.name}`) ?? []).reduce((sum, each) => sum + each.errors, 0)
    console.log(
      `  ${peer.name.padEnd(11)} ${total.toFixed(1).padStart(8)} (${of(what, peer.name, 'user').toFixed(1)})  ${shares}${errors > 0 ? `  ${errors} ERRORS` : ''}`,
    )
    if (peer.name === 'outrider' && errors > 0) failures.push(`${what.name}: ${errors} errors`)
  }
}
const table = (map: Map<string, number>) => [...map].map(([name, mb]) => `${name} ${mb.toFixed(0)}`).join(', ')
console.log(`\nmemory, MB, idle: ${table(memory)}\n      after the load: ${table(loaded)}`)
for (const [peer, most] of Object.entries(GATES)) {
  const share = ratio(LOADS[0] as Load, 'outrider', peer)
  if (share > most * (1 + Number(flags.tolerance))) failures.push(`${share.toFixed(2)} x ${peer} is over the gate of ${most}`)
}
if (flags.json !== undefined) {
  const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim()
  const rows = [...samples].map(([key, list]) => ({
    key,
    total: median(list.map(each => each.total)),
    user: median(list.map(each => each.user)),
  }))
  writeFileSync(
    flags.json,
    JSON.stringify(
      { commit, node: process.version, rows, memory: Object.fromEntries(memory), loaded: Object.fromEntries(loaded) },
      null,
      2,
    ),
  )
}
for (const failure of failures) console.log(`GATE: ${failure}`)
if (flags.gate && failures.length > 0) process.exit(1)
