/**
 * The one number: `npm run bench:one [-- --seconds 120 --quiet 60 --gate]`.
 *
 * An open loop of 1,000 requests/s through two sidecars to a service of three instances. First nothing else happens. Then all at once: 1,000 other routes are
 * applied every 5 s, every sidecar's metrics are scraped every second, one instance is restarted every 10 s, a body of 1 GiB comes through, and 20 readers are
 * slow. Asked for: no failed request, and a p99.9 of at most twice the quiet one.
 *
 * Load and the caller's sidecar run at their usual priority, what would be another machine's in a mesh (control plane, its operator, processes that start)
 * at a lower one: here they share two cores.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { setPriority } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { untilHealthy } from '../support/e2e/ask.ts'
import { Mesh, type Sidecar } from '../support/e2e/mesh.ts'
import { type Running, readyOf } from '../support/e2e/process.ts'
import { type Latencies, openLoop, percentile } from './latency/open-loop.ts'
import { family } from './macro/process.ts'
import { PacedReader } from './one-number/reader.ts'

const { values: flags } = parseArgs({
  options: {
    seconds: { type: 'string', default: '120' },
    quiet: { type: 'string', default: '60' },
    gate: { type: 'boolean', default: false },
  },
})
const PER_SECOND = 1_000
const WARM_UP_S = 10
const INSTANCES = 3
const RESTART_EVERY_MS = 10_000
const SCRAPE_EVERY_MS = 1_000
const GIBIBYTE = 1024 ** 3
const SLOW_READERS = 20
/** A slow reader takes 8 s for a body that is far larger than the sockets' buffers, then begins the next: shorter than an instance may take to leave. */
const SLOW_RATE = 1024 ** 2
const SLOW_BODY = 8 * 1024 ** 2
/** Octets a second of the large body: 10 s, as long as an instance stays. */
const LARGE_RATE = GIBIBYTE / 10
const GATE = 2
/** What the load asks for. The thousand others are beside it: with routes of its own a service has no other way in. */
const ROUTE = `apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: orders }
spec:
  parentRefs: [{ group: "", kind: Service, name: orders }]
  rules: [{ backendRefs: [{ name: orders, port: 80 }] }]
`
/** Nice value of what would run elsewhere. */
const ELSEWHERE = 10

const seconds = Number(flags.seconds)
const mesh = new Mesh()
const APP = join(import.meta.dirname, 'one-number/app.ts')
let started = 0

/** Starts an instance of `orders`; it gets its share of the CPU once it serves. */
async function startInstance(): Promise<Running> {
  const name = `orders-${started++}`
  const ready = mesh.file(`${name}.ready`)
  const command = ['run', ...mesh.sidecarFlags('orders', name), '--ready-file', ready, '--', process.execPath, APP]
  const running = mesh.run(command)
  prioritise(running.pid, ELSEWHERE)
  await readyOf(ready, running)
  return running
}

function prioritise(pid: number, nice: number): void {
  try {
    for (const each of family(pid)) setPriority(each, nice)
  } catch {
    // A process of the family may have ended meanwhile, and an unprivileged run may lower but not raise: the figure is then worse, not better.
  }
}

/** Restarts the instances one after the other until told to stop. Resolves with their number when the last one is whole again. */
function restarts(instances: Running[], web: Sidecar): () => Promise<number> {
  let isOver = false
  let count = 0
  const turn = async () => {
    for (let index = 0; !isOver; index = (index + 1) % INSTANCES) {
      const began = performance.now()
      const { code } = await (instances[index] as Running).stop()
      if (code !== 0) throw new Error(`an instance ended with ${code}`)
      instances[index] = await startInstance()
      await untilHealthy(web, 'orders', INSTANCES)
      prioritise((instances[index] as Running).pid, 0)
      count++
      while (!isOver && performance.now() - began < RESTART_EVERY_MS) await new Promise(resolve => setTimeout(resolve, 50))
    }
    return count
  }
  const done = turn()
  return () => {
    isOver = true
    return done
  }
}

/** Scrapes the metrics of the caller's sidecar every second. */
function scrapes(port: number): () => { readonly good: number; readonly bad: number } {
  let good = 0
  let bad = 0
  const timer = setInterval(async () => {
    const response = await fetch(`http://127.0.0.1:${port}/metrics`).catch(() => null)
    const text = (await response?.text()) ?? ''
    if (text.includes('outrider_requests_total{')) good++
    else bad++
  }, SCRAPE_EVERY_MS)
  return () => {
    clearInterval(timer)
    return { good, bad }
  }
}

/** Slow readers, one body after the other until told to stop. Resolves with how many bodies were whole, and how many were not. */
function slowReaders(port: number): () => Promise<{ readonly whole: number; readonly broken: number }> {
  const result = { whole: 0, broken: 0 }
  let isOver = false
  const read = async () => {
    while (!isOver) result[(await new PacedReader(port, 'orders', SLOW_BODY, SLOW_RATE).whole()) ? 'whole' : 'broken']++
  }
  const readers = Array.from({ length: SLOW_READERS }, read)
  return async () => {
    isOver = true
    await Promise.all(readers)
    return result
  }
}

function applier(): ChildProcess {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'latency/apply.ts'), `http://${mesh.api}`, 'orders'], {
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  prioritise(child.pid as number, ELSEWHERE)
  return child
}

function report(name: string, latencies: Latencies): void {
  const figures = [0.5, 0.99, 0.999, 0.9999].map(share => percentile(latencies, share).toFixed(2))
  console.log(
    `${name.padEnd(8)} p50 ${figures[0]} ms, p99 ${figures[1]} ms, p99.9 ${figures[2]} ms, p99.99 ${figures[3]} ms; ${latencies.sorted.length} answered, ${latencies.errors} failed`,
  )
}

async function disturbed(web: Sidecar, instances: Running[]): Promise<boolean> {
  const { port } = web.outbound
  const stopReaders = slowReaders(port)
  const apply = applier()
  const stopRestarts = restarts(instances, web)
  const stopScrapes = scrapes(web.admin.port)
  const large = new PacedReader(port, 'orders', GIBIBYTE, LARGE_RATE).whole()
  const latencies = await openLoop(port, 'orders', PER_SECOND, seconds)
  apply.kill()
  const scraped = stopScrapes()
  const count = await stopRestarts()
  const { whole, broken } = await stopReaders()
  const isLargeWhole = await large
  report('all', latencies)
  console.log(
    `meanwhile: ${count} restarts; ${scraped.good} scrapes, ${scraped.bad} failed; the body of 1 GiB ${isLargeWhole ? 'whole' : 'BROKEN'}; ${SLOW_READERS} slow readers: ${whole} bodies whole, ${broken} broken`,
  )
  const ratio = percentile(latencies, 0.999) / percentile(quiet, 0.999)
  console.log(`p99.9 with all of it is ${ratio.toFixed(2)} x the quiet one`)
  return ratio <= GATE && latencies.errors + scraped.bad + broken === 0 && isLargeWhole
}

let quiet: Latencies
let isGood = false
try {
  await mesh.startControl()
  prioritise(mesh.control?.pid as number, ELSEWHERE)
  const web = await mesh.startSidecar('web', { appPort: 9 })
  await mesh.apply(ROUTE)
  const instances = await Promise.all(Array.from({ length: INSTANCES }, startInstance))
  await untilHealthy(web, 'orders', INSTANCES)
  for (const { pid } of instances) prioritise(pid, 0)
  setPriorityOfLoad(web)
  await openLoop(web.outbound.port, 'orders', PER_SECOND, WARM_UP_S)
  quiet = await openLoop(web.outbound.port, 'orders', PER_SECOND, Number(flags.quiet))
  report('quiet', quiet)
  isGood = (await disturbed(web, instances)) && quiet.errors === 0
} finally {
  await mesh.stop()
}
if (!isGood) console.log(`GATE: more than ${GATE} x, or something failed`)
process.exit(flags.gate && !isGood ? 1 : 0)

/** The generator must not be delayed by what it measures. */
function setPriorityOfLoad(web: Sidecar): void {
  prioritise(process.pid, -10)
  prioritise(web.proxy.pid, 0)
}
