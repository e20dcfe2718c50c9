import { type ClusterConfig, DEFAULT_BREAKER, DEFAULT_BUDGET, DEFAULT_CONNECT_TIMEOUT_MS } from '../cluster/config.ts'
import type { Endpoint } from '../cluster/endpoint.ts'
import { DEFAULT_TIMEOUTS, type VirtualHost } from '../route/route.ts'
import { DEFAULT_TELEMETRY } from '../telemetry/config.ts'
import { APP_CLUSTER, INBOUND, type Snapshot } from './snapshot.ts'

/** A host, as an IP address or a name, and a port. */
export interface HostPort {
  readonly host: string
  readonly port: number
}

/** What a sidecar knows without being told: who it is, and where everything near it is. Made once from the flags. */
export interface Bootstrap {
  /** Unique among sidecars: `--node-id`, or `<namespace>/<service>/<random>`. */
  readonly nodeId: string
  readonly service: string
  readonly namespace: string
  readonly labels: Readonly<Record<string, string>>
  /** Version of the sidecar's own build. */
  readonly build: string
  /** The copy on disk is bound to it. */
  readonly trustDomain: string
  /** Where the control plane listens for discovery. */
  readonly control: HostPort
  /** The local app; `host` is an IP address. */
  readonly app: HostPort
  /** What the app speaks. */
  readonly protocol: ClusterConfig['protocol']
  /** `--advertise`; null: the address that the control plane sees, with the inbound listener's port. */
  readonly advertise: HostPort | null
}

/** The static cluster of the local app: the one thing that inbound dials. */
export function appCluster(bootstrap: Pick<Bootstrap, 'app' | 'protocol' | 'labels'>): ClusterConfig {
  const endpoint: Endpoint = {
    address: bootstrap.app.host,
    port: bootstrap.app.port,
    weight: 1,
    locality: '',
    priority: 0,
    health: 'healthy',
    labels: bootstrap.labels,
    transport: { kind: 'plaintext' },
  }
  return {
    name: APP_CLUSTER,
    discovery: { kind: 'static', endpoints: [endpoint] },
    protocol: bootstrap.protocol,
    policy: 'roundRobin',
    connectTimeoutMs: DEFAULT_CONNECT_TIMEOUT_MS,
    breaker: DEFAULT_BREAKER,
    budget: DEFAULT_BUDGET,
    origin: '--app',
  }
}

/** Everything to the app, with an idle timeout alone: the caller's sidecar owns the others. */
const INBOUND_HOST: VirtualHost = {
  name: INBOUND,
  domains: ['*'],
  routes: [
    {
      match: { path: { kind: 'prefix', value: '/' }, method: null, headers: [], query: [] },
      route: {
        name: INBOUND,
        origin: '--app',
        origins: {},
        action: { kind: 'forward', clusters: [{ cluster: APP_CLUSTER, weight: 1, modifiers: null }] },
        modifiers: null,
        timeouts: { requestMs: null, perTryMs: null, idleMs: DEFAULT_TIMEOUTS.idleMs },
        retry: null,
      },
    },
  ],
}

/** What holds before any configuration has come: inbound serves the app, outbound has no routes. Its store has no id, its revision is 0. */
export function startSnapshot(bootstrap: Pick<Bootstrap, 'app' | 'protocol' | 'labels'>): Snapshot {
  return {
    storeId: '',
    revision: 0,
    listeners: new Map([[INBOUND, { name: INBOUND, routes: INBOUND, via: true, upgrades: [], telemetry: DEFAULT_TELEMETRY }]]),
    routes: new Map([[INBOUND, [INBOUND_HOST]]]),
    clusters: new Map([[APP_CLUSTER, appCluster(bootstrap)]]),
    endpoints: new Map(),
  }
}
