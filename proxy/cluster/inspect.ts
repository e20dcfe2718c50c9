import type { ClusterCore } from './cluster-core.ts'
import type { ClusterConfig } from './config.ts'
import type { PooledHost } from './pool.ts'

/** Endpoints that a sentence names; a log line is no list of a thousand addresses. */
const MAX_NAMED = 10

/** One host, as `/clusters` shows it. */
export interface HostState {
  readonly address: string
  readonly port: number
  readonly state: 'healthy' | 'avoided' | 'unhealthy' | 'draining'
  /** The last failure to connect, while it holds. */
  readonly failure: string | null
  readonly avoidedForMs: number
  readonly weight: number
  readonly priority: number
  readonly labels: Readonly<Record<string, string>>
  readonly active: number
  readonly total: number
  /** Failures to connect since the start. */
  readonly failures: number
  /** Null: not seen. */
  readonly learnedIdleMs: number | null
  readonly connections: { readonly active: number; readonly idle: number; readonly connecting: number; readonly pending: number }
}

/** One cluster, as `/clusters` shows it. */
export interface ClusterState {
  readonly name: string
  readonly origin: string
  readonly discovery: ClusterConfig['discovery']['kind']
  readonly protocol: ClusterConfig['protocol']
  readonly policy: ClusterConfig['policy']
  readonly breaker: {
    readonly connections: Gauge
    readonly pending: Gauge
    readonly requests: Gauge
    readonly retries: Gauge
  }
  readonly budget: { readonly percent: number; readonly minPerSecond: number }
  readonly hosts: readonly HostState[]
}

/** What is taken of a limit. */
export interface Gauge {
  readonly now: number
  readonly max: number
}

/** A cluster's present state, ready for JSON. */
export function inspectCluster(cluster: ClusterCore): ClusterState {
  const { config, breaker } = cluster
  const { thresholds } = breaker
  return {
    name: config.name,
    origin: config.origin,
    discovery: config.discovery.kind,
    protocol: config.protocol,
    policy: config.policy,
    breaker: {
      connections: { now: breaker.connections, max: thresholds.maxConnections },
      pending: { now: breaker.pending, max: thresholds.maxPending },
      requests: { now: breaker.requests, max: thresholds.maxRequests },
      retries: { now: breaker.retries, max: thresholds.maxRetries },
    },
    budget: { percent: config.budget.percent, minPerSecond: config.budget.minPerSecond },
    hosts: cluster.hosts.map(inspectHost),
  }
}

/** `orders has 2 endpoints: 10.0.0.1:80 refused the connection (avoided for 0.8 s), 10.0.0.2:80 draining`. At most 10 are named. */
export function describeHosts(name: string, hosts: readonly PooledHost[]): string {
  if (hosts.length === 0) return `${name} has no endpoints`
  const named = hosts.slice(0, MAX_NAMED).map(host => `${host.name} ${hostText(host)}`)
  const more = hosts.length > MAX_NAMED ? `, and ${hosts.length - MAX_NAMED} more` : ''
  return `${name} has ${hosts.length} ${hosts.length === 1 ? 'endpoint' : 'endpoints'}: ${named.join(', ')}${more}`
}

function inspectHost(host: PooledHost): HostState {
  const { endpoint, pool } = host
  return {
    address: endpoint.address,
    port: endpoint.port,
    state: stateOf(host),
    failure: host.failure?.message ?? null,
    avoidedForMs: Math.round(host.avoidedForMs),
    weight: endpoint.weight,
    priority: endpoint.priority,
    labels: endpoint.labels,
    active: host.active,
    total: host.total,
    failures: host.failures,
    learnedIdleMs: Number.isFinite(host.learnedIdleMs) ? Math.round(host.learnedIdleMs) : null,
    connections: { active: pool.taken, idle: pool.idle, connecting: host.connecting, pending: pool.pending },
  }
}

/** What the control plane says of a host, or what was learned of one that it says is healthy. */
export function stateOf(host: PooledHost): HostState['state'] {
  if (host.endpoint.health !== 'healthy') return host.endpoint.health
  return host.connectFailures > 0 ? 'avoided' : 'healthy'
}

function hostText(host: PooledHost): string {
  const parts: string[] = []
  if (host.endpoint.health !== 'healthy') parts.push(host.endpoint.health)
  if (host.failure !== null) parts.push(`${failureText(host.failure.code)} ${avoidedText(host.avoidedForMs)}`)
  return parts.length === 0 ? 'healthy' : parts.join(', ')
}

function failureText(code: string): string {
  if (code === 'UPSTREAM_CONNECT_REFUSED') return 'refused the connection'
  if (code === 'UPSTREAM_CONNECT_TIMEOUT') return 'did not accept the connection in time'
  return `failed to connect (${code})`
}

function avoidedText(forMs: number): string {
  return forMs > 0 ? `(avoided for ${(forMs / 1000).toFixed(1)} s)` : '(to be tried again)'
}
