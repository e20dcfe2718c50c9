import t from 'tap'
import { CLOSURE, ClosedStreams } from '../../../proxy/http2/closed-streams.ts'
import { CODE, codeName } from '../../../proxy/http2/codes.ts'
import { FLOOD, FloodGate, floodCounter } from '../../../proxy/http2/flood.ts'
import { http2Limits } from '../../../proxy/http2/limits.ts'
import { applySettings, defaultSettings } from '../../../proxy/http2/settings.ts'
import { canReceive, EVENT, nextState, STATE } from '../../../proxy/http2/stream-state.ts'
import { StreamTable } from '../../../proxy/http2/stream-table.ts'
import { ReceiveWindow } from '../../../proxy/http2/window.ts'
import { seededRandom } from '../../../proxy/util/random.ts'

t.test('a stream moves as RFC 9113 section 5.1 says', async t => {
  const { IDLE, OPEN, HALF_CLOSED_LOCAL, HALF_CLOSED_REMOTE, CLOSED } = STATE
  t.equal(nextState(IDLE, EVENT.HEADERS), OPEN)
  t.equal(nextState(OPEN, EVENT.END_SENT), HALF_CLOSED_LOCAL)
  t.equal(nextState(OPEN, EVENT.END_RECEIVED), HALF_CLOSED_REMOTE)
  t.equal(nextState(HALF_CLOSED_LOCAL, EVENT.END_RECEIVED), CLOSED)
  t.equal(nextState(HALF_CLOSED_REMOTE, EVENT.END_SENT), CLOSED)
  for (const state of [OPEN, HALF_CLOSED_LOCAL, HALF_CLOSED_REMOTE]) t.equal(nextState(state, EVENT.RESET), CLOSED)
  t.same([IDLE, OPEN, HALF_CLOSED_LOCAL, HALF_CLOSED_REMOTE, CLOSED].map(canReceive), [false, true, true, false, false])
})

t.test('settings are applied in order, unknown ones ignored, and what cannot be is refused (section 6.5.2)', async t => {
  const apply = (hex: string) => {
    const settings = defaultSettings()
    const octets = Buffer.from(hex.replaceAll(' ', ''), 'hex')
    return { settings, fault: applySettings(settings, octets, 0, octets.length) }
  }
  const { settings, fault } = apply(
    '000100000000 000300000007 000400010000 000500005000 000600000100 000800000001 000912345678 000400020000',
  )
  t.equal(fault, null)
  t.same(settings, {
    headerTableSize: 0,
    maxConcurrentStreams: 7,
    initialWindowSize: 131_072,
    maxFrameSize: 20_480,
    maxHeaderListSize: 256,
    canExtendedConnect: true,
  })
  t.equal(apply('000200000002').fault?.code, CODE.PROTOCOL_ERROR)
  t.equal(apply('000480000000').fault?.code, CODE.FLOW_CONTROL_ERROR)
  t.equal(apply('000500003fff').fault?.code, CODE.PROTOCOL_ERROR)
  t.equal(apply('000501000000').fault?.code, CODE.PROTOCOL_ERROR)
  t.equal(apply('000800000002').fault?.code, CODE.PROTOCOL_ERROR)
})

t.test('a window gives back half of itself at once, and knows when it was overrun', async t => {
  const window = new ReceiveWindow(100)
  t.ok(window.receive(60))
  t.equal(window.take(40), 0)
  t.equal(window.take(20), 60)
  t.ok(window.receive(100))
  t.notOk(window.receive(1))
})

t.test('closed streams are remembered with how they ended; those that were forgotten count as reset by us', async t => {
  const closed = new ClosedStreams()
  t.equal(closed.find(1), CLOSURE.NEVER)
  closed.add(1, CLOSURE.ENDED)
  closed.add(5, CLOSURE.RESET_BY_PEER)
  t.equal(closed.find(1), CLOSURE.ENDED)
  t.equal(closed.find(3), CLOSURE.NEVER, 'one that was skipped')
  for (let id = 7; id < 7 + 2 * 256; id += 2) closed.add(id, CLOSURE.ENDED)
  t.equal(closed.find(3), CLOSURE.RESET_BY_US)
  t.equal(closed.find(5), CLOSURE.RESET_BY_US)
  t.equal(closed.find(7), CLOSURE.ENDED)
})

t.test('an allowance is spent, comes back with time, and can be earned', async t => {
  let now = 0
  const gate = new FloodGate(http2Limits({ maxPingFlood: 10, maxWindowUpdateFlood: 10 }), { now: () => now })
  const spend = (count: number) => Array.from({ length: count }, () => gate.take(FLOOD.PING)).every(Boolean)
  t.ok(spend(10))
  t.notOk(spend(1))
  now += 4_000
  t.ok(spend(3), 'a tenth of ten in each second')
  t.notOk(spend(2))
  for (let i = 0; i < 10; i++) gate.take(FLOOD.WINDOW_UPDATE)
  gate.earn(FLOOD.WINDOW_UPDATE, 5)
  t.ok(gate.take(FLOOD.WINDOW_UPDATE))
  t.equal(floodCounter(FLOOD.PING), 'http2_ping_flood')
})

t.test('an error code has its name, an unknown one its number', async t => {
  t.equal(codeName(CODE.HTTP_1_1_REQUIRED), 'HTTP_1_1_REQUIRED')
  t.equal(codeName(99), '0x63')
})

t.test('a table of streams is what a Map is, whichever order they come and go in', async t => {
  const random = seededRandom(new Uint8Array(16).fill(9))
  const table = new StreamTable<string>()
  const map = new Map<number, string>()
  for (let n = 0; n < 50_000; n++) {
    const id = 1 + 2 * (random.uint32() % 300)
    if (map.delete(id)) {
      if (!table.delete(id)) t.fail(`${id} was lost`)
    } else {
      if (table.delete(id)) t.fail(`${id} was there`)
      table.add(id, `${id}`)
      map.set(id, `${id}`)
    }
    const other = 1 + 2 * (random.uint32() % 300)
    if (table.get(other) !== map.get(other)) t.fail(`${other}`)
  }
  t.equal(table.size, map.size)
  t.same(new Set(table.all()), new Set(map.values()))
  table.clear()
  t.same(table.all(), [])
  t.equal(table.get(1), undefined)
})
