import { test } from 'tap'
import { Cluster_DiscoveryType, Cluster_LbPolicy } from '../../../protos/gen/envoy/config/cluster/v3/cluster_pb.ts'
import { decodeCluster } from '../../../proxy/xds/cluster.ts'
import { decodeEndpoints } from '../../../proxy/xds/endpoint.ts'
import { faultLine, MAX_FAULTS } from '../../../proxy/xds/faults.ts'
import { decodeListener } from '../../../proxy/xds/listener.ts'
import type { Decoded } from '../../../proxy/xds/resource.ts'
import { decodeVirtualHost, VirtualHostReading } from '../../../proxy/xds/virtual-host.ts'
import { cluster, endpoints, inbound, listener, outbound, own, type RouteInit, routeTo, virtualHost } from '../../support/xds-resources.ts'

function faults(decoded: Decoded<unknown>): string {
  return decoded.ok ? 'none' : faultLine('it', decoded.faults)
}

function routeFaults(route: RouteInit): string {
  return faults(decodeVirtualHost(virtualHost('orders', ['orders'], [route])))
}

const match = (pathSpecifier: NonNullable<NonNullable<RouteInit['match']>['pathSpecifier']>): RouteInit => ({
  ...routeTo('a'),
  match: { pathSpecifier },
})

test('endpoints: every fault is told with its place', async t => {
  const decoded = decodeEndpoints(endpoints('', ['10.0.0.1:80', 'orders.internal:80', '10.0.0.1:80', '10.0.0.2:0']))
  t.equal(
    faults(decoded),
    'it: cluster_name: is missing; ' +
      'endpoints[0].lb_endpoints[1].endpoint.address: "orders.internal" is not an IP address; ' +
      'endpoints[0].lb_endpoints[2].endpoint.address: 10.0.0.1 port 80 stands here twice; ' +
      'endpoints[0].lb_endpoints[3].endpoint.address: port 0 is not from 1 to 65535',
  )
})

test('faults beyond the limit are counted', async t => {
  const names = Array.from({ length: MAX_FAULTS + 5 }, (_, index) => `host${index}:80`)
  t.match(faults(decodeEndpoints(endpoints('a', names))), /; and 5 more$/)
})

test('octets that are none, and another type, are faults and nothing is thrown', async t => {
  const any = endpoints('a', [])
  t.match(faults(decodeEndpoints({ ...any, value: new Uint8Array([255, 255, 255]) })), /cannot be decoded/)
  t.match(faults(decodeCluster(any)), 'holds envoy.config.endpoint.v3.ClusterLoadAssignment, not envoy.config.cluster.v3.Cluster')
})

test('clusters: what cannot be served is told, with the origin', async t => {
  const table: [string, Parameters<typeof cluster>[1], string][] = [
    ['app', {}, 'name: app is the sidecar'],
    ['', {}, 'name: is missing'],
    ['a', { edsClusterConfig: {} }, 'eds_cluster_config.eds_config: is neither ads nor self'],
    ['a', { lbPolicy: Cluster_LbPolicy.RING_HASH }, 'lb_policy: RING_HASH is not in effect'],
    ['a', { lbPolicy: Cluster_LbPolicy.CLUSTER_PROVIDED }, 'lb_policy: CLUSTER_PROVIDED is not in effect'],
    ['a', { clusterDiscoveryType: { case: 'type', value: Cluster_DiscoveryType.LOGICAL_DNS } }, 'type: LOGICAL_DNS is not in effect'],
    ['a', { clusterDiscoveryType: { case: 'type', value: Cluster_DiscoveryType.STATIC } }, 'load_assignment: is missing'],
    ['a', { clusterDiscoveryType: { case: 'type', value: Cluster_DiscoveryType.STRICT_DNS } }, 'load_assignment: has 0 endpoints'],
    ['a', { clusterDiscoveryType: { case: 'type', value: Cluster_DiscoveryType.ORIGINAL_DST } }, 'use_http_header: is not true'],
    ['a', { connectTimeout: { seconds: -1n, nanos: 0 } }, 'connect_timeout: -1000 ms is not a duration'],
    ['a', { circuitBreakers: { thresholds: [{ retryBudget: { budgetPercent: { value: 101 } } }] } }, 'budget_percent: 101 is not'],
    ['a', { metadata: own({ protocol: 'smtp' }) }, 'protocol "smtp" is not one of'],
    ['a', { metadata: own({ budget_min_per_second: -1 }) }, 'budget_min_per_second -1 is less than 0'],
    ['a', { metadata: own({ origin: 'orders.yaml:3' }), lbPolicy: Cluster_LbPolicy.MAGLEV }, 'it (orders.yaml:3): lb_policy: MAGLEV'],
  ]
  for (const [name, change, wanted] of table) t.match(faults(decodeCluster(cluster(name, change))), wanted)
})

test('clusters: what is missing has its default', async t => {
  const decoded = decodeCluster(cluster('default/orders:80', { metadata: own({ origin: 'o' }) }))
  t.strictSame(decoded.ok && decoded.value, {
    name: 'default/orders:80',
    discovery: { kind: 'eds', serviceName: 'default/orders:80' },
    protocol: 'http',
    policy: 'roundRobin',
    connectTimeoutMs: 1000,
    breaker: { maxConnections: 1024, maxPending: 1024, maxRequests: 1024, maxRetries: 1024 },
    budget: { percent: 20, minPerSecond: 1 },
    origin: 'o',
  })
})

test('listeners: inbound dials nothing but the app', async t => {
  t.match(faults(decodeListener(inbound('default/orders:80'))), 'forwards to default/orders:80; inbound forwards to app only')
  t.match(faults(decodeListener(inbound('invalid'))), 'forwards to nothing')
  const byRds = listener('inbound', { case: 'rds', value: { routeConfigName: 'outbound' } })
  t.match(faults(decodeListener(byRds)), 'inbound has its route table inline')
})

test('listeners: another name, another table and no table are faults', async t => {
  t.match(faults(decodeListener(listener('sideways', { case: 'rds', value: { routeConfigName: 'x' } }))), 'name: "sideways" is neither')
  t.match(
    faults(decodeListener(listener('outbound', { case: 'rds', value: { routeConfigName: 'x' } }))),
    'route_config_name: "x" is not outbound',
  )
  t.match(faults(decodeListener(listener('outbound', { case: undefined }))), 'has neither rds nor route_config')
})

test('listeners: via and upgrades come from our own settings', async t => {
  const decoded = decodeListener(outbound({ via: false, upgrades: ['WebSocket', 'x'] }))
  t.match(decoded, { ok: true, value: { listener: { name: 'outbound', routes: 'outbound', via: false, upgrades: ['websocket', 'x'] } } })
})

test('routes: every match that cannot be kept is a fault', async t => {
  t.match(routeFaults({ ...routeTo('a'), match: {} }), 'routes[0].match: has no path, prefix or safe_regex')
  t.match(routeFaults(match({ case: 'prefix', value: '/api' })), 'match.prefix: "/api" is not by segment')
  t.match(routeFaults(match({ case: 'pathSeparatedPrefix', value: '/api/' })), 'path_separated_prefix: "/api/" does not begin')
  t.match(routeFaults(match({ case: 'safeRegex', value: { regex: '(?=x)' } })), 'match.safe_regex.regex: "(?=x)": the look-ahead')
  t.match(routeFaults({ ...routeTo('a'), match: { pathSpecifier: { case: 'path', value: '/' }, caseSensitive: false } }), 'case_sensitive')
  const headers = [{ name: 'x', headerMatchSpecifier: { case: 'presentMatch' as const, value: true } }]
  t.match(routeFaults({ ...routeTo('a'), match: { pathSpecifier: { case: 'path', value: '/' }, headers } }), 'headers[0]: present_match')
  const pattern = { matchPattern: { case: 'contains' as const, value: 'x' } }
  const queryParameters = [{ name: 'q', queryParameterMatchSpecifier: { case: 'stringMatch' as const, value: pattern } }]
  t.match(
    routeFaults({ ...routeTo('a'), match: { pathSpecifier: { case: 'path', value: '/' }, queryParameters } }),
    'query_parameters[0].string_match: contains is not in effect',
  )
})

test('routes: every action that cannot be kept is a fault, with the route’s origin', async t => {
  const weighted = (clusters: { name: string; weight?: number }[]): RouteInit => ({
    ...routeTo('a', 'HTTPRoute default/orders rule 1 (r.yaml:4)'),
    action: { case: 'route', value: { clusterSpecifier: { case: 'weightedClusters', value: { clusters } } } },
  })
  t.match(routeFaults(weighted([])), 'it (HTTPRoute default/orders rule 1 (r.yaml:4)): routes[0].route: has neither')
  t.match(routeFaults(weighted([{ name: 'a' }])), 'weighted_clusters.clusters[0].weight: is missing')
  t.match(routeFaults(weighted([{ name: 'a', weight: 0 }])), 'weights that sum to 0')
  t.match(routeFaults({ ...routeTo('a'), action: { case: undefined } }), 'has no route, redirect or direct_response')
  t.match(routeFaults({ ...routeTo('a'), action: { case: 'directResponse', value: { status: 99 } } }), 'status: 99 is not from 200')
  const scheme = { case: 'schemeRedirect' as const, value: 'ftp' }
  t.match(routeFaults({ ...routeTo('a'), action: { case: 'redirect', value: { schemeRewriteSpecifier: scheme } } }), '"ftp" is neither')
})

test('routes: header names and values that would break a head are faults', async t => {
  const add = (key: string, value: string) => routeFaults({ ...routeTo('a'), requestHeadersToAdd: [{ header: { key, value } }] })
  t.match(add('x y', '1'), 'request_headers_to_add[0].header.key: "x y" is no field name')
  t.match(add('x', 'a\r\nb: c'), 'request_headers_to_add[0].header.value: holds control characters')
  t.equal(add('x', 'a\tb é'), 'none')
})

test('a domain is a name, *.name, name:port, name:* or *', async t => {
  const decode = (domain: string) => decodeVirtualHost(virtualHost('orders', [domain], []))
  for (const domain of ['Orders', 'orders:80', '*.example.com', 'orders:*', '*', '[::1]:80']) t.ok(decode(domain).ok, domain)
  for (const domain of ['', 'a*b', '*.*', 'orders/x', 'a b']) t.notOk(decode(domain).ok, domain)
  t.match(faults(decodeVirtualHost(virtualHost('orders', ['Orders', 'orders'], []))), 'name one domain twice')
})

test('listeners: a sampling rate that is no percentage is told; a word of a later version leaves the default', async t => {
  const told = decodeListener(outbound({}, { tracing: { randomSampling: { value: 101 } } }))
  t.match(faults(told), /tracing\.random_sampling\.value: 101 is not a percentage from 0 to 100/)
  const decoded = decodeListener(outbound({ access_log: { mode: 'sometimes', format: 'text' }, propagators: ['b3', 'jaeger'] }))
  t.match(decoded, {
    ok: true,
    value: { listener: { telemetry: { samplingPercent: 0, propagators: ['b3'], accessLog: { mode: 'errors', format: 'text' } } } },
  })
})

test('a virtual host that is read in pieces says the same, faults and their places included', async t => {
  const routes = Array.from({ length: 100 }, (_, index) => routeTo(`cluster-${index}`))
  const sound = virtualHost('orders', ['orders'], routes)
  const broken = virtualHost('orders', ['orders'], [...routes, { ...routeTo('a'), match: {} }])
  for (const any of [sound, broken]) {
    const reading = new VirtualHostReading(any)
    let pieces = 0
    for (; !reading.isDone; pieces++) reading.read(32)
    t.equal(pieces, 4)
    const whole = decodeVirtualHost(any)
    const inPieces = reading.result()
    t.equal(inPieces.ok, whole.ok)
    if (inPieces.ok && whole.ok) t.strictSame(inPieces.value, whole.value)
    else t.equal(faults(inPieces), faults(whole))
  }
  t.match(faults(decodeVirtualHost(broken)), 'routes[100].match: has no path, prefix or safe_regex')
  t.match(faults(decodeVirtualHost({ ...sound, value: new Uint8Array([26, 200]) })), 'cannot be decoded')
})
