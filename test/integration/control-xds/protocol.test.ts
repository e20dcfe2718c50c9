import t from 'tap'
import { TYPES } from '../../../control/translate/resources.ts'
import { NODE, Peer } from './peer.ts'
import { model, plane, route, service } from './plane.ts'

const ENVOY = { id: 'envoy-1', cluster: 'web', userAgentName: 'envoy' }

t.test('a refusal is kept with its resource and text, and the refused resource goes out again beside the next change', async t => {
  const services = [service('orders'), service('web')]
  const { discovery, port } = await plane({ model: model(1, services) })
  const peer = new Peer(port)
  t.teardown(async () => {
    peer.close()
    await discovery.close()
  })
  const stream = peer.delta()
  await stream.join()
  await discovery.board.settled(discovery.revision, 5_000)
  discovery.setModel(model(2, services, [route('orders', 'orders')]))
  stream.nack(await stream.next(TYPES.virtualHost), 'outbound/default/orders:80: routes[0] is bad')
  const [refusing] = await discovery.board.settled(2, 5_000)
  t.match(refusing, { inSync: false, version: '1', lastNack: { resource: 'outbound/default/orders:80', revision: 2, message: /is bad/ } })
  discovery.setModel(model(3, services, [route('orders', 'orders'), route('web', 'web')]))
  const again = await stream.take(TYPES.virtualHost)
  t.same(again.resources.map(each => each.name).sort(), ['outbound/default/orders:80', 'outbound/default/web:80'])
  t.match(await discovery.board.settled(3, 5_000), [{ inSync: true, version: '3' }])
})

t.test('a sidecar that refuses a foreign store is shown with that word', async t => {
  const { discovery, port } = await plane({ model: model(1, [service('orders')]), isAdopting: true })
  const peer = new Peer(port)
  t.teardown(async () => {
    peer.close()
    await discovery.close()
  })
  const stream = peer.delta()
  stream.ask(TYPES.cluster, ['*'])
  const clusters = await stream.next(TYPES.cluster)
  t.equal(clusters.controlPlane?.identifier, 'outrider store-1 adopt')
  stream.nack(clusters, 'foreign-store: this sidecar follows store-0')
  stream.ask(TYPES.listener, ['*'])
  await stream.next(TYPES.listener)
  t.match(discovery.board.list(), [{ warnings: ['foreign-store'], inSync: false }])
})

t.test('a sidecar that reconnects gets what differs from what it has, and hears where nothing does', async t => {
  const { discovery, port } = await plane({ model: model(1, [service('orders')]) })
  const peer = new Peer(port)
  t.teardown(async () => {
    peer.close()
    await discovery.close()
  })
  const first = peer.delta()
  first.ask(TYPES.cluster, ['*'])
  const known = (await first.take(TYPES.cluster)).resources
  first.call.cancel()
  const versions = Object.fromEntries(known.map(each => [each.name, each.version]))
  const second = peer.delta()
  second.ask(TYPES.cluster, ['*'], { initialResourceVersions: { ...versions, 'default/gone:80': 'x' } })
  const answer = await second.take(TYPES.cluster)
  t.same(answer.resources, [])
  t.same(answer.removedResources, ['default/gone:80'])
})

t.test('a name that does not exist is said to be missing, and is sent when it comes to exist', async t => {
  const { discovery, port } = await plane()
  const peer = new Peer(port)
  t.teardown(async () => {
    peer.close()
    await discovery.close()
  })
  const stream = peer.delta()
  stream.ask(TYPES.endpoint, ['default/orders:80'])
  t.same((await stream.take(TYPES.endpoint)).removedResources, ['default/orders:80'])
  discovery.setModel(model(2, [service('orders')]))
  t.same(
    (await stream.take(TYPES.endpoint)).resources.map(each => each.name),
    ['default/orders:80'],
  )
})

t.test('a changed cluster is followed by its endpoints, though they did not change', async t => {
  const { discovery, port } = await plane({ model: model(1, [service('orders')]) })
  const peer = new Peer(port)
  t.teardown(async () => {
    peer.close()
    await discovery.close()
  })
  const stream = peer.delta()
  await stream.join()
  await discovery.board.settled(discovery.revision, 5_000)
  stream.ask(TYPES.endpoint, ['default/orders:80'])
  await stream.take(TYPES.endpoint)
  const spec = { targetRefs: [{ kind: 'Service', name: 'orders' }], loadBalancer: { policy: 'roundRobin' as const } }
  const policy = { apiVersion: 'outrider.dev/v1', kind: 'TrafficPolicy' as const, metadata: { name: 'p', namespace: 'default' }, spec }
  discovery.setModel({ ...model(2, [service('orders')]), trafficPolicies: [policy] })
  t.same(
    (await stream.take(TYPES.cluster)).resources.map(each => each.name),
    ['default/orders:80'],
  )
  t.same(
    (await stream.take(TYPES.endpoint)).resources.map(each => each.name),
    ['default/orders:80'],
  )
})

t.test('a slow sidecar has one response of a type under way, and then gets the latest state', async t => {
  const services = [service('orders')]
  const { discovery, port, hand } = await plane({ model: model(1, services) })
  const peer = new Peer(port)
  t.teardown(async () => {
    peer.close()
    await discovery.close()
  })
  const stream = peer.delta()
  await stream.join()
  await discovery.board.settled(discovery.revision, 5_000)
  const timed = (seconds: number) => [
    route('orders', 'orders', { rules: [{ timeouts: { request: `${seconds}s` }, backendRefs: [{ name: 'orders', port: 80 }] }] }),
  ]
  discovery.setModel(model(2, services, timed(2)))
  const slow = await stream.next(TYPES.virtualHost)
  for (const revision of [3, 4, 5]) {
    discovery.setModel(model(revision, services, timed(revision)))
    await new Promise(resolve => setImmediate(resolve))
  }
  hand.advance(30_005)
  t.match(discovery.board.list(), [{ warnings: ['slow'] }])
  stream.ack(slow)
  t.match((await stream.take(TYPES.virtualHost)).systemVersionInfo, /^store-1\/5\//)
  t.match(await discovery.board.settled(5, 5_000), [{ version: '5', warnings: [] }])
})

t.test('an Envoy by state of the world gets its routes inline, whole sets of clusters, and subsets of endpoints', async t => {
  const { discovery, port } = await plane({ model: model(1, [service('orders'), service('web')]) })
  const peer = new Peer(port)
  t.teardown(async () => {
    peer.close()
    await discovery.close()
  })
  const stream = peer.sotw()
  const names = (response: { resources: readonly { typeUrl: string }[] }) => response.resources.length
  stream.send({ node: ENVOY, typeUrl: TYPES.cluster })
  const clusters = await stream.inbox.next()
  t.equal(names(clusters), 3)
  stream.send({ typeUrl: TYPES.endpoint, resourceNames: ['default/orders:80'] })
  const endpoints = await stream.inbox.next(each => each.typeUrl === TYPES.endpoint)
  t.equal(names(endpoints), 1, 'fewer names than there are assignments')
  stream.send({ typeUrl: TYPES.cluster, responseNonce: clusters.nonce, versionInfo: clusters.versionInfo })
  stream.send({ typeUrl: TYPES.endpoint, resourceNames: ['default/orders:80'], responseNonce: endpoints.nonce })
  stream.send({ typeUrl: TYPES.endpoint, resourceNames: ['default/orders:80', 'default/web:80'], responseNonce: endpoints.nonce })
  const more = await stream.inbox.next(each => each.typeUrl === TYPES.endpoint)
  t.equal(names(more), 1, 'the name that is new')
  stream.send({ typeUrl: TYPES.endpoint, resourceNames: ['default/orders:80', 'default/web:80'], responseNonce: more.nonce })
  stream.send({ typeUrl: TYPES.routes, resourceNames: ['outbound'] })
  const routes = await stream.inbox.next(each => each.typeUrl === TYPES.routes)
  stream.send({ typeUrl: TYPES.routes, resourceNames: ['outbound'], responseNonce: routes.nonce })
  discovery.setModel(model(2, [service('orders')]))
  const fewerRoutes = await stream.inbox.next(each => each.typeUrl === TYPES.routes)
  stream.send({ typeUrl: TYPES.routes, resourceNames: ['outbound'], responseNonce: fewerRoutes.nonce })
  const fewer = await stream.inbox.next(each => each.typeUrl === TYPES.cluster)
  t.equal(names(fewer), 2, 'what is left out is deleted, after the routes that named it')
})

t.test('names asked for twice before the first answer both count, as grpc-js sends them', async t => {
  const { discovery, port } = await plane({ model: model(1, [service('orders'), service('web')]) })
  const peer = new Peer(port)
  t.teardown(async () => {
    peer.close()
    await discovery.close()
  })
  const stream = peer.sotw()
  stream.send({ node: ENVOY, typeUrl: TYPES.endpoint, resourceNames: ['default/orders:80'] })
  stream.send({ typeUrl: TYPES.endpoint, resourceNames: ['default/orders:80', 'default/web:80'] })
  const first = await stream.inbox.next()
  stream.send({ typeUrl: TYPES.endpoint, resourceNames: ['default/orders:80', 'default/web:80'], responseNonce: first.nonce })
  const second = await stream.inbox.next()
  t.equal(first.resources.length + second.resources.length, 2)
})

t.test('streams over the limit, and those that do not say who they are, are ended', async t => {
  const { discovery, port } = await plane({ maxStreams: 1 })
  const peer = new Peer(port)
  t.teardown(async () => {
    peer.close()
    await discovery.close()
  })
  const first = peer.delta()
  first.ask(TYPES.listener, ['*'])
  await first.take(TYPES.listener)
  const second = peer.delta()
  t.match(await second.inbox.ending(), { code: 8 })
  first.call.cancel()
  await first.inbox.ending()
  while (discovery.board.list()[0]?.isConnected) await new Promise(resolve => setImmediate(resolve))
  const nameless = peer.delta()
  nameless.send({ typeUrl: TYPES.listener, node: { ...NODE, id: '' } })
  t.match(await nameless.inbox.ending(), { code: 3 })
})
