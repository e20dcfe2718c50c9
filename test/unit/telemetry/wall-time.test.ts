import t from 'tap'
import { WallTime } from '../../../proxy/telemetry/wall-time.ts'

t.test('times are as fine as the monotonic clock, although the wall clock shows whole milliseconds', async t => {
  let now = 10.9
  const offset = 1_700_000_000_000
  const wall = { now: () => Math.floor(now + offset) }
  const time = new WallTime({ now: () => now }, wall)
  t.ok(Math.abs(time.offset() - offset) < 1)
  for (let i = 0; i < 1_000; i++) {
    now += 0.317
    time.offset()
  }
  t.ok(Math.abs(time.offset() - offset) < 0.01, `${time.offset() - offset} ms off`)
})

t.test('a wall clock that was set is followed, in both directions', async t => {
  let shift = 5_000
  const time = new WallTime({ now: () => 100 }, { now: () => 100 + shift })
  t.equal(time.offset(), 5_000)
  shift = 2_000
  t.equal(time.offset(), 2_000)
  shift = 9_000
  t.equal(time.offset(), 9_000)
})
