import t from 'tap'
import { LatestFailures, MAX_FAILURES_BYTES, MAX_RECORD_BYTES } from '../../../../control/api/failures.ts'

const record = (second: number, more: object = {}) =>
  Buffer.from(JSON.stringify({ time: `2026-01-01T00:00:${String(second).padStart(2, '0')}.000Z`, second, ...more }))
const seconds = (merged: LatestFailures) => merged.items.map(each => (each as { second: number }).second)

t.test('answers are merged by time, and the latest are kept', async t => {
  const merged = new LatestFailures(3)
  merged.add({ records: [record(1), record(4)], omitted: 0 })
  merged.add({ records: [record(2), record(3)], omitted: 5 })
  t.same(seconds(merged), [2, 3, 4])
  t.equal(merged.answers, 2)
  t.equal(merged.omitted, 5, 'what a sidecar left out is counted')
})

t.test('a request that several sidecars saw counts once, and is kept whole', async t => {
  const merged = new LatestFailures(2)
  merged.add({ records: [record(1, { request_id: 'a' }), record(4, { request_id: 'b' })], omitted: 0 })
  merged.add({ records: [record(2, { request_id: 'b' }), record(3, { request_id: 'c' })], omitted: 0 })
  t.same(seconds(merged), [2, 3, 4])
})

t.test('older ones give way where the octets do not suffice', async t => {
  const merged = new LatestFailures(10, record(1).length * 2)
  merged.add({ records: [record(1), record(2), record(3)], omitted: 0 })
  t.same(seconds(merged), [2, 3])
  t.equal(merged.omitted, 1)
})

t.test('all that comes from many sidecars stays within the octets of one answer', async t => {
  const merged = new LatestFailures(1_000)
  const text = 'x'.repeat(MAX_RECORD_BYTES - 100)
  for (let i = 0; i < 200; i++) merged.add({ records: [record(i % 60, { text })], omitted: 0 })
  t.ok(JSON.stringify(merged.items).length <= MAX_FAILURES_BYTES)
  t.equal(merged.items.length + merged.omitted, 200)
})

t.test('what is no record, or too long for one, is left out and counted', async t => {
  const merged = new LatestFailures(10)
  const records = ['', '{', 'null', '[]', '{"time":1}'].map(each => Buffer.from(each))
  merged.add({ records: [...records, record(1, { text: 'x'.repeat(MAX_RECORD_BYTES) }), record(2)], omitted: 0 })
  t.same(seconds(merged), [2])
  t.equal(merged.omitted, 6)
})
