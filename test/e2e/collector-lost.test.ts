import t from 'tap'
import { type Stats, statsOf, untilHealthy } from '../support/e2e/ask.ts'
import { collectGarbage, INSPECTABLE } from '../support/e2e/inspector.ts'
import { Load } from '../support/e2e/load.ts'
import { Mesh, type Sidecar } from '../support/e2e/mesh.ts'
import { until, wait } from '../support/e2e/process.ts'
import { type Mood, OtlpReceiver } from '../support/otlp-receiver.ts'

/** `OUTRIDER_LONG=1` takes the time of the issue, 5 min each. CI takes enough to fill the queue. */
const AWAY_MS = process.env['OUTRIDER_LONG'] === '1' ? 300_000 : 15_000
const PER_SECOND = 200
const MIB = 1024 * 1024
/** 2,048 spans of 2 to 3 KiB, and what the exporter has in hand. */
const QUEUE_BYTES = 16 * MIB
/** What V8 keeps of its heaps besides what is alive. */
const SLACK_BYTES = 48 * MIB

const EVERYTHING = `apiVersion: outrider.dev/v1
kind: Mesh
metadata: { name: default }
spec: { tracing: { samplingPercent: 100 } }
`

type Memory = Stats['memory']

const grown = (bytes: number) => `${bytes < 0 ? '' : '+'}${(bytes / MIB).toFixed(1)} MiB`

/** After a collection: what is alive. */
async function memoryOf(sidecar: Sidecar): Promise<Memory> {
  await collectGarbage(sidecar.proxy)
  return (await statsOf(sidecar)).memory
}

const warningsOf = ({ proxy }: Sidecar) => proxy.stderr.split('\n').filter(line => line.includes('spans do not reach the collector'))
const repairsOf = ({ proxy }: Sidecar) => proxy.stderr.split('\n').filter(line => line.includes('spans reach the collector again'))

for (const protocol of ['grpc', 'http'] as const) {
  t.test(`a collector over ${protocol} that is dead, slow or refusing costs no request, bounded memory and one warning each`, async t => {
    const receiver = await OtlpReceiver.start(protocol)
    const mesh = new Mesh()
    t.teardown(async () => {
      await mesh.stop()
      receiver.close()
    })
    await mesh.startControl()
    const flags = ['--otlp', receiver.collector.url]
    const [orders, web] = (await Promise.all([
      mesh.startSidecar('orders', { flags, proxyEnv: INSPECTABLE }),
      mesh.startSidecar('web', { flags, proxyEnv: INSPECTABLE }),
    ])) as [Sidecar, Sidecar]
    await untilHealthy(web, 'orders', 1)
    await mesh.apply(EVERYTHING)
    const load = new Load({ via: web.outbound, host: 'orders', perSecond: PER_SECOND })
    await until('spans of both arrive', () => ['web', 'orders'].every(name => receiver.spans.some(({ service }) => service === name)))
    await wait(5_000)
    const sidecars = [web, orders]
    const before = await Promise.all(sidecars.map(memoryOf))
    let outages = 0
    for (const mood of ['dead', 'slow', 'refusing'] satisfies Mood[]) {
      outages++
      receiver.spans.length = 0
      await receiver.become(mood)
      await until(`${mood} is noticed`, () => sidecars.every(each => warningsOf(each).length === outages))
      await wait(AWAY_MS / 2)
      const half = await Promise.all(sidecars.map(memoryOf))
      await wait(AWAY_MS / 2)
      const whole = await Promise.all(sidecars.map(memoryOf))
      for (const [index, { name }] of sidecars.entries()) {
        const [first, middle, last] = [before, half, whole].map(each => each[index] as Memory) as [Memory, Memory, Memory]
        const said = `${name}, ${mood}: heap ${grown(last.heapBytes - first.heapBytes)}, in the second half ${grown(last.heapBytes - middle.heapBytes)}, resident ${grown(last.residentBytes - first.residentBytes)}`
        t.comment(said)
        t.ok(last.heapBytes - first.heapBytes < QUEUE_BYTES, said)
        t.ok(last.heapBytes - middle.heapBytes < QUEUE_BYTES / 2, said)
        t.ok(last.residentBytes - first.residentBytes < SLACK_BYTES, said)
      }
      for (const each of sidecars) t.equal(warningsOf(each).length, outages, `${each.name}: one warning for ${mood}`)
      t.ok((await statsOf(web)).counters['spans_dropped'], 'what was lost is counted')
      await receiver.become('working')
      await until('spans arrive again', () => sidecars.every(each => repairsOf(each).length === outages), 60_000)
    }
    await receiver.become('slow')
    await load.stop()
    t.equal(load.failures.length, 0, load.summary())
    t.ok(load.sent > (PER_SECOND * AWAY_MS) / 1_000, `${load.sent} requests`)
    t.comment(load.summary())
    const slowest = load.outcomes.map(({ ms }) => ms).toSorted((a, b) => a - b)
    t.comment(`p50 ${slowest[slowest.length >> 1]?.toFixed(1)} ms, p99 ${slowest[Math.floor(slowest.length * 0.99)]?.toFixed(1)} ms`)
    const asked = performance.now()
    t.strictSame(await web.proxy.stop(), { code: 0, signal: null })
    t.comment(`the sidecar ended after ${Math.round(performance.now() - asked)} ms`)
  })
}
