import { test } from 'tap'
import type { LastGood } from '../../../proxy/config/last-good.ts'
import { encodeParts } from '../../../proxy/xds/copy.ts'
import { emptyParts } from '../../../proxy/xds/parts.ts'
import { WARMING_MS } from '../../../proxy/xds/swap.ts'
import { cluster, endpoints, inbound, outbound, routes, routeTo, virtualHost } from '../../support/xds-resources.ts'
import { Played } from './scripted-stream.ts'

const host = (name: string, target: string) => ({ [`outbound/${name}`]: virtualHost(name, [name], [routeTo(target, `${name}.yaml:1`)]) })

test('the first request of each type asks for what is wanted, and only the very first says who asks', async t => {
  const played = await new Played().start()
  t.match(
    played.sent.map(each => each.resourceNamesSubscribe),
    [['*'], ['*'], ['outbound'], ['*']],
  )
  t.match(played.sent[0]?.node, { id: 'default/web/1', cluster: 'web', userAgentName: 'outrider', metadata: { labels: { version: 'v1' } } })
  t.ok(played.sent.slice(1).every(each => each.node === undefined))
})

test('a first configuration is put into force when it is whole, and acknowledged only then', async t => {
  const played = await new Played().start()
  t.equal(played.answer(played.say('cluster', { a: cluster('a') })), 'ack')
  t.strictSame(played.asked('endpoint')[0]?.resourceNamesSubscribe, ['a'])
  const listeners = played.say('listener', { outbound: outbound(), inbound: inbound() })
  const tables = played.say('routes', { outbound: routes() })
  const hosts = played.say('virtualHost', host('orders', 'a'))
  t.strictSame(
    [listeners, tables, hosts].map(each => played.answer(each)),
    [null, null, null],
  )
  t.strictSame(played.source.state().waitingFor, ['endpoints a'])
  t.equal(played.snapshots.length, 0)
  t.equal(played.answer(played.say('endpoint', { a: endpoints('a', []) })), 'ack', 'an empty answer is one')
  t.strictSame(
    [listeners, tables, hosts].map(each => played.answer(each)),
    ['ack', 'ack', 'ack'],
  )
  const [snapshot] = played.snapshots
  t.strictSame([snapshot?.storeId, snapshot?.revision], ['store', 1])
  t.strictSame([...(snapshot?.clusters.keys() ?? [])], ['a', 'app'])
  t.equal(snapshot?.routes.get('outbound')?.[0]?.name, 'orders')
  t.match(played.source.state(), { isConnected: true, storeId: 'store', revision: 1, source: 'control-plane', ageMs: 0, refusal: null })
})

test('a mesh without services is put into force too', async t => {
  const played = await new Played().start()
  played.say('cluster', {})
  played.say('listener', { outbound: outbound(), inbound: inbound() })
  played.say('routes', { outbound: routes() })
  t.equal(played.snapshots.length, 0)
  played.say('virtualHost', {})
  t.equal(played.snapshots.length, 1)
})

test('a route to a new cluster waits for its endpoints, but no longer than 5 s', async t => {
  const played = await new Played().start()
  played.sayAll()
  played.version = 'store/2/0'
  played.say('cluster', { b: cluster('b') })
  const nonce = played.say('virtualHost', host('stock', 'b'))
  const before = played.snapshots.length
  played.clock.pass(WARMING_MS - 10)
  t.equal(played.snapshots.length, before)
  t.equal(played.answer(nonce), null)
  played.clock.pass(20)
  t.equal(played.answer(nonce), 'ack')
  t.equal(played.snapshots.at(-1)?.revision, 2)
  t.equal(played.snapshots.at(-1)?.endpoints.has('b'), false)
  const later = played.say('virtualHost', host('web', 'a'))
  t.equal(played.answer(later), 'ack', 'what did not come is not waited for again')
})

test('endpoints that do not exist are an answer', async t => {
  const played = await new Played().start()
  played.sayAll()
  played.say('cluster', { b: cluster('b') })
  played.say('endpoint', { b: null })
  t.equal(played.answer(played.say('virtualHost', host('stock', 'b'))), 'ack')
  t.strictSame(played.snapshots.at(-1)?.endpoints.get('b'), [])
})

test('a refused resource leaves its last good one in use, and the others of the response are taken', async t => {
  const played = await new Played().start()
  played.sayAll()
  const good = virtualHost('web', ['web'], [routeTo('a')])
  const bad = virtualHost('orders', [], [{ ...routeTo('a', 'orders.yaml:9'), match: {} }])
  const nonce = played.say('virtualHost', { 'outbound/orders': bad, 'outbound/web': good })
  t.equal(played.answer(nonce), 'outbound/orders (orders.yaml:9): domains: are missing; routes[0].match: has no path, prefix or safe_regex')
  t.match(played.source.state().lastNack, { message: /^outbound\/orders/ })
  t.strictSame(
    played.snapshots
      .at(-1)
      ?.routes.get('outbound')
      ?.map(each => each.name),
    ['orders', 'web'],
  )
})

test('a refused cluster that nothing is held of is known to be invalid, and not waited for', async t => {
  const played = await new Played().start()
  played.sayAll()
  t.match(played.answer(played.say('cluster', { b: cluster('b', { edsClusterConfig: {} }) })), /^b: eds_cluster_config/)
  t.equal(played.answer(played.say('virtualHost', host('stock', 'b'))), 'ack')
})

test('a snapshot that cannot be put into force is refused, and the one before it stays', async t => {
  const played = await new Played().start()
  played.sayAll()
  played.failure = new Error('no such thing')
  t.equal(played.answer(played.say('virtualHost', host('web', 'a'))), 'no such thing')
  t.equal(played.source.state().revision, 1)
})

test('parts that did not change are the same objects in the next snapshot', async t => {
  const played = await new Played().start()
  played.sayAll()
  const before = played.snapshots.at(-1)
  played.say('endpoint', { a: endpoints('a', ['10.0.0.2:80']) })
  const after = played.snapshots.at(-1)
  t.equal(after?.routes, before?.routes)
  t.equal(after?.clusters, before?.clusters)
  t.not(after?.endpoints, before?.endpoints)
  const count = played.snapshots.length
  played.say('endpoint', { a: endpoints('a', ['10.0.0.2:80']) })
  t.equal(played.snapshots.length, count, 'the same said again changes nothing')
})

test('a removed cluster is given up when the routes have left it', async t => {
  const played = await new Played().start()
  played.sayAll()
  const count = played.snapshots.length
  played.say('cluster', { a: null, b: cluster('b') })
  t.strictSame(played.asked('endpoint').at(-1)?.resourceNamesUnsubscribe, ['a'])
  played.say('endpoint', { b: endpoints('b', []) })
  t.equal(played.snapshots.length, count)
  played.say('virtualHost', host('orders', 'b'))
  t.strictSame([...(played.snapshots.at(-1)?.clusters.keys() ?? [])], ['b', 'app'])
})

test('a lost stream changes nothing; the next one says what is held', async t => {
  const played = await new Played().start()
  played.sayAll()
  const count = played.snapshots.length
  played.sent = []
  played.streams.at(-1)?.ended('gone')
  t.equal(played.source.state().isConnected, false)
  t.equal(played.streams.length, 1)
  played.clock.pass(500)
  t.equal(played.streams.length, 2)
  t.strictSame(Object.keys(played.asked('virtualHost')[0]?.initialResourceVersions ?? {}), ['outbound/orders'])
  t.strictSame(played.asked('endpoint')[0]?.resourceNamesSubscribe, ['a'])
  t.ok(played.sent[0]?.node)
  t.equal(played.snapshots.length, count)
})

test('another store, or an earlier revision, is not followed until the control plane adopts', async t => {
  for (const [version, word] of [
    ['other/9/0', 'foreign-store'],
    ['store/3/0', 'old-revision'],
  ] as const) {
    const played = new Played()
    played.version = 'store/5/0'
    await played.start()
    played.sayAll()
    const count = played.snapshots.length
    played.version = version
    t.match(
      played.answer(played.say('virtualHost', { 'outbound/orders': null })),
      new RegExp(`^${word}: this sidecar runs revision 5 of store store`),
    )
    t.equal(played.snapshots.length, count)
    t.equal(played.source.state().refusal, word)
    played.streams.at(-1)?.ended('restarted with --adopt')
    played.clock.pass(500)
    played.identifier = `outrider ${version.split('/')[0]} adopt`
    t.equal(played.answer(played.say('virtualHost', { 'outbound/orders': null })), 'ack')
    t.match(played.source.state(), { refusal: null, revision: Number(version.split('/')[1]), storeId: version.split('/')[0] })
    t.strictSame(played.snapshots.at(-1)?.routes.get('outbound'), [])
  }
})

test('a store that has caught up is followed from a new stream, so that what was refused is sent again', async t => {
  const played = new Played()
  played.version = 'store/5/0'
  await played.start()
  played.sayAll()
  played.version = 'store/4/0'
  played.say('virtualHost', host('x', 'a'))
  played.version = 'store/6/0'
  played.say('cluster', {})
  t.equal(played.closed, 1)
  played.clock.pass(500)
  t.equal(played.streams.length, 2)
  t.equal(played.answer(played.say('virtualHost', host('x', 'a'))), 'ack')
})

test('a version that is none is refused', async t => {
  const played = await new Played().start()
  played.version = 'nonsense'
  t.match(played.answer(played.say('cluster', {})), /^system_version_info "nonsense" is not/)
})

test('listeners that never come whole are acknowledged after 5 s, so that the control plane goes on', async t => {
  const played = await new Played().start()
  const nonce = played.say('listener', { outbound: outbound(), inbound: inbound() })
  played.clock.pass(WARMING_MS + 10)
  t.equal(played.answer(nonce), 'ack')
  t.equal(played.snapshots.length, 0)
})

test('the copy on disk is in force before there is a control plane, and its versions are told to it', async t => {
  const parts = emptyParts()
  const take = (type: 'cluster' | 'endpoint' | 'listener' | 'routes' | 'virtualHost', name: string, resource: ReturnType<typeof routes>) =>
    t.equal(parts[type].take({ $typeName: 'envoy.service.discovery.v3.Resource', name, version: `v-${name}`, resource, aliases: [] }), null)
  take('cluster', 'a', cluster('a'))
  take('endpoint', 'a', endpoints('a', ['10.0.0.1:80']))
  take('listener', 'outbound', outbound())
  take('listener', 'inbound', inbound())
  take('routes', 'outbound', routes())
  take('virtualHost', 'outbound/orders', virtualHost('orders', ['orders'], [routeTo('a')]))
  const saved: (() => unknown)[] = []
  const origin = { service: 'default/web', trustDomain: 'cluster.local', storeId: 'store', revision: 4, savedAt: 0 }
  const lastGood = {
    load: async () => ({ kind: 'loaded', origin, content: Buffer.concat(await Array.fromAsync(encodeParts(parts))) }),
    save: (copy: () => unknown) => saved.push(copy),
    flush: async () => {},
  } as unknown as LastGood
  const played = await new Played(lastGood).start()
  t.equal(played.snapshots[0]?.revision, 4)
  t.match(played.source.state(), { source: 'disk', revision: 4 })
  t.equal(saved.length, 0, 'what came from disk is not written again')
  t.strictSame(played.asked('virtualHost')[0]?.initialResourceVersions, { 'outbound/orders': 'v-outbound/orders' })
  t.strictSame(played.asked('endpoint')[0]?.initialResourceVersions, { a: 'v-a' })
  played.version = 'store/5/0'
  played.say('cluster', {})
  t.match(played.source.state(), { source: 'control-plane', revision: 5, ageMs: 0 })
  t.match(saved.at(-1)?.(), { storeId: 'store', revision: 5 })
  await played.source.stop()
  t.equal(played.closed, 1)
})
