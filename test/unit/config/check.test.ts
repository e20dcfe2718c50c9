import { test } from 'tap'
import { appCluster, startSnapshot } from '../../../proxy/config/bootstrap.ts'
import { checkSnapshot } from '../../../proxy/config/check.ts'
import type { Snapshot } from '../../../proxy/config/snapshot.ts'
import type { VirtualHost } from '../../../proxy/route/route.ts'

const bootstrap = { app: { host: '127.0.0.1', port: 8080 }, protocol: 'http' as const, labels: {} }
const start = startSnapshot(bootstrap)

function withHosts(...hosts: VirtualHost[]): Snapshot {
  return { ...start, routes: new Map([...start.routes, ['outbound', hosts]]) }
}

function host(name: string, domain: string, cluster: string): VirtualHost {
  const [template] = start.routes.get('inbound') ?? []
  const { match, route } = (template as VirtualHost).routes[0]!
  const action = { kind: 'forward' as const, clusters: [{ cluster, weight: 1, modifiers: null }] }
  return { name, domains: [domain], routes: [{ match, route: { ...route, action } }] }
}

test('what holds before any configuration is consistent', async t => {
  t.strictSame(checkSnapshot(start, new Set()), [])
  t.match(appCluster(bootstrap).discovery, { kind: 'static', endpoints: [{ address: '127.0.0.1', port: 8080 }] })
})

test('a listener without its route table is told', async t => {
  const snapshot = { ...start, routes: new Map() }
  t.strictSame(checkSnapshot(snapshot, new Set()), [{ where: 'listener inbound', message: 'route table inbound does not exist' }])
})

test('a cluster that does not exist is told, unless it is known to be refused or stands for an invalid backendRef', async t => {
  const snapshot = withHosts(host('orders', 'orders', 'gone'), host('stock', 'stock', ''), host('web', 'web', 'app'))
  t.strictSame(checkSnapshot(snapshot, new Set()), [{ where: 'virtual host orders of outbound', message: 'cluster gone does not exist' }])
  t.strictSame(checkSnapshot(snapshot, new Set(['gone'])), [])
})

test('a domain that two virtual hosts claim is told', async t => {
  const found = checkSnapshot(withHosts(host('a', 'orders', 'app'), host('b', 'orders', 'app')), new Set())
  t.strictSame(found, [{ where: 'virtual host b of outbound', message: "domain orders is a's already" }])
})
