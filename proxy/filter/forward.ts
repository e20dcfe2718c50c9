import type { Cluster, ClusterRegistry } from '../cluster/cluster.ts'
import { endpointName, type Host } from '../cluster/endpoint.ts'
import { MeshError } from '../errors.ts'
import type { ResponseHead } from '../http/head.ts'
import type { Connection, Outgoing, Response } from '../http/message.ts'
import { type BodyWatcher, isWhole, MeteredBody } from '../http/meter.ts'
import { codeOfAnswer } from '../http/reply.ts'
import type { Cancellation } from '../util/cancellation.ts'
import type { Counters } from '../util/counters.ts'
import type { Timers } from '../util/timers.ts'
import type { Attempt, Exchange, Handler } from './exchange.ts'
import { PerTry } from './per-try.ts'

/** What forwarding needs of the process. */
export interface ForwardOptions {
  readonly clusters: ClusterRegistry
  readonly timers: Timers
  readonly counters: Counters
  /**
   * Dials `host` without HTTP: sends the octets of `attempt.body` as they come, and resolves once connected with a 200 whose body is what the other
   * side sends. Rejects like `Cluster.acquire`. Null: CONNECT is not served (inbound).
   */
  readonly openTunnel: ((host: Host, attempt: Outgoing, connectTimeoutMs: number) => Promise<Response>) | null
  /** For tunnels, which no pool guards: true for an address that one of our listeners takes. */
  readonly isOwnListener: (address: string, port: number) => boolean
}

const NONE: readonly Host[] = []

/** Sends a try to one host of its cluster: the innermost handler. No async function, as below. */
export function forward(options: ForwardOptions): Handler {
  return (exchange, attempt) => {
    let cluster: Cluster
    try {
      cluster = enterCluster(options.clusters, exchange)
    } catch (thrown) {
      return Promise.reject(thrown)
    }
    attempt.startedAt = options.timers.clock.now()
    const perTryMs = exchange.direction === 'inbound' ? null : (exchange.route?.timeouts.perTryMs ?? null)
    const perTry = perTryMs === null ? null : new PerTry(options.timers, attempt, perTryMs, options.counters)
    const isSent = (response: Response) => {
      if (perTry !== null) perTry.stop()
      attempt.settledAt = options.timers.clock.now()
      return received(cluster, exchange, attempt, response)
    }
    const isFailed = (thrown: unknown) => {
      if (perTry !== null) perTry.stop()
      attempt.settledAt = options.timers.clock.now()
      cluster.leave()
      throw failed(exchange, attempt, thrown)
    }
    return sendOrReject(options, cluster, exchange, attempt).then(isSent, isFailed)
  }
}

function enterCluster(clusters: ClusterRegistry, exchange: Exchange): Cluster {
  const cluster = findCluster(clusters, exchange)
  if (!cluster.enter()) throw new MeshError('UPSTREAM_OVERFLOW', `${cluster.config.name}: too many requests (maxRequests)`)
  return cluster
}

function findCluster(clusters: ClusterRegistry, exchange: Exchange): Cluster {
  const name = exchange.backend?.cluster ?? ''
  const cluster = clusters.get(name)
  if (cluster === null) throw new MeshError('NO_CLUSTER', `there is no cluster ${name}`)
  return cluster
}

function sendOrReject(options: ForwardOptions, cluster: Cluster, exchange: Exchange, attempt: Attempt): Promise<Response> {
  try {
    return send(options, cluster, exchange, attempt)
  } catch (thrown) {
    return Promise.reject(thrown)
  }
}

/** No async function: where nothing has to be waited for, the connection's own promise is all that a request costs here. */
function send(options: ForwardOptions, cluster: Cluster, exchange: Exchange, attempt: Attempt): Promise<Response> {
  const picked = cluster.pick(attempt.head, attempt.number === 1 ? NONE : triedHosts(exchange))
  if (!(picked instanceof Promise)) return sendTo(options, cluster, attempt, picked)
  return unlessCancelled(picked, attempt.cancelled).then(host => sendTo(options, cluster, attempt, host))
}

function sendTo(options: ForwardOptions, cluster: Cluster, attempt: Attempt, host: Host | null): Promise<Response> {
  if (host === null) throw new MeshError('NO_HEALTHY_UPSTREAM', cluster.describe())
  attempt.host = host
  if (attempt.head.method === 'CONNECT') return openTunnel(options, cluster, host, attempt)
  const acquired = cluster.acquire(host, attempt.cancelled, attempt.isFresh)
  return acquired instanceof Promise ? acquired.then(connection => sendOver(connection, attempt)) : sendOver(acquired, attempt)
}

function sendOver(connection: Connection, attempt: Attempt): Promise<Response> {
  attempt.connection = connection
  return connection.send(attempt)
}

function openTunnel(options: ForwardOptions, cluster: Cluster, host: Host, attempt: Attempt): Promise<Response> {
  const { address, port } = host.endpoint
  if (options.openTunnel === null) throw new MeshError('FORBIDDEN_TARGET', 'CONNECT is not served here')
  if (options.isOwnListener(address, port)) {
    options.counters.add('loop_refused')
    throw new MeshError('LOOP', `${endpointName(host.endpoint)} is a listener of this sidecar`)
  }
  if (!cluster.tryTunnel()) throw new MeshError('UPSTREAM_OVERFLOW', `${cluster.config.name}: too many connections (maxConnections)`)
  // No pool counts it.
  host.active++
  host.total++
  return options.openTunnel(host, attempt, cluster.config.connectTimeoutMs).catch(error => {
    closeTunnel(cluster, host)
    throw error
  })
}

function closeTunnel(cluster: Cluster, host: Host): void {
  host.active--
  cluster.tunnelClosed()
}

function triedHosts(exchange: Exchange): Host[] {
  const tried: Host[] = []
  for (const { host } of exchange.attempts) if (host !== null) tried.push(host)
  return tried
}

/** Resolving a name may outlast the request. */
function unlessCancelled<T>(promise: Promise<T>, cancelled: Cancellation): Promise<T> {
  return new Promise((resolve, reject) => {
    cancelled.on(reject)
    promise.then(resolve, reject).finally(() => cancelled.off(reject))
  })
}

/** Failures of inbound to reach its app: the request was not handed over, and the caller's sidecar may try elsewhere. */
const APP_FAILURES: ReadonlySet<string> = new Set(['UPSTREAM_CONNECT_REFUSED', 'UPSTREAM_CONNECT_TIMEOUT', 'NO_HEALTHY_UPSTREAM'])

function failed(exchange: Exchange, attempt: Attempt, thrown: unknown): unknown {
  if (!(thrown instanceof MeshError)) return thrown
  const isAppAway = exchange.direction === 'inbound' && APP_FAILURES.has(thrown.code)
  attempt.error = isAppAway ? new MeshError('APP_UNAVAILABLE', thrown.message, { cause: thrown }) : thrown
  return attempt.error
}

function received(cluster: Cluster, exchange: Exchange, attempt: Attempt, response: Response): Response {
  const { head, body } = response
  attempt.status = head.status
  if (head.status >= 500) attribute(exchange, attempt, head)
  if (isTunnel(attempt.head.method, head.status)) {
    exchange.onDone(() => {
      cluster.leave()
      if (attempt.head.method === 'CONNECT' && attempt.host !== null) closeTunnel(cluster, attempt.host)
    })
    return response
  }
  if (isWhole(body)) {
    cluster.leave()
    return response
  }
  return { head, body: new MeteredBody(body, new Leaving(cluster, attempt)) }
}

/** Sees to it that an answer says truly whether a sidecar made it, and which code it gave. */
function attribute(exchange: Exchange, attempt: Attempt, head: ResponseHead): void {
  const code = codeOfAnswer(head)
  if (code === null) return
  if (exchange.direction === 'outbound') attempt.peerCode = code
  // An app that passes on what another sidecar answered must not promise for itself that it has done nothing.
  else head.headers.delete('proxy-status')
}

/** 101, and 2xx to CONNECT, open a tunnel (RFC 9110 sections 15.2.2 and 9.3.6). */
export function isTunnel(method: string, status: number): boolean {
  return status === 101 || (method === 'CONNECT' && status >= 200 && status < 300)
}

/** Leaves the cluster when the response has ended, however. */
class Leaving implements BodyWatcher {
  readonly #cluster: Cluster
  readonly #attempt: Attempt

  constructor(cluster: Cluster, attempt: Attempt) {
    this.#cluster = cluster
    this.#attempt = attempt
  }

  octets(): void {}

  ended(error: MeshError | null): void {
    this.#attempt.error ??= error
    this.#cluster.leave()
  }
}
