/**
 * Latency of one sidecar at 1,000 requests/s, quiet and while 1,000 routes change every 5 s: `npm run bench:latency [-- --seconds 20 --gate]`.
 *
 * The sidecar has core 0 to itself; control plane, servers and load share core 1, where what would be another machine's (the control plane and its operator)
 * has the lowest priority.
 */
import { execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { setPriority, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { type Latencies, openLoop, percentile } from './latency/open-loop.ts'
import { API, outrider } from './macro/outrider.ts'
import { HOST, startBackends } from './macro/peers.ts'

const { values: flags } = parseArgs({ options: { seconds: { type: 'string', default: '20' }, gate: { type: 'boolean', default: false } } })
const PER_SECOND = 1_000
const WARM_UP_S = 10
/** p99.9 under change over p99.9 at rest. */
const GATE = 2

const seconds = Number(flags.seconds)
execFileSync('taskset', ['-pc', '1', String(process.pid)], { stdio: 'ignore' })
const directory = mkdtempSync(join(tmpdir(), 'outrider-latency-'))
const backends = await startBackends(directory, 1)
const sidecar = await outrider.start(directory, 0)
const applier = (): (() => void) => {
  const child = spawn(
    'taskset',
    ['-c', '1', 'nice', '-n', '19', process.execPath, join(import.meta.dirname, 'latency/apply.ts'), API, HOST],
    {
      stdio: ['ignore', 'inherit', 'inherit'],
    },
  )
  return () => child.kill()
}

function report(name: string, latencies: Latencies): void {
  const [p50, p99, p999] = [0.5, 0.99, 0.999].map(share => percentile(latencies, share).toFixed(2))
  console.log(`${name.padEnd(22)} p50 ${p50} ms, p99 ${p99} ms, p99.9 ${p999} ms, ${latencies.errors} errors`)
}

let isGood = false
try {
  // The generator shares its core with what it must not be delayed by, where it may say so.
  try {
    setPriority(-10)
  } catch {}
  await openLoop(outrider.port, HOST, PER_SECOND, WARM_UP_S)
  const quiet = await openLoop(outrider.port, HOST, PER_SECOND, seconds)
  report('quiet', quiet)
  const stop = applier()
  const changing = await openLoop(outrider.port, HOST, PER_SECOND, seconds)
  stop()
  report('1,000 routes every 5 s', changing)
  const ratio = percentile(changing, 0.999) / percentile(quiet, 0.999)
  console.log(`p99.9 under change is ${ratio.toFixed(2)} x the quiet one`)
  isGood = ratio <= GATE && quiet.errors + changing.errors === 0
} finally {
  await sidecar.stop()
  await backends.stop()
  rmSync(directory, { recursive: true, force: true })
}
if (flags.gate && !isGood) {
  console.log(`GATE: more than ${GATE} x, or errors`)
  process.exit(1)
}
