import t from 'tap'
import { TYPES } from '../../../control/translate/resources.ts'
import { Translator } from '../../../control/translate/translate.ts'
import { NODE, Peer } from './peer.ts'
import { model, plane, route, service } from './plane.ts'

/** Simulated sidecars, and streams on one connection. */
const SIDECARS = 1_000
const STREAMS = 50

const GROUP = { namespace: 'default', client: 'outrider' } as const
const timed = (name: string, seconds: number) =>
  route(name, name, { rules: [{ timeouts: { request: `${seconds}s` }, backendRefs: [{ name, port: 80 }] }] })
const names = (count: number) => Array.from({ length: count }, (_, index) => `service-${index}`)

t.test('1,000 sidecars acknowledge a change', async t => {
  const services = names(20).map(name => service(name))
  const { discovery, port } = await plane({ model: model(1, services, [timed('service-1', 1)]) })
  const peers = Array.from({ length: SIDECARS / STREAMS }, () => new Peer(port))
  t.teardown(async () => {
    for (const peer of peers) peer.close()
    await discovery.close()
  })
  const streams = Array.from({ length: SIDECARS }, (_, index) => (peers[index % peers.length] as Peer).delta())
  await Promise.all(streams.map((stream, index) => stream.join({ ...NODE, id: `web-${index}` })))
  await discovery.board.settled(1, 60_000)
  discovery.setModel(model(2, services, [timed('service-1', 2)]))
  await Promise.all(streams.map(stream => stream.take(TYPES.virtualHost)))
  const proxies = await discovery.board.settled(2, 60_000)
  t.equal(proxies.filter(each => each.inSync && each.version === '2').length, SIDECARS)
})

t.test('one change among 10,000 routes makes one virtual host anew', async t => {
  const services = names(1_000).map(name => service(name))
  const routes = Array.from({ length: 10_000 }, (_, index) =>
    route(`route-${index}`, `service-${index % 100}`, {
      rules: [{ matches: [{ path: { value: `/path-${index}` } }], backendRefs: [{ name: 'service-1', port: 80 }] }],
    }),
  )
  const many = new Translator()
  const before = many.resourcesFor(model(1, services, routes), [], GROUP)
  many.sweep()
  const rules = [{ matches: [{ path: { value: '/other' } }], backendRefs: [{ name: 'service-2', port: 80 }] }]
  const after = many.resourcesFor(model(2, services, routes.with(5_000, route('route-5000', 'service-0', { rules }))), [], GROUP)
  const [hosts, old] = [after.byType.get(TYPES.virtualHost), before.byType.get(TYPES.virtualHost)]
  const differing = [...(hosts?.values() ?? [])].filter(each => old?.get(each.name) !== each)
  t.same(
    differing.map(each => each.name),
    ['outbound/default/service-0:80'],
    'all others are the same objects',
  )
  t.equal(after.byType.get(TYPES.cluster), before.byType.get(TYPES.cluster))
})
