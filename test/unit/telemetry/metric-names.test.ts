import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { COUNTER_METRICS, METRICS } from '../../../proxy/telemetry/metric-names.ts'
import { COUNTERS } from '../../../proxy/util/counters.ts'

const all = Object.values(METRICS)

t.test('docs/metrics.md has every metric with its type, labels and meaning, in this order', async t => {
  const text = readFileSync(join(import.meta.dirname, '../../../docs/metrics.md'), 'utf8')
  const rows = [...text.matchAll(/^\| `(\w+)` \| (counter|gauge|histogram) \| (.*?) \| (.*) \|$/gm)].map(([, ...cells]) => cells)
  t.strictSame(
    rows,
    all.map(({ name, type, labels, help }) => [name, type, labels.map(label => `\`${label}\``).join(', ') || '–', help]),
  )
})

t.test('names are what Prometheus wants them to be', async t => {
  t.equal(new Set(all.map(({ name }) => name)).size, all.length, 'each once')
  for (const { name, type, help, labels } of all) {
    t.match(name, /^(?:outrider|process|nodejs)_[a-z0-9_]+$/)
    t.equal(name.endsWith('_total'), type === 'counter', name)
    t.match(help, /^[A-Z].*\.$/)
    t.notOk(
      labels.some(label => /host|path|authority|url|le$/.test(label)),
      name,
    )
  }
})

t.test('every count of the layers below is a metric, a limit, or told by requests with more labels', async t => {
  for (const name of Object.keys(COUNTER_METRICS)) t.ok((COUNTERS as readonly string[]).includes(name), name)
  for (const [name, key] of Object.entries(COUNTER_METRICS)) {
    if (key === null || key === undefined) continue
    t.equal(METRICS[key].type, 'counter', name)
    t.strictSame(METRICS[key].labels, [], name)
  }
})
