import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace-base'
import t from 'tap'
import {
  CLOSE_TIMEOUT_MS,
  EXPORT_TIMEOUT_MS,
  FLUSH_MS,
  FULL_BATCH_SPANS,
  MAX_BATCH_SPANS,
  MAX_QUEUED_SPANS,
  OUTAGE_PAUSE_MS,
  SpanQueue,
} from '../../../proxy/telemetry/span-queue.ts'
import { Counters } from '../../../proxy/util/counters.ts'
import { HandClock } from '../../support/hand-clock.ts'

type Done = Parameters<SpanExporter['export']>[1]

/** A queue before an exporter that the test answers by hand. */
function scene() {
  const clock = new HandClock()
  const counters = new Counters()
  const exports: { spans: readonly ReadableSpan[]; done: Done }[] = []
  const said: string[] = []
  const made = { exporters: 0, shutDown: 0, throws: false }
  const say = (level: string) => (message: string, fields?: Readonly<Record<string, unknown>>) =>
    void said.push(`${level}: ${message} ${fields?.['reason'] ?? ''}`.trim())
  const queue = new SpanQueue({
    exporter: () => {
      made.exporters++
      return {
        export(spans, done) {
          if (made.throws) throw new Error('cannot be written')
          exports.push({ spans, done })
        },
        shutdown: async () => void made.shutDown++,
      }
    },
    url: 'http://collector:4317',
    timers: clock.wheel,
    counters,
    log: { debug: say('debug'), info: say('info'), warn: say('warn'), error: say('error') },
  })
  const end = (count = 1) => {
    for (let i = 0; i < count; i++) queue.onEnd({ name: `span ${i}` } as ReadableSpan)
  }
  const answer = (index: number, error: Error | null = null) => exports[index]?.done(error === null ? { code: 0 } : { code: 1, error })
  const counts = () => [counters.get('spans_exported'), counters.get('spans_dropped'), counters.get('span_exports_failed')]
  return { clock, queue, exports, said, made, end, answer, counts }
}

const REFUSED = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' })

t.test('a span waits a second for others, then all go together', async t => {
  const { clock, exports, end, answer, counts } = scene()
  end(3)
  clock.pass(FLUSH_MS - 10)
  t.equal(exports.length, 0)
  clock.pass(20)
  t.equal(exports[0]?.spans.length, 3)
  answer(0)
  t.same(counts(), [3, 0, 0])
})

t.test('a full batch goes at once, one at a time; what comes meanwhile goes together, up to a limit', async t => {
  const { clock, exports, end, answer } = scene()
  end(FULL_BATCH_SPANS + MAX_BATCH_SPANS + 5)
  t.equal(exports.length, 1)
  t.equal(exports[0]?.spans.length, FULL_BATCH_SPANS)
  answer(0)
  t.equal(exports.length, 2)
  t.equal(exports[1]?.spans.length, MAX_BATCH_SPANS)
  answer(1)
  t.equal(exports.length, 2, 'the rest waits for more')
  clock.pass(FLUSH_MS + 10)
  t.equal(exports[2]?.spans.length, 5)
})

t.test('a collector that does not answer costs no more than the queue, and what is too much is counted', async t => {
  const { queue, exports, end, counts } = scene()
  end(MAX_QUEUED_SPANS + 100)
  t.equal(exports.length, 1)
  t.same(counts(), [0, 100, 0], 'what is under way counts')
  void queue
})

t.test('an answer that takes too long is a failure, and means nothing when it comes after all', async t => {
  const { clock, exports, said, end, answer, counts } = scene()
  end(FULL_BATCH_SPANS)
  clock.pass(EXPORT_TIMEOUT_MS + 10)
  t.same(counts(), [0, FULL_BATCH_SPANS, 1])
  t.strictSame(said, ['warn: spans do not reach the collector; requests go on without them no answer in 5 s'])
  answer(0)
  t.same(counts(), [0, FULL_BATCH_SPANS, 1])
  t.equal(exports.length, 1)
})

t.test('an outage is said once, with its end; while it lasts the collector is asked every 5 s, by a new exporter', async t => {
  const { clock, exports, said, made, end, answer, counts } = scene()
  end(FULL_BATCH_SPANS)
  answer(0, REFUSED)
  t.equal(made.shutDown, 1)
  end(FULL_BATCH_SPANS * 2)
  t.equal(exports.length, 1, 'nothing is sent in the pause')
  clock.pass(OUTAGE_PAUSE_MS + 10)
  t.equal(exports.length, 2)
  answer(1, Object.assign(new Error('Bad Gateway'), { code: 502 }))
  end(10)
  clock.pass(OUTAGE_PAUSE_MS + 10)
  t.same(said, ['warn: spans do not reach the collector; requests go on without them connect ECONNREFUSED'])
  answer(2)
  t.equal(said.length, 2)
  t.match(said[1], /^info: .* again/)
  t.equal(made.exporters, 3)
  t.same(counts(), [10, 3 * FULL_BATCH_SPANS, 2])
  end(FULL_BATCH_SPANS)
  answer(3, new Error(''))
  t.equal(said.length, 3, 'the next outage is said again')
})

t.test('after a pause with nothing to send the next span goes as ever', async t => {
  const { clock, exports, end, answer } = scene()
  end(FULL_BATCH_SPANS)
  answer(0, REFUSED)
  clock.pass(OUTAGE_PAUSE_MS * 2)
  t.equal(exports.length, 1)
  end()
  clock.pass(FLUSH_MS + 10)
  t.equal(exports.length, 2)
})

t.test('an exporter that throws is a failure like another', async t => {
  const { said, made, end, counts } = scene()
  made.throws = true
  end(FULL_BATCH_SPANS)
  t.same(counts(), [0, FULL_BATCH_SPANS, 1])
  t.match(said, [/cannot be written/])
})

t.test('at the end what waits is sent, batch by batch', async t => {
  const { queue, exports, made, end, answer, counts } = scene()
  end(FULL_BATCH_SPANS + 7)
  const closed = queue.shutdown()
  answer(0)
  t.equal(exports[1]?.spans.length, 7)
  answer(1)
  await closed
  t.equal(made.shutDown, 1)
  end()
  t.same(counts(), [FULL_BATCH_SPANS + 7, 1, 0], 'nothing is taken after the end')
  await queue.shutdown()
  t.equal(made.shutDown, 1, 'a second end is the first')
})

t.test('at the end a collector that does not answer is waited for a second, one that is away not at all', async t => {
  const slow = scene()
  slow.end(10)
  const closed = slow.queue.shutdown()
  slow.clock.pass(CLOSE_TIMEOUT_MS + 10)
  await closed
  t.same(slow.counts(), [0, 10, 0])

  const away = scene()
  away.end(FULL_BATCH_SPANS)
  away.answer(0, REFUSED)
  away.end(10)
  await away.queue.shutdown()
  t.same(away.counts(), [0, FULL_BATCH_SPANS + 10, 1])

  const refusing = scene()
  refusing.end(10)
  const refused = refusing.queue.shutdown()
  refusing.answer(0, REFUSED)
  await refused
  t.same(refusing.counts(), [0, 10, 1])
})

t.test('a queue that has nothing ends at once', async t => {
  const { queue, made } = scene()
  await queue.shutdown()
  t.equal(made.exporters, 0)
})
