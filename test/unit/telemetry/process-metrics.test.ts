import t from 'tap'
import { processFamilies } from '../../../proxy/telemetry/process-metrics.ts'
import { wallClock } from '../../../proxy/util/clock.ts'

t.test('the process tells its CPU, its memory and its event loop in base units', async t => {
  const read = new Map(processFamilies().map(({ metric, samples }) => [metric.name as string, samples]))
  const value = (name: string) => read.get(name)?.()[0]?.value as number
  await new Promise(resolve => setImmediate(resolve))
  t.ok(value('process_cpu_seconds_total') >= value('process_cpu_user_seconds_total'))
  t.ok(value('process_cpu_user_seconds_total') > 0.01 && value('process_cpu_seconds_total') < 3_600)
  t.ok(Math.abs(value('process_start_time_seconds') - (wallClock.now() / 1_000 - process.uptime())) < 60)
  t.ok(value('process_resident_memory_bytes') > value('nodejs_heap_size_used_bytes'))
  t.ok(value('nodejs_heap_size_total_bytes') > 1e6)
  t.ok(value('nodejs_eventloop_active_seconds_total') > 0)
})

t.test('the delays of the event loop are those since they were last read, and 0 where there were none', async t => {
  const read = new Map(processFamilies().map(({ metric, samples }) => [metric.name as string, samples]))
  const value = (name: string) => read.get(`nodejs_eventloop_lag_${name}_seconds`)?.()[0]?.value
  const all = () => ['mean', 'p50', 'p90', 'p99', 'max'].map(value)
  t.strictSame(all(), [0, 0, 0, 0, 0], 'it is measured from the first scrape on')
  for (let turns = 0; turns < 3; turns++) await new Promise(resolve => setImmediate(resolve))
  const [mean, , , , max] = all() as number[]
  t.ok((mean as number) > 0 && (max as number) >= (mean as number))
  t.strictSame(all(), [0, 0, 0, 0, 0], 'the longest one begins anew')
})
