import type { Cluster, ClusterRegistry } from '../../../proxy/cluster/cluster.ts'
import { type ClusterConfig, DEFAULT_BREAKER, DEFAULT_BUDGET } from '../../../proxy/cluster/config.ts'
import type { Host } from '../../../proxy/cluster/endpoint.ts'
import { MeshError } from '../../../proxy/errors.ts'
import { firstAttempt } from '../../../proxy/filter/attempt.ts'
import { type Attempt, Exchange, type Filter, type Handler } from '../../../proxy/filter/exchange.ts'
import { type Body, EMPTY_BODY } from '../../../proxy/http/body.ts'
import { FieldList } from '../../../proxy/http/fields.ts'
import type { RequestHead, ResponseHead } from '../../../proxy/http/head.ts'
import type { Connection, Incoming, Outgoing, Response } from '../../../proxy/http/message.ts'
import { DEFAULT_RETRY, DEFAULT_TIMEOUTS, type RetryPolicy, type Route, type Timeouts } from '../../../proxy/route/route.ts'
import { Cancellation } from '../../../proxy/util/cancellation.ts'

import type { Random } from '../../../proxy/util/random.ts'
import { TimerWheel } from '../../../proxy/util/timers.ts'

/** A clock that the test turns, with the timers on it. */
export class Time {
  #now = 1000
  readonly wheel = new TimerWheel({ now: () => this.#now })

  /** Lets `ms` pass, in steps as fine as the wheel's, and what it sets off run. */
  async pass(ms: number): Promise<void> {
    const end = this.#now + ms
    const step = Math.max(5, ms / 60)
    while (this.#now < end) {
      this.#now = Math.min(this.#now + step, end)
      this.wheel.advance()
      await settled()
    }
    this.#now += 5
    this.wheel.advance()
    await settled()
  }
}

/** Lets all promises that are ready run. */
export async function settled(): Promise<void> {
  for (let i = 0; i < 30; i++) await Promise.resolve()
}

/** A random source that says these shares of 1, then halves. */
export function shares(...values: number[]): Random {
  return { uint32: () => Math.floor((values.shift() ?? 0.5) * 4294967296) >>> 0 }
}

export function requestHead(changes: Partial<RequestHead> = {}, fields: readonly (readonly [string, string])[] = []): RequestHead {
  return {
    method: 'GET',
    scheme: 'http',
    authority: 'orders',
    path: '/',
    protocol: 'HTTP/1.1',
    upgrade: null,
    trailersAccepted: false,
    isAbsoluteForm: false,
    headers: new FieldList(fields),
    ...changes,
  }
}

export function response(status: number, body: Body = EMPTY_BODY, fields: readonly (readonly [string, string])[] = []): Response {
  return { head: { status, headers: new FieldList(fields) }, body }
}

/** One request, with what was answered to it. */
export class Call implements Incoming {
  readonly peer = { address: '10.0.0.9', port: 4000, identity: null }
  destination: Incoming['destination'] = { direction: 'outbound', connect: null, original: null }
  readonly head: RequestHead
  readonly body: Body
  readonly startedAt = 0
  bytesIn = 0
  bytesOut = 0
  readonly cancelled = new Cancellation()
  finished: ((error: MeshError | null) => void) | null = null
  isOpaque = false
  readonly answers: Response[] = []
  readonly interim: number[] = []
  terminated = 0

  constructor(head: RequestHead = requestHead(), body: Body = EMPTY_BODY) {
    this.head = head
    this.body = body
  }

  informational(head: ResponseHead): void {
    this.interim.push(head.status)
  }

  respond(response: Response): void {
    this.answers.push(response)
  }

  terminate(): void {
    this.terminated++
  }
}

export function routeTo(clusterName: string, retry: Partial<RetryPolicy> | null = {}, timeouts: Partial<Timeouts> = {}): Route {
  return {
    name: 'r',
    origin: 'test',
    origins: {},
    action: { kind: 'forward', clusters: [{ cluster: clusterName, weight: 1, modifiers: null }] },
    modifiers: null,
    timeouts: { ...DEFAULT_TIMEOUTS, ...timeouts },
    retry: retry === null ? null : { ...DEFAULT_RETRY, ...retry },
  }
}

/** An exchange that is routed to cluster `orders` already. */
export function routed(
  call: Call,
  route: Route = routeTo('orders'),
  direction: 'inbound' | 'outbound' = 'outbound',
  cluster = 'orders',
): { exchange: Exchange; attempt: Attempt } {
  const exchange = new Exchange(direction, call)
  exchange.route = route
  exchange.backend = { cluster, weight: 1, modifiers: null }
  return { exchange, attempt: firstAttempt(exchange) }
}

export function hostAt(port: number): Host {
  const endpoint = {
    address: '10.1.0.1',
    port,
    weight: 1,
    locality: '',
    priority: 0,
    health: 'healthy' as const,
    labels: {},
    transport: { kind: 'plaintext' as const },
  }
  return { endpoint, active: 0, total: 0, connectFailures: 0, avoidUntil: 0, learnedIdleMs: Number.POSITIVE_INFINITY, gaveReceipt() {} }
}

/** What waits for the test's answer. */
export interface Asked {
  readonly attempt: Attempt
  readonly resolve: (response: Response) => void
  readonly reject: (error: unknown) => void
}

/** A cluster, and a handler below it, that the test answers by hand. */
export class Upstream implements Cluster, ClusterRegistry {
  config: ClusterConfig = {
    name: 'orders',
    discovery: { kind: 'eds', serviceName: 'orders' },
    protocol: 'http',
    policy: 'leastRequest',
    connectTimeoutMs: 1000,
    breaker: DEFAULT_BREAKER,
    budget: DEFAULT_BUDGET,
    origin: 'test',
  }
  hosts: Host[] = [hostAt(1), hostAt(2)]
  readonly clusters = [this]
  readonly asked: Asked[] = []
  readonly acquired: { host: Host; fresh: boolean; cancelled: Cancellation }[] = []
  readonly tried: (readonly Host[])[] = []
  requests = 0
  maxRequests = Number.POSITIVE_INFINITY
  deposits = 0
  retries = 0
  permits: ('granted' | 'budget' | 'overflow')[] = []
  picks: (Host | null | Promise<Host | null>)[] = []
  acquisitions: (() => Connection | Promise<Connection>)[] = []

  get(name: string): Cluster | null {
    return name === 'none' ? null : this
  }

  enter(): boolean {
    if (this.requests >= this.maxRequests) return false
    this.requests++
    return true
  }

  leave(): void {
    this.requests--
  }

  deposit(): void {
    this.deposits++
  }

  beginRetry(): 'granted' | 'budget' | 'overflow' {
    const permit = this.permits.shift() ?? 'granted'
    if (permit === 'granted') this.retries++
    return permit
  }

  endRetry(): void {
    this.retries--
  }

  pick(_head: RequestHead, tried: readonly Host[]): Host | null | Promise<Host | null> {
    this.tried.push([...tried])
    if (this.picks.length > 0) return this.picks.shift() as Host | null
    return this.hosts.find(host => !tried.includes(host)) ?? this.hosts[0] ?? null
  }

  acquire(host: Host, cancelled: Cancellation, fresh: boolean): Connection | Promise<Connection> {
    this.acquired.push({ host, fresh, cancelled })
    return this.acquisitions.shift()?.() ?? this.connection()
  }

  tunnels = 0
  maxTunnels = Number.POSITIVE_INFINITY

  tryTunnel(): boolean {
    if (this.tunnels >= this.maxTunnels) return false
    this.tunnels++
    return true
  }

  tunnelClosed(): void {
    this.tunnels--
  }

  describe(): string {
    return 'orders: no endpoint'
  }

  /** A connection whose `send` waits for the test. */
  connection(): Connection {
    return { send: (request: Outgoing) => this.ask(request as Attempt) } as Connection
  }

  /** Waits for the test; like a codec it rejects with the reason when the try is cancelled. */
  ask(attempt: Attempt): Promise<Response> {
    return new Promise((resolve, reject) => {
      this.asked.push({ attempt, resolve, reject })
      attempt.cancelled.on(reject)
    })
  }

  /** The innermost handler of a filter's test. */
  readonly handler: Handler = (_exchange, attempt) => this.ask(attempt)

  async answer(index: number, result: Response | unknown): Promise<void> {
    await settled()
    const asked = this.asked[index]
    if (asked === undefined) throw new Error(`try ${index + 1} was not made`)
    if (result instanceof Error) asked.reject(result)
    else asked.resolve(result as Response)
    await settled()
  }
}

export const failure = (code: ConstructorParameters<typeof MeshError>[0]): MeshError => new MeshError(code, `${code} at 10.0.0.7:8080`)

/** What a promise came to. */
export interface Result {
  response: Response | null
  error: unknown
}

/** Runs one filter; `result` is filled when it has answered. */
export function run(filter: Filter, handler: Handler, exchange: Exchange, attempt: Attempt): Result {
  const result: Result = { response: null, error: null }
  filter(handler)(exchange, attempt).then(
    response => {
      result.response = response
    },
    error => {
      result.error = error
    },
  )
  return result
}
