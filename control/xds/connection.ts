import { status } from '@grpc/grpc-js'
import type { Timers } from '../../proxy/util/timers.ts'
import { TYPES, type TypeUrl } from '../translate/resources.ts'
import type { Board } from './board.ts'
import type { SnapshotCache } from './cache.ts'
import type { LimitCounters } from './counters.ts'
import type { Caller } from './departures.ts'
import type { Log } from './log.ts'
import { type NodeIdentity, nodeIdentity } from './node.ts'
import type { Call, CallHandler } from './server.ts'
import { DiscoveryStream, type Refusal } from './stream.ts'
import type { DiscoveryAsk, Variant } from './variant.ts'

/** Types that one of our sidecars has to have asked for before it can be in step. */
const REQUIRED: readonly TypeUrl[] = [TYPES.cluster, TYPES.listener, TYPES.routes, TYPES.virtualHost]

/** Octets of a refusal's text that are kept. */
const MAX_REFUSAL = 2_000

/** What a connection needs of the control plane. */
export interface ConnectionContext {
  readonly storeId: string
  readonly controlPlane: string
  readonly cache: SnapshotCache
  readonly board: Board
  readonly timers: Timers
  readonly log: Log
  readonly limits: LimitCounters
  /** Something was acknowledged or asked for. */
  changed(): void
  /** Called once, last. */
  left(): void
}

/** One proxy's discovery stream with its place on the board: from the first request, which says who it is, to its end. */
export class Connection implements CallHandler<DiscoveryAsk>, Caller {
  readonly #variant: Variant
  readonly #call: Call<Buffer>
  readonly #context: ConnectionContext
  #identity: NodeIdentity | null = null
  #stream: DiscoveryStream | null = null
  #leave: (() => void) | null = null
  #isClosed = false

  constructor(variant: Variant, call: Call<Buffer>, context: ConnectionContext) {
    this.#variant = variant
    this.#call = call
    this.#context = context
  }

  /** Empty until it has said who it is. */
  get node(): string {
    return this.#identity?.id ?? ''
  }

  get endpointSerial(): number {
    return this.#stream?.endpointSerial ?? 0
  }

  isCallerOf(clusters: readonly string[]): boolean {
    return this.#stream?.isCallerOf(clusters) ?? false
  }

  received(ask: DiscoveryAsk): void {
    const stream = this.#stream ?? this.#open(ask)
    stream?.request(ask)
  }

  closed(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#leave?.()
    this.#stream?.close()
    if (this.#identity !== null) this.#context.board.disconnected(this, this.#identity.id)
    this.#context.left()
  }

  #open(ask: DiscoveryAsk): DiscoveryStream | null {
    if (ask.node === null || ask.node.id === '') {
      this.#call.fail(status.INVALID_ARGUMENT, 'the first request must say the node and its id')
      return null
    }
    const identity = nodeIdentity(ask.node)
    const { cache, board, storeId, controlPlane, timers } = this.#context
    const joined = cache.join(identity, published => this.#stream?.push(published))
    if (joined === null) {
      this.#context.limits.reached('xds_groups')
      this.#call.fail(status.RESOURCE_EXHAUSTED, 'too many namespaces')
      return null
    }
    this.#identity = identity
    this.#leave = joined.leave
    board.connected(this, identity)
    const stream = new DiscoveryStream({
      variant: this.#variant,
      storeId,
      controlPlane,
      published: joined.published,
      timers,
      port: {
        send: octets => this.#call.send(octets),
        fail: message => {
          this.#context.limits.reached('xds_names')
          this.#call.fail(status.RESOURCE_EXHAUSTED, message)
        },
        changed: () => this.#report(identity, stream),
        refused: refusal => this.#refused(identity, refusal),
        slow: () => {
          this.#context.limits.reached('xds_acknowledgement')
          board.warn(this, identity.id, 'slow')
        },
      },
    })
    this.#stream = stream
    return stream
  }

  #report(identity: NodeIdentity, stream: DiscoveryStream): void {
    const { standing } = stream
    const isComplete = identity.client !== 'outrider' || REQUIRED.every(each => stream.types.includes(each))
    this.#context.board.stands(this, identity.id, { ...standing, isQuiet: standing.isQuiet && isComplete })
    this.#context.changed()
  }

  #refused(identity: NodeIdentity, { typeUrl, message, revision, resources }: Refusal): void {
    const text = message.slice(0, MAX_REFUSAL)
    const resource = resources.find(each => text.includes(each.name))?.name ?? ''
    this.#context.log.warn({ node: identity.id, typeUrl, resource, revision }, `configuration refused: ${text}`)
    this.#context.board.refused(this, identity.id, { typeUrl, resource, message: text, revision })
  }
}
