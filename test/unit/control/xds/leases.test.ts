import t from 'tap'
import type { Lease } from '../../../../control/store/store.ts'
import { LeaseTable, type Owner, type Registered } from '../../../../control/xds/leases.ts'
import { SILENT } from '../../../../control/xds/log.ts'
import { HandClock } from '../../../support/hand-clock.ts'

const said = (node: string): Registered => ({
  node,
  service: 'orders',
  namespace: 'default',
  address: '127.0.0.1',
  port: 8081,
  protocol: 'http',
  labels: {},
  build: 'test',
  isAppReady: true,
})

class Stream implements Owner {
  ended = ''
  end(reason: string): void {
    this.ended = reason
  }
}

function setup(options: { maxLeases?: number; putLease?: (lease: Lease) => Promise<void> } = {}) {
  const clock = new HandClock()
  const stored = new Map<string, Lease>()
  const warnings: string[] = []
  const store = {
    putLease: options.putLease ?? (async (lease: Lease) => void stored.set(lease.node, lease)),
    deleteLease: async (node: string) => void stored.delete(node),
  }
  const log = { ...SILENT, warn: (_: object, message: string) => warnings.push(message) }
  const more = options.maxLeases === undefined ? {} : { maxLeases: options.maxLeases }
  const table = new LeaseTable({ store, timers: clock.wheel, clock, log, changed() {}, ...more })
  const join = async (node: string) => {
    const stream = new Stream()
    await table.register(said(node), stream)
    return stream
  }
  return { clock, stored, table, warnings, join }
}

const health = (table: LeaseTable) => Object.fromEntries(table.list().map(lease => [lease.node, lease.health]))

t.test('a stream that is back within a second changes nothing for anybody', async t => {
  const { clock, table, join } = setup()
  const first = await join('a')
  table.left('a', first)
  clock.pass(900)
  await join('a')
  clock.pass(5_000)
  t.same(health(table), { a: 'healthy' })
})

t.test('a silent stream is unhealthy after 10 s, healthy again when it speaks, and removed 30 s after', async t => {
  const { clock, table, stored, join } = setup()
  const stream = await join('a')
  clock.pass(9_000)
  table.heard('a', stream)
  clock.pass(9_990)
  t.same(health(table), { a: 'healthy' })
  clock.pass(20)
  t.same(health(table), { a: 'unhealthy' })
  table.heard('a', stream)
  t.same(health(table), { a: 'healthy' })
  clock.pass(10_010)
  clock.pass(30_010)
  t.same(health(table), {})
  t.equal(stream.ended, 'silent')
  t.equal(stored.size, 0)
})

t.test('when more than half of a service vanishes together its leases are held, marked, and said to be', async t => {
  const { clock, table, warnings, join } = setup()
  const [a, b] = [await join('a'), await join('b')]
  const c = await join('c')
  table.left('a', a)
  table.left('b', b)
  clock.pass(1_010)
  table.heard('c', c)
  t.same(health(table), { a: 'unhealthy', b: 'unhealthy', c: 'healthy' })
  t.ok(table.isHeld('a') && table.isHeld('b') && !table.isHeld('c'))
  t.equal(warnings.length, 1)
  for (let i = 0; i < 10; i++) {
    clock.pass(9_000)
    table.heard('c', c)
  }
  t.equal(table.list().length, 3, 'still there after 90 s')
  await join('a')
  t.notOk(table.isHeld('a'))
})

t.test('half of a service, or its only lease, is not held', async t => {
  const { clock, table, join } = setup()
  const a = await join('a')
  table.left('a', a)
  clock.pass(1_010)
  t.notOk(table.isHeld('a'))
  clock.pass(30_010)
  t.same(table.list(), [])
})

t.test('after a restart stored leases are served unchanged for 60 s; who comes back is taken over, the rest is removed', async t => {
  const { clock, table, join } = setup()
  const lease = (node: string): Lease => ({
    ...said(node),
    isDraining: false,
    health: 'healthy',
    unhealthySince: null,
    registeredAt: 0,
  })
  table.restore([lease('a'), lease('b')])
  clock.pass(59_000)
  t.same(health(table), { a: 'healthy', b: 'healthy' })
  const a = await join('a')
  clock.pass(1_010)
  t.same(health(table), { a: 'healthy', b: 'unhealthy' })
  for (let i = 0; i < 4; i++) {
    clock.pass(8_000)
    table.heard('a', a)
  }
  t.same(health(table), { a: 'healthy' })
})

t.test('who drains is no endpoint, and its name stays known for 30 s after its end', async t => {
  const { clock, table, join } = setup()
  const a = await join('a')
  table.update('a', a, { isAppReady: false, isDraining: true })
  table.left('a', a)
  t.match(table.list(), [{ isDraining: true, health: 'healthy' }])
  clock.pass(30_010)
  t.same(table.list(), [])
})

t.test('leases over the limit are refused', async t => {
  const { table, join } = setup({ maxLeases: 1 })
  await join('a')
  t.equal(await table.register(said('b'), new Stream()), null)
})

t.test('what cannot be stored is not accepted, and goes away', async t => {
  const { clock, table } = setup({ putLease: () => Promise.reject(new Error('disk full')) })
  await t.rejects(table.register(said('a'), new Stream()), /disk full/)
  clock.pass(31_100)
  t.same(table.list(), [])
})
