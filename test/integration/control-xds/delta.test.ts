import t from 'tap'
import { TYPES } from '../../../control/translate/resources.ts'
import { assignment, Peer } from './peer.ts'
import { model, plane, route, service } from './plane.ts'

t.test('a sidecar that joins gets clusters, listeners, routes and virtual hosts, and is in sync once it has acknowledged them', async t => {
  const { discovery, port } = await plane({ model: model(7, [service('orders')]) })
  const peer = new Peer(port)
  t.teardown(async () => {
    peer.close()
    await discovery.close()
  })
  const stream = peer.delta()
  stream.ask(TYPES.cluster, ['*'])
  const clusters = await stream.take(TYPES.cluster)
  t.same(clusters.resources.map(each => each.name).sort(), ['default/orders:80', 'passthrough'])
  t.match(clusters.systemVersionInfo, /^store-1\/7\/\d+$/)
  t.equal(clusters.controlPlane?.identifier, 'outrider store-1')
  stream.ask(TYPES.endpoint, ['default/orders:80'])
  t.same(assignment(await stream.take(TYPES.endpoint), 'default/orders:80'), ['127.0.0.1:8081 1'])
  stream.ask(TYPES.listener, ['*'])
  stream.ask(TYPES.routes, ['outbound'])
  stream.ask(TYPES.virtualHost, ['*'])
  t.same(
    (await stream.take(TYPES.listener)).resources.map(each => each.name),
    ['outbound', 'inbound'],
  )
  t.same(
    (await stream.take(TYPES.routes)).resources.map(each => each.name),
    ['outbound'],
  )
  const hosts = await stream.next(TYPES.virtualHost)
  t.same(
    hosts.resources.map(each => each.name),
    ['outbound/default/orders:80', 'outbound/default/orders:*'],
  )
  t.equal(discovery.board.list()[0]?.inSync, false, 'the virtual hosts are not acknowledged yet')
  const settled = discovery.board.settled(7, 5_000)
  stream.ack(hosts)
  t.match(await settled, [{ id: 'web-1', inSync: true, version: '7', isConnected: true, service: 'web' }])
})

t.test('a change of one route sends one virtual host and nothing else', async t => {
  const services = [service('orders'), service('web')]
  const { discovery, port } = await plane({ model: model(1, services, [route('orders', 'orders')]) })
  const peer = new Peer(port)
  t.teardown(async () => {
    peer.close()
    await discovery.close()
  })
  const stream = peer.delta()
  await stream.join()
  const before = stream.inbox.all.length
  const changed = route('orders', 'orders', { rules: [{ timeouts: { request: '3s' }, backendRefs: [{ name: 'orders', port: 80 }] }] })
  discovery.setModel(model(2, services, [changed]))
  const hosts = await stream.take(TYPES.virtualHost)
  t.same(
    hosts.resources.map(each => each.name),
    ['outbound/default/orders:80'],
  )
  t.same(hosts.removedResources, [])
  await discovery.board.settled(2, 5_000)
  t.equal(stream.inbox.all.length, before + 1)
})

t.test('a removed service goes in reverse order: its virtual hosts, then its endpoints, then its cluster', async t => {
  const { discovery, port } = await plane({ model: model(1, [service('orders')]) })
  const peer = new Peer(port)
  t.teardown(async () => {
    peer.close()
    await discovery.close()
  })
  const stream = peer.delta()
  await stream.join()
  stream.ask(TYPES.endpoint, ['default/orders:80'])
  await stream.take(TYPES.endpoint)
  const before = stream.inbox.all.length
  discovery.setModel(model(2))
  t.same((await stream.take(TYPES.virtualHost)).removedResources.sort(), ['outbound/default/orders:*', 'outbound/default/orders:80'])
  t.same((await stream.take(TYPES.endpoint)).removedResources, ['default/orders:80'])
  t.same((await stream.take(TYPES.cluster)).removedResources, ['default/orders:80'])
  t.same(
    stream.inbox.all.slice(before).map(each => each.typeUrl),
    [TYPES.virtualHost, TYPES.endpoint, TYPES.cluster],
  )
})
