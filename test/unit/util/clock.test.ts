import t from 'tap'
import { TurnClock } from '../../../proxy/util/clock.ts'

t.test('a turn clock looks once in each turn, and never keeps the time of an earlier one', async t => {
  let ms = 100
  let looks = 0
  const ends: (() => void)[] = []
  const source = {
    now: () => {
      looks++
      return ms
    },
  }
  const clock = new TurnClock(source, callback => ends.push(callback))
  t.equal(clock.now(), 100)
  ms = 107
  t.equal(clock.now(), 100)
  t.equal(looks, 1)
  t.equal(ends.length, 1)
  ends.pop()?.()
  t.equal(clock.now(), 107)
  ms = 200
  ends.pop()?.()
  t.equal(clock.now(), 200)
  t.equal(looks, 3)
})

t.test('what a turn clock says is forgotten before the event loop waits', async t => {
  let ms = 1
  const clock = new TurnClock({ now: () => ms })
  t.equal(clock.now(), 1)
  ms = 2
  await new Promise(setImmediate)
  t.equal(clock.now(), 2)
})
