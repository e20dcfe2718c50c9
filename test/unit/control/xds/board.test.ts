import t from 'tap'
import { Board, MAX_GONE, MAX_NACKS, MAX_WAITERS } from '../../../../control/xds/board.ts'
import { LimitCounters } from '../../../../control/xds/counters.ts'
import type { NodeIdentity } from '../../../../control/xds/node.ts'
import { HandClock } from '../../../support/hand-clock.ts'

const node = (id: string): NodeIdentity => ({ id, service: 'web', namespace: 'default', labels: {}, build: 'test', client: 'outrider' })
const quiet = (revision: number, isRefusing = false) => ({ revision, isQuiet: true, isRefusing })

function setup() {
  const clock = new HandClock()
  const limits = new LimitCounters()
  const board = new Board(clock, clock.wheel, () => [], limits)
  const join = (id: string) => {
    const stream = {}
    board.connected(stream, node(id))
    return stream
  }
  return { clock, limits, board, join }
}

t.test('a proxy is in step once it has accepted all that is published, and a refusal keeps the version before', async t => {
  const { board, join } = setup()
  const stream = join('a')
  t.match(board.list(), [{ id: 'a', inSync: false, isConnected: true, version: '0', labels: { service: 'web' } }])
  board.stands(stream, 'a', quiet(7))
  t.match(board.list(), [{ inSync: true, version: '7', lastNack: null }])
  board.stands(stream, 'a', quiet(8, true))
  board.refused(stream, 'a', { typeUrl: 'type', resource: 'r', message: 'bad', revision: 8 })
  t.match(board.list(), [{ inSync: false, version: '7', lastNack: { message: 'bad', revision: 8 } }])
})

t.test('a newer stream of the same id takes over: what the older one says or its end changes nothing', async t => {
  const { board, join } = setup()
  const old = join('a')
  const present = join('a')
  board.stands(old, 'a', quiet(9))
  board.refused(old, 'a', { typeUrl: 'type', resource: '', message: 'late', revision: 9 })
  board.disconnected(old, 'a')
  t.match(board.list(), [{ isConnected: true, version: '0', lastNack: null }])
  board.disconnected(present, 'a')
  t.match(board.list(), [{ isConnected: false }])
})

t.test('a refusal of another store warns until the proxy is in step again', async t => {
  const { board, join } = setup()
  const stream = join('a')
  board.refused(stream, 'a', { typeUrl: 'type', resource: '', message: 'foreign-store: keeps what it has', revision: 1 })
  t.same(board.list()[0]?.warnings, ['foreign-store'])
  board.stands(stream, 'a', quiet(2))
  t.same(board.list()[0]?.warnings, [])
})

t.test('a registration gives the address, in brackets where it is IPv6', async t => {
  const { board } = setup()
  const lease = {
    service: 'web',
    namespace: 'default',
    port: 80,
    protocol: 'http',
    labels: { v: '1' },
    build: '',
    registeredAt: 0,
  } as const
  const rest = { isAppReady: true, isDraining: false, health: 'healthy', unhealthySince: null } as const
  board.registered({ ...lease, ...rest, node: 'a', address: '10.0.0.1' })
  board.registered({ ...lease, ...rest, node: 'b', address: '::1' })
  t.match(board.list(), [
    { address: '10.0.0.1:80', labels: { v: '1', service: 'web' } },
    { address: '[::1]:80', isConnected: false },
  ])
})

t.test('who waits for a revision is answered when every connected proxy has answered it or left, or at the deadline', async t => {
  const { clock, board, join } = setup()
  const [a, b, c] = [join('a'), join('b'), join('c')]
  const answers: string[] = []
  const wait = (name: string, revision: number, ms: number) => board.settled(revision, ms).then(() => answers.push(name))
  const waits = [wait('two', 2, 60_000), wait('three', 3, 5_000)]
  board.stands(a, 'a', quiet(2))
  board.stands(b, 'b', { revision: 2, isQuiet: false, isRefusing: false })
  board.disconnected(c, 'c')
  await Promise.resolve()
  t.same(answers, [])
  board.stands(b, 'b', quiet(2, true))
  await waits[0]
  t.same(answers, ['two'])
  clock.pass(5_010)
  await waits[1]
  t.same(answers, ['two', 'three'])
  await wait('at once', 2, 60_000)
})

t.test(`at most ${MAX_WAITERS} calls wait; one more is answered with what there is, and counted`, async t => {
  const { clock, limits, board, join } = setup()
  join('a')
  const waits = Array.from({ length: MAX_WAITERS }, () => board.settled(1, 1_000))
  t.equal(limits.of('waiters'), 0)
  t.match(await board.settled(1, 1_000), [{ id: 'a' }])
  t.equal(limits.of('waiters'), 1)
  clock.pass(1_010)
  t.equal((await Promise.all(waits)).length, MAX_WAITERS)
})

t.test(`the last ${MAX_NACKS} refusals of a proxy are kept, those forgotten are counted`, async t => {
  const { limits, board, join } = setup()
  const stream = join('a')
  for (let i = 0; i < MAX_NACKS + 2; i++) board.refused(stream, 'a', { typeUrl: 'type', resource: '', message: `${i}`, revision: i })
  const kept = board.nacksOf('a').map(nack => nack.message)
  t.equal(kept.length, MAX_NACKS)
  t.same([kept[0], kept.at(-1)], ['2', `${MAX_NACKS + 1}`])
  t.equal(limits.of('refusals_forgotten'), 2)
  t.same(board.nacksOf('nobody'), [])
})

t.test(`of the proxies that have left, ${MAX_GONE} are remembered; who left first is forgotten, and who is connected never`, async t => {
  const { limits, board, join } = setup()
  join('stays')
  const streams = Array.from({ length: MAX_GONE + 1 }, (_, i) => [`gone-${i}`, join(`gone-${i}`)] as const)
  for (const [id, stream] of streams) board.disconnected(stream, id)
  const ids = new Set(board.list().map(each => each.id))
  t.equal(ids.size, MAX_GONE + 1)
  t.ok(ids.has('stays') && !ids.has('gone-0') && ids.has('gone-1'))
  t.equal(limits.of('proxies_forgotten'), 1)
})
