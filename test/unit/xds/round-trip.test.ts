import { test } from 'tap'
import type { HTTPRouteSpec, Model, ServiceSpec, TrafficPolicySpec } from '../../../control/model/document.ts'
import { type NodeGroup, TYPES as SENT } from '../../../control/translate/resources.ts'
import { Translator } from '../../../control/translate/translate.ts'
import type { RouteEntry } from '../../../proxy/route/route.ts'
import { emptyParts } from '../../../proxy/xds/parts.ts'
import { TYPE_NAMES, TYPES } from '../../../proxy/xds/resource.ts'

const metadata = (name: string) => ({ name, namespace: 'default', resourceVersion: '1', creationTimestamp: '2026-01-01T00:00:00Z' })

const service = (name: string, spec: Partial<ServiceSpec>) => ({
  apiVersion: 'outrider.dev/v1',
  kind: 'Service' as const,
  metadata: metadata(name),
  spec: { ports: [{ port: 80, protocol: 'http' as const }], ...spec },
})

const route: HTTPRouteSpec = {
  parentRefs: [{ group: '', kind: 'Service', name: 'orders' }],
  rules: [
    {
      matches: [
        {
          path: { type: 'PathPrefix', value: '/api' },
          headers: [{ name: 'x-user', value: '7' }],
          queryParams: [{ type: 'RegularExpression', name: 'q', value: 'a+' }],
          method: 'GET',
        },
        { path: { type: 'RegularExpression', value: '/x/[0-9]+' } },
      ],
      timeouts: { request: '10s', backendRequest: '2s' },
      retry: { codes: [502], attempts: 2, backoff: '25ms' },
      filters: [
        {
          type: 'RequestHeaderModifier',
          requestHeaderModifier: { set: [{ name: 'a', value: '1' }], add: [{ name: 'b', value: '2' }], remove: ['c'] },
        },
        { type: 'URLRewrite', urlRewrite: { hostname: 'h', path: { type: 'ReplaceFullPath', replaceFullPath: '/y\\z' } } },
      ],
      backendRefs: [
        { name: 'orders', port: 80, weight: 90 },
        { name: 'nobody', port: 80, weight: 5 },
        {
          name: 'stock',
          port: 80,
          weight: 5,
          filters: [{ type: 'URLRewrite', urlRewrite: { path: { type: 'ReplacePrefixMatch', replacePrefixMatch: '/v2' } } }],
        },
      ],
    },
    {
      matches: [{ path: { type: 'Exact', value: '/old' } }],
      filters: [
        {
          type: 'RequestRedirect',
          requestRedirect: {
            scheme: 'https',
            hostname: 'new',
            port: 8443,
            statusCode: 301,
            path: { type: 'ReplaceFullPath', replaceFullPath: '/new' },
          },
        },
      ],
    },
  ],
}

const policy: TrafficPolicySpec = {
  targetRefs: [{ group: '', kind: 'Service', name: 'stock' }],
  loadBalancer: { policy: 'roundRobin' },
  circuitBreaker: { maxRequests: 7 },
  retry: { budget: { percent: 33, minPerSecond: 2 } },
}

const model: Model = {
  revision: 4,
  services: [
    service('orders', { endpoints: [{ address: '127.0.0.1', port: 8081, weight: 3, labels: { version: 'v1' } }] }),
    service('stock', { dns: { name: 'stock.internal', port: 8080 } }),
  ],
  httpRoutes: [{ apiVersion: 'gateway.networking.k8s.io/v1', kind: 'HTTPRoute', metadata: metadata('orders'), spec: route }],
  trafficPolicies: [{ apiVersion: 'outrider.dev/v1', kind: 'TrafficPolicy', metadata: metadata('stock'), spec: policy }],
  mesh: null,
}

const group: NodeGroup = { namespace: 'default', client: 'outrider' }

/** What a route that does not forward would retry is not sent. */
function asSent({ match, route: sent }: RouteEntry): RouteEntry {
  return sent.action.kind === 'forward' ? { match, route: sent } : { match, route: { ...sent, retry: null } }
}

test('what the control plane encodes is what the sidecar decodes', async t => {
  const translator = new Translator()
  const view = translator.viewFor(model, [], group)
  const { byType } = translator.resourcesFor(model, [], group)
  const parts = emptyParts()
  for (const type of TYPE_NAMES)
    for (const { name, version, body } of byType.get(TYPES[type])?.values() ?? [])
      t.equal(
        parts[type].take({ $typeName: 'envoy.service.discovery.v3.Resource', name, version, resource: body, aliases: [] }),
        null,
        name,
      )
  t.strictSame(SENT, TYPES)

  for (const host of view.virtualHosts)
    t.strictSame(parts.virtualHost.held.get(host.name)?.value, { ...host, routes: host.routes.map(asSent) }, host.name)
  t.ok(view.virtualHosts.length > 1)
  for (const [name, sent] of view.clusters) {
    const got = parts.cluster.held.get(name)?.value
    const { policy, protocol, connectTimeoutMs, breaker, budget, origin } = sent
    t.match(got, { name, policy, protocol, connectTimeoutMs, breaker, budget, origin, discovery: sent.discovery }, name)
  }
  for (const [name, sent] of view.endpoints) {
    const got = parts.endpoint.held.get(name)?.value.endpoints ?? []
    t.strictSame(
      got.map(({ address, port, weight, health, labels }) => ({ address, port, weight, health, labels })),
      sent.map(({ address, port, weight, health, labels }) => ({ address, port, weight, health, labels })),
    )
  }
})
