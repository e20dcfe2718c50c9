import t from 'tap'
import { firstAttempt } from '../../../proxy/filter/attempt.ts'
import { Exchange } from '../../../proxy/filter/exchange.ts'
import { route } from '../../../proxy/filter/route.ts'
import type { PathMatch, Route, RouteAction, VirtualHost } from '../../../proxy/route/route.ts'
import { RouteTable } from '../../../proxy/route/table.ts'
import { Collector, HandBody } from '../http/hand-body.ts'
import { Call, requestHead, routeTo, settled, shares, Upstream } from './setup.ts'

const all: PathMatch = { kind: 'prefix', value: '/' }
const entry = (path: PathMatch, action: Route['action']) => ({
  match: { path, method: null, headers: [], query: [] },
  route: { ...routeTo('orders'), action },
})
const to = (...clusters: (readonly [string, number])[]): RouteAction => ({
  kind: 'forward',
  clusters: clusters.map(([cluster, weight]) => ({ cluster, weight, modifiers: null })),
})
const host = (name: string, domains: string[], ...routes: VirtualHost['routes']): VirtualHost => ({ name, domains, routes })

const hosts = [
  host(
    'orders',
    ['orders', 'orders:80'],
    entry({ kind: 'prefix', value: '/api' }, to(['api', 1])),
    entry(
      { kind: 'exact', value: '/old' },
      { kind: 'redirect', status: 301, scheme: null, host: 'new', port: null, path: { kind: 'full', value: '/n' } },
    ),
    entry({ kind: 'exact', value: '/fixed' }, { kind: 'respond', status: 418, body: 'short' }),
    entry({ kind: 'exact', value: '/split' }, to(['v1', 90], ['v2', 10])),
    entry({ kind: 'exact', value: '/broken' }, to(['', 1])),
    entry({ kind: 'exact', value: '/partly' }, to(['v1', 1], ['invalid', 1])),
    entry({ kind: 'exact', value: '/zero' }, to(['v1', 0])),
  ),
  host('orders-any', ['orders:*']),
  host('tcp', ['tcp'], entry(all, to(['tcp', 1]))),
]
const outside = host('outside', ['*'], entry(all, to(['passthrough', 1])))

function setUp(call: Call, options: { random?: number[]; hosts?: VirtualHost[] } = {}) {
  const upstream = new Upstream()
  const exchange = new Exchange('outbound', call)
  const attempt = firstAttempt(exchange)
  const filter = route(new RouteTable(options.hosts ?? [...hosts, outside]), shares(...(options.random ?? [])))
  const handle = () => filter(upstream.handler)(exchange, attempt)
  return { upstream, exchange, attempt, handle }
}
const get = (path: string, authority = 'orders') => new Call(requestHead({ path, authority }))
const connectTo = (authority: string) => new Call(requestHead({ method: 'CONNECT', authority, path: null }), new HandBody())

t.test('the route, what its prefix matched, and its backend are set', async t => {
  const { upstream, exchange, handle } = setUp(get('/api/1'))
  void handle()
  t.equal(upstream.asked.length, 1)
  t.equal(exchange.matchedPrefix, '/api')
  t.equal(exchange.backend?.cluster, 'api')
  t.ok(exchange.route)
})

t.test('what was matched is what is forwarded: the path goes on normalised, and the exchange keeps what came', async t => {
  const { attempt, exchange, handle } = setUp(get('/x/../api/1?q=a/../b'))
  void handle()
  t.equal(attempt.head.path, '/api/1?q=a/../b')
  t.equal(exchange.incoming.head.path, '/x/../api/1?q=a/../b')
})

t.test('no route is 404 NR; an unknown port of a known name never falls through to DNS', async t => {
  t.throws(setUp(get('/nothing')).handle, { code: 'NO_ROUTE' })
  t.throws(setUp(get('/api', 'orders:81')).handle, { code: 'NO_ROUTE' })
  t.throws(setUp(get('/', 'unknown'), { hosts }).handle, { code: 'NO_ROUTE' }, 'unknownHosts: deny')
  t.throws(setUp(connectTo('orders:81')).handle, { code: 'NO_ROUTE' })
})

t.test('a path that servers read in different ways is 400', async t => {
  t.throws(setUp(get('/api/%00')).handle, { code: 'DOWNSTREAM_PROTOCOL' })
})

t.test('a host outside the mesh goes to the catch-all', async t => {
  const { exchange, handle } = setUp(get('/', 'example.org'))
  void handle()
  t.equal(exchange.backend?.cluster, 'passthrough')
})

t.test('redirects and direct responses are answered here', async t => {
  const redirect = await setUp(get('/old')).handle()
  t.equal(redirect.head.status, 301)
  t.equal(redirect.head.headers.get('location'), 'http://new/n')
  const direct = await setUp(get('/fixed')).handle()
  const sink = new Collector()
  direct.body.pipe(sink)
  t.equal(direct.head.status, 418)
  t.equal(sink.text, 'short')
})

t.test('the backend is chosen by weight', async t => {
  for (const [share, cluster] of [
    [0, 'v1'],
    [0.89, 'v1'],
    [0.91, 'v2'],
  ] as const) {
    const { exchange, handle } = setUp(get('/split'), { random: [share] })
    void handle()
    t.equal(exchange.backend?.cluster, cluster)
  }
})

t.test('an invalid backendRef is 500 for its share', async t => {
  t.throws(setUp(get('/broken')).handle, { code: 'INVALID_BACKEND' })
  t.throws(setUp(get('/zero')).handle, { code: 'INVALID_BACKEND' })
  t.throws(setUp(get('/partly'), { random: [0.6] }).handle, { code: 'INVALID_BACKEND' })
  t.doesNotThrow(() => void setUp(get('/partly'), { random: [0.4] }).handle())
})

t.test('CONNECT to a service is terminated here; what follows comes again as requests', async t => {
  const call = connectTo('orders:80')
  const { upstream, exchange, handle } = setUp(call)
  t.equal((await handle()).head.status, 0)
  t.equal(call.terminated, 1)
  t.equal(exchange.status, 200)
  t.equal(upstream.asked.length, 0)
})

t.test('CONNECT to a service whose rules only redirect is terminated too: its requests are answered by them', async t => {
  const redirect: RouteAction = { kind: 'redirect', status: 301, scheme: null, host: 'new', port: null, path: null }
  const moved = host('moved', ['moved:80'], entry(all, redirect))
  const call = connectTo('moved:80')
  t.equal((await setUp(call, { hosts: [moved, outside] }).handle()).head.status, 0)
  t.equal(call.terminated, 1)
  const inside = get('/x', 'moved')
  inside.destination = { direction: 'outbound', connect: 'moved:80', original: null }
  t.equal((await setUp(inside, { hosts: [moved, outside] }).handle()).head.status, 301)
  const opaque = connectTo('moved:80')
  opaque.destination = { direction: 'outbound', connect: 'moved:80', original: null }
  opaque.isOpaque = true
  t.throws(setUp(opaque, { hosts: [moved, outside] }).handle, { code: 'NO_ROUTE' }, 'there is no endpoint for what is no HTTP')
})

t.test('requests inside a terminated CONNECT are routed by its authority, whatever Host says', async t => {
  const call = get('/api', 'example.org')
  call.destination = { direction: 'outbound', connect: 'orders:80', original: null }
  const { exchange, attempt, handle } = setUp(call)
  void handle()
  t.equal(exchange.backend?.cluster, 'api')
  t.equal(attempt.head.authority, 'example.org')
})

t.test('no nested CONNECT', async t => {
  const call = connectTo('orders:80')
  call.destination = { direction: 'outbound', connect: 'orders:80', original: null }
  t.throws(setUp(call).handle, { code: 'FORBIDDEN_TARGET' })
})

t.test('what is no HTTP inside a CONNECT goes to one endpoint of the first route', async t => {
  const call = connectTo('tcp')
  call.destination = { direction: 'outbound', connect: 'tcp', original: null }
  call.isOpaque = true
  const { upstream, exchange, handle } = setUp(call)
  void handle()
  await settled()
  t.equal(exchange.backend?.cluster, 'tcp')
  t.equal(upstream.asked.length, 1)
  t.equal(call.terminated, 0)
})

t.test('CONNECT to a host outside the mesh is tunnelled through the catch-all', async t => {
  const call = connectTo('example.org:443')
  const { exchange, handle } = setUp(call)
  void handle()
  t.equal(exchange.backend?.cluster, 'passthrough')
  t.equal(call.terminated, 0)
  t.throws(setUp(connectTo('example.org:443'), { hosts }).handle, { code: 'NO_ROUTE' }, 'unknownHosts: deny')
})
