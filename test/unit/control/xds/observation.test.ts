import { create } from '@bufbuild/protobuf'
import { status } from '@grpc/grpc-js'
import t from 'tap'
import { LimitCounters } from '../../../../control/xds/counters.ts'
import { ANSWER_MS, MAX_ASKED, MAX_QUESTIONS, ObservationTable, QUESTION_MS } from '../../../../control/xds/observation.ts'
import { ObserveRequestSchema, type ObserveResponse } from '../../../../protos/gen/outrider/v1/observation_pb.ts'
import { HandClock } from '../../../support/hand-clock.ts'

const QUESTION = { id: 'id-1', last: 20, service: null, namespace: null }
const settled = async () => {
  for (let i = 0; i < 10; i++) await Promise.resolve()
}

function setUp() {
  const clock = new HandClock()
  const limits = new LimitCounters()
  const table = new ObservationTable(clock.wheel, limits)
  const left: string[] = []
  /** A sidecar that the test answers for. */
  const sidecar = (node: string) => {
    const asked: ObserveResponse['message'][] = []
    const ends: [status, string][] = []
    const handler = table.open(
      { from: '', send: ({ message }: ObserveResponse) => void asked.push(message), fail: (code, text) => void ends.push([code, text]) },
      () => void left.push(node),
    )
    const say = (message: object) => handler.received(create(ObserveRequestSchema, { message: message as never }))
    const answer = (text = node) => {
      const { question } = asked.at(-1)!.value as { question: number }
      say({ case: 'failuresFound', value: { question, records: [Buffer.from(text)], omitted: 0 } })
    }
    say({ case: 'presence', value: { nodeId: node } })
    return { asked, ends, say, answer, handler }
  }
  const taken: string[] = []
  const find = () => table.find(QUESTION, (node, { records }) => void taken.push(`${node}: ${records.map(each => Buffer.from(each))}`))
  return { clock, limits, table, sidecar, find, taken, left }
}

t.test('every sidecar is asked, and each answer taken as it comes', async t => {
  const { sidecar, find, taken, table } = setUp()
  const [a, b] = [sidecar('a'), sidecar('b')]
  t.same(table.nodes, ['a', 'b'])
  const silent = find()
  t.match(a.asked, [{ case: 'findFailures', value: { id: 'id-1', last: 20, service: '', namespace: '' } }])
  b.answer()
  await settled()
  t.same(taken, ['b: b'])
  a.answer()
  t.same(await silent, [])
  t.same(taken, ['b: b', 'a: a'])
})

t.test('with nobody there, the answer is empty at once', async t => {
  t.same(await setUp().find(), [])
})

t.test("a sidecar that does not answer within 2 s is named, and its late answer is nobody's", async t => {
  const { sidecar, find, taken, clock, limits } = setUp()
  const [a, b] = [sidecar('a'), sidecar('b')]
  const silent = find()
  b.answer()
  clock.pass(ANSWER_MS - 100)
  await settled()
  t.equal(limits.of('sidecar_silence'), 0)
  clock.pass(200)
  t.same(await silent, ['a'])
  t.equal(limits.of('sidecar_silence'), 1)
  a.answer()
  t.same(taken, ['b: b'])
})

t.test('a sidecar whose stream ends while it is asked is named, and asked no more', async t => {
  const { sidecar, find, table, left } = setUp()
  const a = sidecar('a')
  const silent = find()
  a.handler.closed()
  t.same(await silent, ['a'])
  t.same(table.nodes, [])
  t.same(left, ['a'])
})

t.test('a newer stream of the same sidecar takes its place, and the end of the older one changes nothing', async t => {
  const { sidecar, find, table } = setUp()
  const older = sidecar('a')
  const newer = sidecar('a')
  older.handler.closed()
  t.same(table.nodes, ['a'])
  const silent = find()
  t.equal(older.asked.length, 0)
  newer.answer()
  t.same(await silent, [])
})

t.test('a few are asked at a time; who was not asked when time is up counts as silent', async t => {
  const { sidecar, find, clock } = setUp()
  const rounds = QUESTION_MS / ANSWER_MS
  const all = Array.from({ length: MAX_ASKED * (rounds + 2) }, (_, i) => sidecar(`s${i}`))
  const askedNow = () => all.filter(({ asked }) => asked.length > 0).length
  const silent = find()
  t.equal(askedNow(), MAX_ASKED)
  for (let i = 0; i < rounds + 1; i++) {
    clock.pass(ANSWER_MS + 10)
    await settled()
  }
  t.equal((await silent)?.length, all.length)
  t.ok(askedNow() < all.length, `${askedNow()} of ${all.length} were asked`)
})

t.test('more questions at once than the limit are refused, and a place is free when one is over', async t => {
  const { sidecar, find, limits, clock } = setUp()
  sidecar('a')
  const running = Array.from({ length: MAX_QUESTIONS }, find)
  t.equal(await find(), null)
  t.equal(limits.of('questions'), 1)
  clock.pass(ANSWER_MS + 10)
  await Promise.all(running)
  const again = find()
  clock.pass(ANSWER_MS + 10)
  t.same(await again, ['a'])
})

t.test('a stream without a proper id is ended', async t => {
  const { sidecar, table } = setUp()
  for (const node of ['', 'x'.repeat(254)]) t.match(sidecar(node).ends, [[status.INVALID_ARGUMENT, /node_id/]])
  t.same(table.nodes, [])
})
