import t, { type Test } from 'tap'
import { openTracer } from '../../../proxy/telemetry/otlp-tracer.ts'
import { FULL_BATCH_SPANS, MAX_QUEUED_SPANS } from '../../../proxy/telemetry/span-queue.ts'
import type { Tracer } from '../../../proxy/telemetry/tracer.ts'
import { monotonicClock } from '../../../proxy/util/clock.ts'
import { Counters } from '../../../proxy/util/counters.ts'
import { startWheel } from '../../../proxy/util/timers.ts'
import { until } from '../../support/e2e/process.ts'
import { type Mood, OtlpReceiver } from '../../support/otlp-receiver.ts'

const PROTOCOLS = ['grpc', 'http'] as const

/** A real tracer before a collector of the test. */
async function scene(t: Test, protocol: 'grpc' | 'http', mood: Mood = 'working') {
  const receiver = await OtlpReceiver.start(protocol)
  await receiver.become(mood)
  const counters = new Counters()
  const said: string[] = []
  const say = (level: string) => (message: string, fields?: Readonly<Record<string, unknown>>) =>
    void said.push(`${level} ${message}: ${fields?.['reason'] ?? ''}`)
  const tracer = await openTracer({
    collector: receiver.collector,
    service: 'orders',
    namespace: 'shop',
    nodeId: 'orders-1',
    labels: {},
    build: '0',
    timers: startWheel(),
    counters,
    log: { debug: say('debug'), info: say('info'), warn: say('warn'), error: say('error') },
  })
  t.teardown(async () => {
    await tracer.close()
    receiver.close()
  })
  return { receiver, counters, said, tracer }
}

function record(tracer: Tracer, count: number): void {
  for (let i = 0; i < count; i++) {
    const span = tracer.start('server', null, monotonicClock.now())
    span.end({ name: 'GET r', attributes: { 'url.path': '/' }, failure: null, at: monotonicClock.now() })
  }
}

t.jobs = 4

for (const protocol of PROTOCOLS) {
  t.test(`spans reach a collector over ${protocol}, with their parents`, async t => {
    const { receiver, counters, tracer } = await scene(t, protocol)
    const remote = { traceId: '4bf92f3577b34da6a3ce929d0e0e4736', spanId: '00f067aa0ba902b7' }
    const parent = tracer.start('server', remote, monotonicClock.now())
    const child = tracer.start('client', parent, monotonicClock.now())
    const end = { name: 'GET r', attributes: {}, failure: null, at: monotonicClock.now() }
    child.end(end)
    parent.end({ ...end, failure: 'it broke' })
    await until('the collector has answered', () => counters.get('spans_exported') === 2)
    const { traceId } = remote
    t.strictSame(receiver.spans, [
      { service: 'orders', traceId, spanId: child.spanId, parentId: parent.spanId, name: 'GET r', kind: 3 },
      { service: 'orders', traceId, spanId: parent.spanId, parentId: remote.spanId, name: 'GET r', kind: 2 },
    ])
  })

  for (const mood of ['dead', 'slow', 'refusing'] as const) {
    t.test(`a ${mood} collector over ${protocol} costs a bounded queue and one warning, and the end is not kept`, async t => {
      const { counters, said, tracer } = await scene(t, protocol, mood)
      const count = MAX_QUEUED_SPANS * 2
      record(tracer, count)
      t.ok(counters.get('spans_dropped') >= count - MAX_QUEUED_SPANS)
      await until('the outage is noticed', () => said.length > 0)
      t.match(said, [/^warn spans do not reach the collector; requests go on without them: ./])
      record(tracer, FULL_BATCH_SPANS)
      await until('the collector is asked again', () => counters.get('span_exports_failed') > 1)
      record(tracer, FULL_BATCH_SPANS)
      t.equal(said.length, 1, said.join('\n'))
      const before = performance.now()
      await tracer.close()
      t.ok(performance.now() - before < 1_500)
      t.equal(counters.get('spans_dropped'), count + 2 * FULL_BATCH_SPANS, 'all that was lost is counted')
      t.equal(counters.get('spans_exported'), 0)
    })
  }

  t.test(`after an outage spans arrive over ${protocol} again, and the log says so`, async t => {
    const { receiver, said, tracer } = await scene(t, protocol, 'dead')
    record(tracer, FULL_BATCH_SPANS)
    await until('the outage is noticed', () => said.length > 0)
    await receiver.become('working')
    record(tracer, 10)
    await until('the outage is over', () => said.length === 2)
    t.equal(receiver.spans.length, 10)
    t.match(said, [/^warn /, /^info spans reach the collector again/])
  })
}
