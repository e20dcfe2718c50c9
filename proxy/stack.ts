import type { Connect } from './cluster/connect.ts'
import { dnsQuery } from './cluster/dns-query.ts'
import { endpointName, type Host } from './cluster/endpoint.ts'
import { NameFiles } from './cluster/name-files.ts'
import { Registry } from './cluster/registry.ts'
import { Resolver } from './cluster/resolver.ts'
import { appCluster, type Bootstrap } from './config/bootstrap.ts'
import { INBOUND, OUTBOUND, PASSTHROUGH_CLUSTER, type Snapshot } from './config/snapshot.ts'
import { MeshError } from './errors.ts'
import { compose, serve } from './filter/compose.ts'
import { deadline } from './filter/deadline.ts'
import type { Exchange, Filter, Handler } from './filter/exchange.ts'
import { forward } from './filter/forward.ts'
import { headers, responseHeaders } from './filter/headers.ts'
import type { InForce, Observer } from './filter/observer.ts'
import { DEFAULT_MAX_EXCHANGES, overload } from './filter/overload.ts'
import { rescue } from './filter/rescue.ts'
import { retry } from './filter/retry.ts'
import { route, unconfigured } from './filter/route.ts'
import { ownNames, target } from './filter/target.ts'
import { timeout } from './filter/timeout.ts'
import { trace } from './filter/trace.ts'
import { traceAttempt } from './filter/trace-attempt.ts'
import type { ResponseHead } from './http/head.ts'
import type { ConnectionEvents, Incoming, Outgoing, Response } from './http/message.ts'
import { viaPseudonym } from './http/via.ts'
import { connectHttp1 } from './http1/client.ts'
import { openTunnel } from './http1/tunnel.ts'
import { formatHostPort, type HostPort, OwnListeners, unmapped } from './net/address.ts'
import { dial } from './net/dial.ts'
import { RouteTable } from './route/table.ts'
import { DEFAULT_TELEMETRY } from './telemetry/config.ts'
import type { Log } from './telemetry/log.ts'
import type { Tracer } from './telemetry/tracer.ts'
import type { Counters } from './util/counters.ts'
import type { Random } from './util/random.ts'
import type { Timers } from './util/timers.ts'

/** What the data path needs of the process. */
export interface StackOptions {
  readonly bootstrap: Bootstrap
  readonly timers: Timers
  readonly random: Random
  readonly counters: Counters
  readonly log: Log
  /** Null: the system's. */
  readonly dnsServer: HostPort | null
  /** False: the app is known not to take requests. */
  readonly isAppReady: () => boolean
  /** Where peers reach this sidecar, as registered; null while it is not. */
  readonly registered: () => HostPort | null
  /** Hear of every exchange when it is over, in this order. */
  readonly observers: readonly Observer[]
  /** Null: no spans are exported. */
  readonly tracer: Tracer | null
}

/** The two handlers that requests go through, and what they share. */
interface Handlers {
  readonly outbound: Handler
  readonly inbound: Handler
  /** What is done to response heads of each. */
  readonly finishOutbound: (exchange: Exchange, head: ResponseHead) => void
  readonly finishInbound: (exchange: Exchange, head: ResponseHead) => void
}

/** Until the pool takes a connection over. */
const NO_EVENTS: ConnectionEvents = { available() {}, closed() {} }

/**
 * The composition root of the data path: the only file that knows all layers. A request's life, outermost first:
 *
 *     outbound: rescue > overload > trace > route > headers > timeout > retry > deadline > traceAttempt > forward (the last three per try)
 *     inbound:  rescue > overload > trace > target > route > headers > timeout > retry > forward
 *
 * `apply` builds both from a snapshot and swaps them by one assignment: a request in flight ends with what it began with.
 */
export class Stack {
  readonly registry: Registry
  readonly ownListeners: OwnListeners
  snapshot: Snapshot
  /** Answers each with `DRAINING` from now on, a receipt for the caller's sidecar. */
  isInboundDraining = false
  readonly #options: StackOptions
  readonly #filters: { readonly outbound: readonly Filter[]; readonly inbound: readonly Filter[] }
  #handlers: Handlers
  readonly active = { inbound: 0, outbound: 0 }

  constructor(options: StackOptions, start: Snapshot) {
    const { bootstrap, timers, random, counters, dnsServer } = options
    this.#options = options
    this.ownListeners = new OwnListeners(() => timers.clock.now())
    const resolver = new Resolver(
      new NameFiles(timers.clock),
      dnsQuery(dnsServer === null ? null : formatHostPort(dnsServer)),
      timers,
      counters,
    )
    const isOwnListener = (address: string, port: number) => this.ownListeners.includes(address, port)
    const isOwnRegistration = (address: string, port: number) => {
      const own = options.registered()
      return own !== null && own.port === port && unmapped(own.address) === unmapped(address)
    }
    this.registry = new Registry({ connect: connectVia(options), timers, random, counters, resolver, isOwnListener, isOwnRegistration })
    this.registry.addApp(appCluster(bootstrap))
    // Made once, because it counts what is in progress: a new snapshot must not begin at zero.
    const refuse = (isAppReady: (() => boolean) | null, isDraining: () => boolean) =>
      overload({ maxExchanges: DEFAULT_MAX_EXCHANGES, isDraining, isAppReady, counters })
    const outside = rescue({
      counters,
      random,
      unexpected: error => options.log.error('a defect of the sidecar', { error: String(error), stack: stackOf(error) }),
    })
    this.#filters = {
      outbound: [outside, refuse(null, () => false)],
      inbound: [outside, refuse(options.isAppReady, () => this.isInboundDraining)],
    }
    this.snapshot = start
    this.#handlers = this.#build(start)
  }

  /** Serves a listener's requests, with whatever snapshot is in force when each comes. */
  listener(direction: 'outbound' | 'inbound'): (incoming: Incoming) => void {
    const finish = direction === 'outbound' ? 'finishOutbound' : 'finishInbound'
    const { observers } = this.#options
    const over = (exchange: Exchange) => {
      this.active[direction]--
      for (const observer of observers) observer.done(exchange)
    }
    return serve(() => this.#handlers[direction], {
      direction,
      begin: exchange => {
        this.active[direction]++
        exchange.onDone(over)
      },
      finish: (exchange, head) => this.#handlers[finish](exchange, head),
    })
  }

  /** Puts a snapshot in force: clusters first, then the handlers that name them. */
  apply(snapshot: Snapshot): void {
    this.registry.reconcile(snapshot)
    this.#handlers = this.#build(snapshot)
    this.snapshot = snapshot
    for (const observer of this.#options.observers) observer.configured(inForce(snapshot))
  }

  #build(snapshot: Snapshot): Handlers {
    const { bootstrap, timers, random, counters, tracer } = this.#options
    const { clock } = timers
    const clusters = this.registry
    const { telemetry } = inForce(snapshot)
    const tracing = (name: 'outbound' | 'inbound') =>
      tracer === null ? [] : [trace({ tracer, telemetry: telemetry[name], clock, random })]
    const traced = tracer === null ? [] : [traceAttempt({ tracer, clock, passthrough: PASSTHROUGH_CLUSTER })]
    const table = (name: string) => new RouteTable(snapshot.routes.get(snapshot.listeners.get(name)?.routes ?? name) ?? [])
    const via = (name: 'outbound' | 'inbound') =>
      snapshot.listeners.get(name)?.via === false ? null : viaPseudonym(bootstrap.nodeId, name)
    const change = (name: 'outbound' | 'inbound') => ({ random, counters, via: via(name), passthrough: PASSTHROUGH_CLUSTER })
    const tries = retry({ clusters, timers, random, counters, passthrough: PASSTHROUGH_CLUSTER })
    const isOwnListener = (address: string, port: number) => this.ownListeners.includes(address, port)
    const send = (tunnel: typeof openAttempt | null) =>
      forward({
        clusters,
        timers,
        counters,
        isOwnListener,
        openTunnel: tunnel === null ? null : (host, attempt, timeoutMs) => tunnel(this.#options, host, attempt, timeoutMs),
      })
    const outboundRoute = snapshot.listeners.has(OUTBOUND) ? route(table(OUTBOUND), random) : unconfigured()
    return {
      outbound: compose(
        [
          ...this.#filters.outbound,
          ...tracing(OUTBOUND),
          outboundRoute,
          headers(change(OUTBOUND)),
          timeout(timers, counters),
          tries,
          deadline(PASSTHROUGH_CLUSTER),
          ...traced,
        ],
        send(openAttempt),
      ),
      inbound: compose(
        [
          ...this.#filters.inbound,
          ...tracing(INBOUND),
          target(ownNames(bootstrap.service, bootstrap.namespace)),
          route(table(INBOUND), random),
          headers(change(INBOUND)),
          timeout(timers, counters),
          tries,
        ],
        send(null),
      ),
      finishOutbound: responseHeaders(change(OUTBOUND)),
      finishInbound: responseHeaders(change(INBOUND)),
    }
  }
}

function inForce(snapshot: Snapshot): InForce {
  const telemetry = (name: 'inbound' | 'outbound') => snapshot.listeners.get(name)?.telemetry ?? DEFAULT_TELEMETRY
  return {
    telemetry: { inbound: telemetry(INBOUND), outbound: telemetry(OUTBOUND) },
    *routes() {
      for (const hosts of snapshot.routes.values()) for (const host of hosts) for (const { route: each } of host.routes) yield each
    },
  }
}

/** Dials an endpoint and speaks HTTP/1.1 to it. */
function connectVia({ timers, counters }: StackOptions): Connect {
  return async (endpoint, timeoutMs, cancelled) => {
    if (endpoint.transport.kind !== 'plaintext')
      throw new MeshError('NOT_IMPLEMENTED', `${endpointName(endpoint)}: TLS to an upstream is not in effect in this version`)
    const socket = await dial(endpoint, cancelled === null ? { timers, timeoutMs } : { timers, timeoutMs, cancelled })
    return connectHttp1(socket, { timers, counters, name: endpointName(endpoint), events: NO_EVENTS })
  }
}

/** Dials a host for a tunnel, whose octets are nobody's business. */
async function openAttempt({ timers }: StackOptions, host: Host, attempt: Outgoing, timeoutMs: number): Promise<Response> {
  const socket = await dial(host.endpoint, { timers, timeoutMs, cancelled: attempt.cancelled })
  return openTunnel(socket, attempt)
}

function stackOf(error: unknown): string {
  return error instanceof MeshError ? '' : error instanceof Error ? (error.stack ?? '') : ''
}
