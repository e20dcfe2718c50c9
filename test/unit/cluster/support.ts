import type { ClusterConfig } from '../../../proxy/cluster/config.ts'
import { DEFAULT_BREAKER, DEFAULT_BUDGET } from '../../../proxy/cluster/config.ts'
import type { Environment } from '../../../proxy/cluster/connect.ts'
import type { DnsRecords } from '../../../proxy/cluster/dns-query.ts'
import { type Endpoint, endpointName } from '../../../proxy/cluster/endpoint.ts'
import { Resolver } from '../../../proxy/cluster/resolver.ts'
import { type ErrorCode, MeshError } from '../../../proxy/errors.ts'
import { FieldList } from '../../../proxy/http/fields.ts'
import type { RequestHead } from '../../../proxy/http/head.ts'
import type { Connection, ConnectionEvents, Response } from '../../../proxy/http/message.ts'
import { Cancellation } from '../../../proxy/util/cancellation.ts'
import { Counters } from '../../../proxy/util/counters.ts'
import { seededRandom } from '../../../proxy/util/random.ts'
import { TimerWheel } from '../../../proxy/util/timers.ts'

/** A connection that the test answers for. */
export class HandConnection implements Connection {
  readonly protocol = 'HTTP/1.1'
  active = 0
  capacity = 1
  isReused = false
  idleSince: number
  keepAliveHintMs: number | null = null
  events!: ConnectionEvents
  destroyed: MeshError | null = null
  readonly endpoint: Endpoint
  readonly #now: () => number

  constructor(endpoint: Endpoint, now: () => number) {
    this.endpoint = endpoint
    this.#now = now
    this.idleSince = now()
  }

  send(): Promise<Response> {
    return Promise.reject(new MeshError('INTERNAL', 'answered by hand'))
  }

  /** The request is over. */
  finish(): void {
    this.isReused = true
    this.idleSince = this.#now()
    this.events.available(this)
  }

  /** The peer closes it. */
  close(): void {
    this.capacity = 0
    this.events.closed(this, new MeshError('UPSTREAM_CLOSED', 'closed by the peer'))
  }

  drain(): void {
    this.capacity = 0
  }

  destroy(error: MeshError): void {
    this.destroyed = error
    this.capacity = 0
    this.events?.closed(this, error)
  }
}

/** A connect that the test settles. */
export interface PendingConnect {
  readonly endpoint: Endpoint
  readonly timeoutMs: number
  accept(): Promise<HandConnection>
  fail(code?: ErrorCode): Promise<void>
}

/** Lets what is already settled run. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 20; i++) await Promise.resolve()
}

/** An environment in which nothing happens unless the test says so. */
export function world() {
  const clock = { ms: 1_000, now: () => clock.ms }
  const timers = new TimerWheel(clock)
  const counters = new Counters()
  const connects: PendingConnect[] = []
  const own = new Set<string>()
  const registered = new Set<string>()
  /** Answers by name; a missing one is NXDOMAIN. */
  const dns = new Map<string, DnsRecords | Promise<DnsRecords>>()
  const queries: string[] = []
  const query = async (name: string, family: 4 | 6): Promise<DnsRecords> => {
    queries.push(`${name} ${family}`)
    return family === 6 ? { kind: 'absent', reason: 'ENODATA' } : ((await dns.get(name)) ?? { kind: 'absent', reason: 'ENOTFOUND' })
  }
  const names = { addresses: async () => null, candidates: async (name: string) => [name] }
  const environment: Environment = {
    timers,
    counters,
    random: seededRandom(new Uint8Array(16).fill(7)),
    resolver: new Resolver(names, query, timers, counters),
    isOwnListener: (address, port) => own.has(`${address}:${port}`),
    isOwnRegistration: (address, port) => registered.has(`${address}:${port}`),
    connect: (endpoint, timeoutMs) =>
      new Promise((resolve, reject) => {
        connects.push({
          endpoint,
          timeoutMs,
          async accept() {
            const connection = new HandConnection(endpoint, clock.now)
            resolve(connection)
            await settle()
            return connection
          },
          async fail(code = 'UPSTREAM_CONNECT_REFUSED') {
            reject(new MeshError(code, `${endpointName(endpoint)} did not take the connection`))
            await settle()
          },
        })
      }),
  }
  return {
    clock,
    timers,
    counters,
    connects,
    own,
    registered,
    dns,
    queries,
    environment,
    /** Turns the clock, in steps, so that timers run in their order. */
    async pass(ms: number) {
      const until = clock.ms + ms
      const stepMs = Math.max(5, ms / 2_000)
      while (clock.ms < until) {
        clock.ms = Math.min(clock.ms + stepMs, until)
        timers.advance()
        await settle()
      }
      await settle()
    },
  }
}

export const found = (addresses: readonly string[], ttlMs = 60_000): DnsRecords => ({
  kind: 'found',
  records: addresses.map(address => ({ address, ttlMs })),
})

export const endpoint = (address: string, more: Partial<Endpoint> = {}): Endpoint => ({
  address,
  port: 80,
  weight: 1,
  locality: '',
  priority: 0,
  health: 'healthy',
  labels: {},
  transport: { kind: 'plaintext' },
  ...more,
})

export const config = (endpoints: readonly Endpoint[], more: Partial<ClusterConfig> = {}): ClusterConfig => ({
  name: 'default/orders:80',
  discovery: { kind: 'static', endpoints },
  protocol: 'http',
  policy: 'leastRequest',
  connectTimeoutMs: 1_000,
  breaker: DEFAULT_BREAKER,
  budget: DEFAULT_BUDGET,
  origin: 'Service default/orders (orders.yaml:1)',
  ...more,
})

export const never = (): Cancellation => new Cancellation()

export const head = (authority: string, more: Partial<RequestHead> = {}): RequestHead => ({
  method: 'GET',
  scheme: 'http',
  authority,
  path: '/',
  protocol: 'HTTP/1.1',
  upgrade: null,
  trailersAccepted: false,
  isAbsoluteForm: false,
  headers: new FieldList(),
  ...more,
})

/** The code that a promise rejects with; `none` when it does not. */
export async function codeOf(promise: unknown): Promise<string> {
  try {
    await promise
    return 'none'
  } catch (error) {
    return (error as MeshError).code
  }
}
