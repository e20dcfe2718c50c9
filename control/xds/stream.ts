import type { Timer, Timers } from '../../proxy/util/timers.ts'
import { type Resource, TYPES, type TypeUrl } from '../translate/resources.ts'
import type { Published } from './cache.ts'
import { EMPTY_TABLE, type Table } from './diff.ts'
import { isServed, isWholeSet, ORDER } from './order.ts'
import { hasNews, type Plan, TypeState } from './type-state.ts'
import { type DiscoveryAsk, encodeAnswer, type Variant } from './variant.ts'

/** Names that one stream may ask for of one type: an assignment for each port of each service of a large mesh, and no more. */
export const MAX_NAMES = 20_000
/** Characters of one such name: three DNS names and a port, with room. A name is kept for as long as it is asked for. */
export const MAX_NAME_LENGTH = 1_024

/** How long a proxy may take to acknowledge a response before the status says so, ms. A sidecar waits 5 s for endpoints before it puts a snapshot in force. */
export const ACK_DEADLINE_MS = 30_000

/** A refusal of one response. */
export interface Refusal {
  readonly typeUrl: TypeUrl
  readonly message: string
  readonly revision: number
  readonly resources: readonly Resource[]
}

/** How a stream stands towards what is published. */
export interface Standing {
  readonly revision: number
  /** Everything that it asked for has been said and answered. */
  readonly isQuiet: boolean
  readonly isRefusing: boolean
}

/** What a stream needs of its surroundings. */
export interface StreamPort {
  send(octets: Buffer): void
  /** Ends the stream: the client went over a limit. */
  fail(message: string): void
  /** Something was acknowledged, refused or asked for. */
  changed(): void
  refused(refusal: Refusal): void
  /** A response stayed without an answer for ACK_DEADLINE_MS. */
  slow(): void
}

/**
 * One discovery stream, state-of-the-world or delta, without its transport.
 *
 * For each type at most one response waits for its answer. When it comes, or when something is published, `#advance` goes through the types in their order
 * and says what there is to say; a type that has news but may not speak yet holds back those behind it.
 */
export class DiscoveryStream {
  readonly #variant: Variant
  readonly #port: StreamPort
  readonly #storeId: string
  readonly #controlPlane: string
  readonly #states = new Map<TypeUrl, TypeState>()
  readonly #deadline: Timer
  #published: Published
  #nonce = 0

  constructor(options: {
    readonly variant: Variant
    readonly storeId: string
    readonly controlPlane: string
    readonly published: Published
    readonly timers: Timers
    readonly port: StreamPort
  }) {
    this.#variant = options.variant
    this.#storeId = options.storeId
    this.#controlPlane = options.controlPlane
    this.#published = options.published
    this.#port = options.port
    this.#deadline = options.timers.timer(() => this.#port.slow())
  }

  /** Takes one request. */
  request(ask: DiscoveryAsk): void {
    // A type that we do not have (secrets, runtime, ...) is one of which nothing exists: silence, as state-of-the-world has it.
    if (!isServed(ask.typeUrl)) return
    const known = this.#states.get(ask.typeUrl)
    const state = known ?? new TypeState(ask.typeUrl)
    if (known === undefined) this.#states.set(ask.typeUrl, state)
    this.#answer(state, ask)
    if (!this.#subscribe(state, ask, known === undefined)) return
    this.#advance()
    this.#port.changed()
  }

  /** Something else is published for this stream's group. */
  push(published: Published): void {
    this.#published = published
    this.#advance()
    this.#port.changed()
  }

  close(): void {
    this.#deadline.disarm()
  }

  get standing(): Standing {
    let isQuiet = this.#states.size > 0
    let isRefusing = false
    for (const state of this.#states.values()) {
      if (!this.#isQuiet(state)) isQuiet = false
      if (state.refusedRevision !== null) isRefusing = true
    }
    return { revision: this.#published.set.revision, isQuiet, isRefusing }
  }

  /** Types that it has asked for. */
  get types(): readonly TypeUrl[] {
    return [...this.#states.keys()]
  }

  /** Whether it is served the endpoints of any of these clusters. */
  isCallerOf(clusters: readonly string[]): boolean {
    const state = this.#states.get(TYPES.endpoint)
    return state !== undefined && (state.subscription.isWildcard || state.subscription.hasAny(clusters))
  }

  /** Serial of the newest endpoints that it is known to have. */
  get endpointSerial(): number {
    return this.#states.get(TYPES.endpoint)?.settledSerial ?? 0
  }

  /** An ACK or a NACK, where the request answers the response that is under way. */
  #answer(state: TypeState, ask: DiscoveryAsk): void {
    const pending = state.pending
    if (pending === null || ask.nonce !== pending.nonce) return
    if (ask.refusal === null) state.acknowledge()
    else {
      state.refuse()
      this.#port.refused({ typeUrl: state.typeUrl, message: ask.refusal, revision: pending.revision, resources: pending.resources })
    }
    if ([...this.#states.values()].every(each => each.pending === null)) this.#deadline.disarm()
    else this.#deadline.arm(ACK_DEADLINE_MS)
  }

  #subscribe(state: TypeState, ask: DiscoveryAsk, isFirst: boolean): boolean {
    const { subscription } = state
    if (ask.names.some(name => name.length > MAX_NAME_LENGTH)) {
      this.#port.fail(`a name of ${ask.typeUrl} has more than ${MAX_NAME_LENGTH} characters`)
      return false
    }
    let asked = { names: [] as readonly string[], isWildcard: false }
    if (this.#variant === 'delta') {
      if (isFirst) state.reconnect(ask.initialVersions)
      asked = subscription.change(ask.names, ask.unsubscribe)
    } else if (isFirst || ask.nonce === '' || ask.nonce === state.lastNonce) asked = subscription.replace(ask.names)
    // Names that were asked for while a response was under way wait, also those that were given up meanwhile.
    if (subscription.size > MAX_NAMES || state.due + asked.names.length > 2 * MAX_NAMES) {
      this.#port.fail(`more than ${MAX_NAMES} names of ${ask.typeUrl}`)
      return false
    }
    state.ask(asked.names, asked.isWildcard)
    return true
  }

  #table(typeUrl: TypeUrl): Table {
    return this.#published.set.byType.get(typeUrl) ?? EMPTY_TABLE
  }

  #isQuiet(state: TypeState): boolean {
    if (state.pending !== null) return false
    const plan = state.plan(this.#table(state.typeUrl))
    return !hasNews(plan) && plan.removed.size === 0
  }

  #advance(): void {
    // What is told by silence has no answer that would start the next round: the types before it are looked at again at once. It ends because each
    // round that asks for another has removed something.
    while (this.#round()) {}
  }

  /** One pass through the types. True: a removal was told by silence. */
  #round(): boolean {
    let isSilent = false
    for (const typeUrl of ORDER) {
      const state = this.#states.get(typeUrl)
      if (state === undefined) continue
      const plan = state.plan(this.#table(typeUrl))
      if (state.pending !== null) {
        // Those behind it may name what it has yet to say.
        if (hasNews(plan)) return isSilent
        continue
      }
      if (this.#tell(state, plan)) isSilent = true
    }
    return isSilent
  }

  /** Says what there is to say. True: a removal was told, and by silence. */
  #tell(state: TypeState, plan: Plan): boolean {
    const current = this.#table(state.typeUrl)
    const mayRemove = plan.removed.size > 0 && this.#areBehindQuiet(state.typeUrl)
    const isDue = hasNews(plan) || mayRemove
    state.done(plan, current, mayRemove)
    const resources = this.#resources(state, plan, current, mayRemove)
    if (state.typeUrl === TYPES.cluster) this.#repeatEndpoints(plan.changed)
    if (isDue && resources !== null) {
      this.#send(state, resources, mayRemove ? [...plan.missing, ...plan.removed.keys()] : plan.missing)
      return false
    }
    state.settledSerial = this.#published.serial
    return mayRemove
  }

  /** What a response holds; null: in this variant there is no way to say it. */
  #resources(state: TypeState, plan: Plan, current: Table, withRemovals: boolean): readonly Resource[] | null {
    if (this.#variant === 'delta') return plan.changed
    if (!isWholeSet(state.typeUrl)) return plan.changed.length > 0 ? plan.changed : null
    const whole = [...current.values()].filter(each => state.subscription.wants(each.name))
    return withRemovals ? whole : [...whole, ...plan.removed.values()]
  }

  #areBehindQuiet(typeUrl: TypeUrl): boolean {
    for (const behind of ORDER.slice(ORDER.indexOf(typeUrl) + 1)) {
      const state = this.#states.get(behind)
      if (state !== undefined && !this.#isQuiet(state)) return false
    }
    return true
  }

  #send(state: TypeState, resources: readonly Resource[], removed: readonly string[]): void {
    const nonce = `${++this.#nonce}`
    const { set, serial } = this.#published
    state.pending = { nonce, serial, revision: set.revision, resources }
    state.lastNonce = nonce
    if (!this.#deadline.isArmed) this.#deadline.arm(ACK_DEADLINE_MS)
    this.#port.send(
      encodeAnswer(this.#variant, {
        typeUrl: state.typeUrl,
        nonce,
        version: `${this.#storeId}/${set.revision}/${serial}`,
        controlPlane: this.#controlPlane,
        resources,
        removed,
      }),
    )
  }

  /** An assignment has its cluster's name. A proxy warms a changed cluster until its endpoints come, and in delta it does not ask for them again. */
  #repeatEndpoints(changed: readonly Resource[]): void {
    const endpoints = this.#states.get(TYPES.endpoint)
    if (endpoints !== undefined) for (const cluster of changed) endpoints.repeat(cluster.name)
  }
}
