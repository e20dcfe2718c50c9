import type { Document, HTTPRouteSpec, Model, ServiceSpec } from '../../../control/model/document.ts'
import type { Lease } from '../../../control/store/store.ts'
import { Discovery, type DiscoveryOptions } from '../../../control/xds/discovery.ts'
import { SILENT } from '../../../control/xds/log.ts'
import { TimerWheel } from '../../../proxy/util/timers.ts'

/** A clock that a test turns by hand. */
export class Hand {
  time = 1_000_000
  readonly wheel: TimerWheel

  constructor() {
    this.wheel = new TimerWheel({ now: () => this.time })
  }

  readonly clock = { now: () => this.time }

  advance(ms: number): void {
    this.time += ms
    this.wheel.advance()
  }
}

/** Where leases are kept while a test runs. */
export class Leases {
  readonly id = 'store-1'
  readonly table = new Map<string, Lease>()

  async leases(): Promise<readonly Lease[]> {
    return [...this.table.values()]
  }

  async putLease(lease: Lease): Promise<void> {
    this.table.set(lease.node, lease)
  }

  async deleteLease(node: string): Promise<void> {
    this.table.delete(node)
  }
}

export function service(name: string, spec: Partial<ServiceSpec> = {}): Document<ServiceSpec> {
  return {
    apiVersion: 'outrider.dev/v1',
    kind: 'Service',
    metadata: { name, namespace: 'default' },
    spec: { ports: [{ port: 80, protocol: 'http' }], endpoints: [{ address: '127.0.0.1', port: 8081 }], ...spec },
  }
}

export function route(name: string, parent: string, spec: Partial<HTTPRouteSpec> = {}): Document<HTTPRouteSpec> {
  return {
    apiVersion: 'gateway.networking.k8s.io/v1',
    kind: 'HTTPRoute',
    metadata: { name, namespace: 'default' },
    spec: { parentRefs: [{ group: '', kind: 'Service', name: parent }], rules: [{ backendRefs: [{ name: parent, port: 80 }] }], ...spec },
  }
}

export function model(revision: number, services: Model['services'] = [], httpRoutes: Model['httpRoutes'] = []): Model {
  return { revision, services, httpRoutes, trafficPolicies: [], mesh: null }
}

/** A discovery server on a free port, with a clock turned by hand. */
export async function plane(
  options: Partial<DiscoveryOptions> = {},
): Promise<{ discovery: Discovery; hand: Hand; store: Leases; port: number }> {
  const hand = new Hand()
  const store = new Leases()
  const discovery = await Discovery.start({
    store,
    model: model(1),
    host: '127.0.0.1',
    port: 0,
    isAdopting: false,
    isInsecure: false,
    timers: hand.wheel,
    clock: hand.clock,
    log: SILENT,
    ...options,
  })
  return { discovery, hand, store, port: discovery.address.port }
}
