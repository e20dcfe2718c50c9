import t from 'tap'
import { startWheel, TICK_MS } from '../../../proxy/util/timers.ts'
import { HandClock } from '../../support/hand-clock.ts'

t.test('a timer runs out once, at its time and not before', async t => {
  const clock = new HandClock()
  let calls = 0
  const timer = clock.wheel.timer(() => calls++)
  timer.arm(100)
  clock.pass(99)
  t.equal(calls, 0)
  clock.pass(1 + TICK_MS)
  t.equal(calls, 1)
  clock.pass(20_000)
  t.equal(calls, 1)
  t.notOk(timer.isArmed)
})

t.test('arming again moves it, later or earlier', async t => {
  const clock = new HandClock()
  const at: number[] = []
  const timer = clock.wheel.timer(() => at.push(clock.ms - 1_000))
  timer.arm(50)
  timer.arm(200)
  clock.pass(150)
  t.same(at, [])
  timer.arm(10)
  clock.pass(20)
  t.equal(at.length, 1)
  t.ok((at[0] ?? 0) <= 170)
})

t.test('what is further away than one turn of the wheel waits for its own round', async t => {
  const clock = new HandClock()
  let calls = 0
  clock.wheel.timer(() => calls++).arm(3_600_000)
  clock.pass(3_599_000)
  t.equal(calls, 0)
  clock.pass(1_100)
  t.equal(calls, 1)
})

t.test('a disarmed timer leaves the wheel at once', async t => {
  const clock = new HandClock()
  const timers = Array.from({ length: 1_000 }, () => clock.wheel.timer(() => t.fail('ran out')))
  for (const timer of timers) timer.arm(100)
  t.equal(clock.wheel.size, 1_000)
  for (const timer of timers) timer.disarm()
  t.equal(clock.wheel.size, 0)
  t.equal(clock.wheel.nextDueAt(), Number.POSITIVE_INFINITY)
  clock.pass(1_000)
})

t.test('a timer that disarms or re-arms another of the same slot is obeyed', async t => {
  const clock = new HandClock()
  const order: string[] = []
  const second = clock.wheel.timer(() => order.push('second'))
  const first = clock.wheel.timer(() => {
    order.push('first')
    second.arm(1_000)
  })
  second.arm(50)
  first.arm(50)
  clock.pass(100)
  clock.pass(2_000)
  t.same(order.sort(), ['first', 'second'])
  t.equal(clock.wheel.size, 0)
})

t.test('after a long sleep every timer that is due runs out, each once', async t => {
  const clock = new HandClock()
  let calls = 0
  for (let i = 1; i <= 500; i++) clock.wheel.timer(() => calls++).arm(i * 37)
  clock.ms += 86_400_000
  clock.wheel.advance()
  t.equal(calls, 500)
})

t.test('the real wheel sleeps until the next timer and is woken by an earlier one', async () => {
  const wheel = startWheel()
  const keepAlive = setInterval(() => {}, 1_000)
  wheel.timer(() => {}).arm(60_000)
  await new Promise<void>(resolve => wheel.timer(resolve).arm(10))
  clearInterval(keepAlive)
})
