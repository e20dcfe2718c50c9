import t from 'tap'
import { TYPES } from '../../../control/translate/resources.ts'
import type { RegisterResponse } from '../../../protos/gen/outrider/v1/registration_pb.ts'
import { assignment, type DeltaStream, NODE, Peer } from './peer.ts'
import { model, plane, service } from './plane.ts'

const ORDERS = 'default/orders:80'
const is = (kind: RegisterResponse['message']['case']) => (response: RegisterResponse) => response.message.case === kind

async function caller(peer: Peer, id: string): Promise<DeltaStream> {
  const stream = peer.delta()
  await stream.join({ ...NODE, id })
  stream.ask(TYPES.endpoint, [ORDERS])
  await stream.take(TYPES.endpoint)
  return stream
}

t.test('a registration is stored, then accepted, and makes the service known to everybody without any document', async t => {
  const { discovery, store, port } = await plane()
  const peer = new Peer(port)
  t.teardown(async () => {
    peer.close()
    await discovery.close()
  })
  const stream = peer.delta()
  await stream.join()
  const registration = peer.register()
  registration.hello({ nodeId: 'orders-1', address: '' } as never)
  const accepted = await registration.inbox.next()
  t.match(accepted.message, { case: 'accepted', value: { storeId: 'store-1', address: '127.0.0.1', port: 8081 } })
  t.match(store.table.get('orders-1'), { service: 'orders', address: '127.0.0.1', port: 8081, health: 'healthy' })
  t.ok((await stream.take(TYPES.cluster)).resources.some(each => each.name === ORDERS))
  stream.ask(TYPES.endpoint, [ORDERS])
  t.same(assignment(await stream.take(TYPES.endpoint), ORDERS), ['127.0.0.1:8081 1'])
  t.ok((await stream.take(TYPES.virtualHost)).resources.some(each => each.name === `outbound/${ORDERS}`))
})

t.test('a graceful end leaves every assignment at once, and the leaver hears who knows', async t => {
  const { discovery, port } = await plane({ model: model(1, [service('orders', { endpoints: undefined } as never)]) })
  const peer = new Peer(port)
  t.teardown(async () => {
    peer.close()
    await discovery.close()
  })
  const registration = peer.register()
  registration.hello({ nodeId: 'orders-1' })
  await registration.inbox.next(is('accepted'))
  const a = await caller(peer, 'web-1')
  const b = await caller(peer, 'web-2')
  registration.send({ case: 'update', value: { isAppReady: false, isDraining: true } })
  t.match((await registration.inbox.next(is('departure'))).message.value, { callers: 2, callersThatKnow: 0, isKnownToAll: false })
  const news = await a.next(TYPES.endpoint)
  t.same(assignment(news, ORDERS), [])
  a.ack(news)
  t.match((await registration.inbox.next(is('departure'))).message.value, { callers: 2, callersThatKnow: 1, isKnownToAll: false })
  await b.take(TYPES.endpoint)
  t.match((await registration.inbox.next(is('departure'))).message.value, { callers: 2, callersThatKnow: 2, isKnownToAll: true })
})

t.test('a stream that breaks makes its endpoint unhealthy after a second; 30 s later it is removed', async t => {
  const { discovery, hand, store, port } = await plane({ model: model(1, [service('orders', { endpoints: undefined } as never)]) })
  const peer = new Peer(port)
  t.teardown(async () => {
    peer.close()
    await discovery.close()
  })
  const registration = peer.register()
  registration.hello({ nodeId: 'orders-1' })
  await registration.inbox.next(is('accepted'))
  const a = await caller(peer, 'web-1')
  registration.call.cancel()
  while (discovery.leases.isLive('orders-1')) await new Promise(resolve => setImmediate(resolve))
  hand.advance(999)
  t.equal(discovery.leases.get('orders-1')?.health, 'healthy')
  hand.advance(10)
  t.same(assignment(await a.take(TYPES.endpoint), ORDERS), ['127.0.0.1:8081 2'])
  hand.advance(30_005)
  t.same(assignment(await a.take(TYPES.endpoint), ORDERS), [])
  t.equal(store.table.size, 0)
})

t.test('a newer stream of the same node takes the lease over', async t => {
  const { discovery, port } = await plane()
  const peer = new Peer(port)
  t.teardown(async () => {
    peer.close()
    await discovery.close()
  })
  const old = peer.register()
  old.hello({ nodeId: 'orders-1' })
  await old.inbox.next(is('accepted'))
  const next = peer.register()
  next.hello({ nodeId: 'orders-1', port: 9000 } as never)
  await next.inbox.next(is('accepted'))
  t.match(await old.inbox.ending(), { code: 10 })
  t.match(discovery.leases.list(), [{ node: 'orders-1', port: 9000, health: 'healthy' }])
})

t.test('what is no proper registration is refused with what is wrong', async t => {
  const { discovery, port } = await plane({ maxLeases: 1 })
  const peer = new Peer(port)
  t.teardown(async () => {
    peer.close()
    await discovery.close()
  })
  const first = peer.register()
  first.hello({ nodeId: 'orders-1' })
  await first.inbox.next(is('accepted'))
  for (const [fields, code, details] of [
    [{ nodeId: 'x', service: 'No Label' }, 3, /service "No Label"/],
    [{ nodeId: '' }, 3, /node_id/],
    [{ nodeId: 'x', address: '0.0.0.0' }, 3, /peers can reach/],
    [{ nodeId: 'x', port: 0 }, 3, /port 0/],
    [{ nodeId: 'x', protocol: 'smtp' }, 3, /protocol "smtp"/],
    [{ nodeId: 'x' }, 8, /too many leases/],
  ] as const) {
    const registration = peer.register()
    registration.hello(fields as never)
    t.match(await registration.inbox.ending(), { code, details })
  }
})
