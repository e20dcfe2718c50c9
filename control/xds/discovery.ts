import { status } from '@grpc/grpc-js'
import type { ObserveRequest, ObserveResponse } from '../../protos/gen/outrider/v1/observation_pb.ts'
import type { RegisterRequest, RegisterResponse } from '../../protos/gen/outrider/v1/registration_pb.ts'
import type { Clock } from '../../proxy/util/clock.ts'
import type { Timers } from '../../proxy/util/timers.ts'
import type { Model } from '../model/document.ts'
import type { Store } from '../store/store.ts'
import type { NodeGroup } from '../translate/resources.ts'
import type { View } from '../translate/tables.ts'
import { Board } from './board.ts'
import { type Defer, nextTurn, SnapshotCache } from './cache.ts'
import { Connection } from './connection.ts'
import { LimitCounters } from './counters.ts'
import { Departures } from './departures.ts'
import { expectFirst } from './first-message.ts'
import { LeaseTable } from './leases.ts'
import type { Log } from './log.ts'
import { type FailureQuestion, type FoundBySidecar, ObservationTable } from './observation.ts'
import { type EndReason, RegistrationStream } from './registration.ts'
import { type Call, type CallHandler, GrpcServer } from './server.ts'

/** Streams at once, of all services: three for each of 10,000 sidecars. */
export const MAX_STREAMS = 30_000

/** What the discovery server is made of. */
export interface DiscoveryOptions {
  readonly store: Pick<Store, 'id' | 'leases' | 'putLease' | 'deleteLease'>
  /** The documents as they are at the start. */
  readonly model: Model
  readonly host: string
  /** 0: any free one. */
  readonly port: number
  /** Sidecars of another store, or of a later revision, follow this one (`--adopt`). */
  readonly isAdopting: boolean
  /** Shown as a warning of every proxy; until the identity issue the server is plaintext. */
  readonly isInsecure: boolean
  readonly timers: Timers
  /** Wall clock. */
  readonly clock: Clock
  readonly log: Log
  readonly defer?: Defer
  readonly maxStreams?: number
  readonly maxConnections?: number
  readonly maxLeases?: number
  /** Where limits that are reached count. */
  readonly limits?: LimitCounters
}

/** The control plane's side of discovery and registration: what `control/main.ts` starts, feeds with models and asks for views. */
export class Discovery {
  readonly board: Board
  readonly leases: LeaseTable
  readonly limits: LimitCounters
  readonly #options: DiscoveryOptions
  readonly #cache: SnapshotCache
  readonly #departures: Departures
  readonly #observation: ObservationTable
  readonly #connections = new Set<Connection>()
  #streams = 0
  #server: GrpcServer | null = null

  private constructor(options: DiscoveryOptions) {
    const { store, timers, clock, log } = options
    const defer = options.defer ?? nextTurn
    this.#options = options
    this.limits = options.limits ?? new LimitCounters()
    this.leases = new LeaseTable({
      store,
      timers,
      clock,
      log,
      changed: () => this.#cache.leasesChanged(),
      limits: this.limits,
      ...(options.maxLeases === undefined ? {} : { maxLeases: options.maxLeases }),
    })
    this.#cache = new SnapshotCache(options.model, () => this.leases.list(), defer)
    this.board = new Board(clock, timers, id => this.#marks(id), this.limits)
    this.#departures = new Departures(() => this.#connections, defer)
    this.#observation = new ObservationTable(timers, this.limits)
  }

  /** Takes the stored leases, then listens. Rejects with Node's error if the address is taken. */
  static async start(options: DiscoveryOptions): Promise<Discovery> {
    const discovery = new Discovery(options)
    discovery.leases.restore(await options.store.leases())
    discovery.#server = await GrpcServer.start(
      options.host,
      options.port,
      {
        discovery: (variant, call) => discovery.#discovery(variant, call),
        registration: call => discovery.#registration(call),
        observation: call => discovery.#observe(call),
      },
      discovery.limits,
      options.maxConnections,
    )
    return discovery
  }

  /** Where it listens. */
  get address(): { readonly address: string; readonly port: number } {
    return this.#server?.address ?? { address: '', port: 0 }
  }

  /** Of the documents that are published, or about to be. */
  get revision(): number {
    return this.#cache.revision
  }

  /** Publishes other documents. Streams are told in the next turn of the event loop; several calls of one turn make one push. */
  setModel(model: Model): void {
    this.#cache.setModel(model)
  }

  /** What a group of proxies is told at present, in neutral tables. */
  viewFor(group: NodeGroup): View {
    return this.#cache.viewFor(group)
  }

  /**
   * Asks every connected sidecar for its failures. `take` gets each answer as it comes. The ids of those that did not answer, a proxy without an
   * observation stream among them; null: too many questions are under way.
   */
  async failures(question: FailureQuestion, take: (node: string, found: FoundBySidecar) => void): Promise<readonly string[] | null> {
    const watched = new Set(this.#observation.nodes)
    const silent = await this.#observation.find(question, take)
    if (silent === null) return null
    const unwatched = this.board.list().filter(({ id, isConnected }) => isConnected && !watched.has(id))
    return [...silent, ...unwatched.map(({ id }) => id)].sort()
  }

  async close(): Promise<void> {
    await this.#server?.close()
    for (const connection of [...this.#connections]) connection.closed()
    this.leases.close()
  }

  #marks(id: string): readonly string[] {
    const marks: string[] = []
    if (this.#options.isInsecure) marks.push('insecure')
    if (this.leases.isHeld(id)) marks.push('held')
    else if (this.leases.get(id)?.health === 'unhealthy') marks.push('unhealthy')
    return marks
  }

  /** Counts a stream in; false: there are too many. */
  #enter(call: Call<never>): boolean {
    if (this.#streams >= (this.#options.maxStreams ?? MAX_STREAMS)) {
      this.limits.reached('xds_streams')
      this.#options.log.warn({ streams: this.#streams, from: call.from }, 'a stream was refused: there are too many')
      return false
    }
    this.#streams++
    return true
  }

  #discovery(variant: 'delta' | 'sotw', call: Call<Buffer>): CallHandler<Parameters<Connection['received']>[0]> {
    if (!this.#enter(call)) return refused(call)
    const { store, timers, log, isAdopting } = this.#options
    const connection: Connection = new Connection(variant, call, {
      storeId: store.id,
      controlPlane: `outrider ${store.id}${isAdopting ? ' adopt' : ''}`,
      cache: this.#cache,
      board: this.board,
      timers,
      log,
      limits: this.limits,
      changed: () => this.#departures.check(),
      left: () => {
        this.#streams--
        this.#connections.delete(connection)
        this.#departures.check()
      },
    })
    this.#connections.add(connection)
    return expectFirst(connection, call, timers, this.limits)
  }

  #registration(call: Call<RegisterResponse>): CallHandler<RegisterRequest> {
    if (!this.#enter(call)) return refused(call)
    const { store, log } = this.#options
    const stream = new RegistrationStream(
      { from: call.from, send: response => call.send(response), end: (reason, message) => call.fail(CODES[reason], message) },
      {
        storeId: store.id,
        leases: this.leases,
        departures: this.#departures,
        log,
        clustersOf: node => this.#clustersOf(node),
        serial: () => this.#cache.serial,
        registered: lease => this.board.registered(lease),
      },
    )
    const handler: CallHandler<RegisterRequest> = {
      received: request => {
        stream.receive(request).catch(error => log.error({ error }, 'a registration failed'))
      },
      closed: () => {
        this.#streams--
        stream.closed()
      },
    }
    return expectFirst(handler, call, this.#options.timers, this.limits)
  }

  #observe(call: Call<ObserveResponse>): CallHandler<ObserveRequest> {
    if (!this.#enter(call)) return refused(call)
    const handler = this.#observation.open(call, () => {
      this.#streams--
    })
    return expectFirst(handler, call, this.#options.timers, this.limits)
  }

  /** Endpoints are the same for every group. */
  #clustersOf(node: string): readonly string[] {
    const lease = this.leases.get(node)
    if (lease === null) return []
    const { endpoints } = this.viewFor({ namespace: lease.namespace, client: 'outrider' })
    return [...endpoints].filter(([, list]) => list.some(each => each.node === node)).map(([cluster]) => cluster)
  }
}

const CODES: Readonly<Record<EndReason, status>> = {
  invalid: status.INVALID_ARGUMENT,
  superseded: status.ABORTED,
  silent: status.DEADLINE_EXCEEDED,
  exhausted: status.RESOURCE_EXHAUSTED,
  'not-stored': status.UNAVAILABLE,
}

/** Refuses a call once its handler is in place. */
function refused(call: Call<never>): CallHandler<unknown> {
  queueMicrotask(() => call.fail(status.RESOURCE_EXHAUSTED, 'too many streams'))
  return { received() {}, closed() {} }
}
