import t from 'tap'
import { DEPARTURE_TIMEOUT_MS, type DepartureProgress, drain, drainSentence, type Leaving, SETTLE_MS } from '../../proxy/drain.ts'
import { HandClock } from '../support/hand-clock.ts'

const turn = () => new Promise<void>(resolve => setImmediate(resolve))

function scene() {
  const steps: string[] = []
  const state = { inFlight: 0, progress: { callers: 7, callersThatKnow: 0 } as DepartureProgress }
  const heard = Promise.withResolvers<DepartureProgress>()
  const leaving: Leaving = {
    service: 'orders',
    failReadiness: () => steps.push('readiness fails'),
    depart: () => {
      steps.push('depart')
      return heard.promise
    },
    progress: () => state.progress,
    closeConnections: () => steps.push('close connections'),
    closeInbound: async () => {
      steps.push('close inbound')
    },
    inFlight: () => state.inFlight,
    cut: () => steps.push('cut'),
  }
  return { steps, state, heard, leaving }
}

async function pass(clock: HandClock, ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += 20) {
    clock.pass(20)
    await turn()
  }
}

t.test('inbound closes only after every caller knows', async t => {
  const clock = new HandClock()
  const { steps, state, heard, leaving } = scene()
  const done = drain(leaving, 30_000, clock.wheel)
  await turn()
  t.same(steps, ['readiness fails', 'depart'])
  await pass(clock, 60)
  state.progress = { callers: 7, callersThatKnow: 7 }
  heard.resolve(state.progress)
  await turn()
  await turn()
  t.same(steps, ['readiness fails', 'depart'], 'what was sent before the news may not have been read yet')
  await pass(clock, SETTLE_MS)
  t.same(steps, ['readiness fails', 'depart', 'close connections', 'close inbound'])
  t.equal(drainSentence('orders', await done), 'left orders: 7 of 7 callers know, 60 ms')
})

t.test('a caller that never hears is waited for five seconds', async t => {
  const clock = new HandClock()
  const { steps, state, leaving } = scene()
  state.progress = { callers: 3, callersThatKnow: 2 }
  const done = drain(leaving, 30_000, clock.wheel)
  await pass(clock, DEPARTURE_TIMEOUT_MS - 20)
  t.equal(steps.length, 2)
  await pass(clock, 60 + SETTLE_MS)
  t.match(drainSentence('orders', await done), /^left orders: 2 of 3 callers know, 50\d\d ms$/)
})

t.test('what is in flight is finished within the drain timeout, then cut and counted', async t => {
  const clock = new HandClock()
  const { steps, state, heard, leaving } = scene()
  state.inFlight = 2
  heard.resolve(state.progress)
  const done = drain(leaving, 1_000, clock.wheel)
  await pass(clock, SETTLE_MS + 900)
  t.notOk(steps.includes('cut'))
  await pass(clock, 200)
  const report = await done
  t.ok(steps.includes('cut'))
  t.equal(report.cut, 2)
})

t.test('nothing in flight and nobody to tell: the drain ends at once', async t => {
  const clock = new HandClock()
  const { heard, leaving, state, steps } = scene()
  state.progress = { callers: 0, callersThatKnow: 0 }
  heard.resolve(state.progress)
  t.equal((await drain(leaving, 30_000, clock.wheel)).cut, 0)
  t.notOk(steps.includes('cut'))
})
