import type { Node } from '../../protos/gen/envoy/config/core/v3/base_pb.ts'
import type { DeltaDiscoveryRequest, DeltaDiscoveryResponse } from '../../protos/gen/envoy/service/discovery/v3/discovery_pb.ts'
import { type Bootstrap, startSnapshot } from '../config/bootstrap.ts'
import type { LastGood } from '../config/last-good.ts'
import { OUTBOUND, type Snapshot } from '../config/snapshot.ts'
import type { Log } from '../telemetry/log.ts'
import { wallClock } from '../util/clock.ts'
import type { Random } from '../util/random.ts'
import type { Timers } from '../util/timers.ts'
import { Answers, cut } from './answers.ts'
import { Assembler } from './assemble.ts'
import { encodeParts, readCopy } from './copy.ts'
import { Intake } from './intake.ts'
import { nodeOf } from './node.ts'
import { emptyParts, type Parts } from './parts.ts'
import { type Incoming, ReadAhead } from './read-ahead.ts'
import { Reconnect } from './reconnect.ts'
import { TYPE_NAMES, TYPES, type TypeName } from './resource.ts'
import { judge, parseSystemVersion, type Refusal, refusalText, type StoreVersion } from './store-version.ts'
import { type OpenStream, openDiscovery, type Stream } from './stream.ts'
import { FAILED_PRECONDITION, INVALID_ARGUMENT, Subscription, WILDCARD } from './subscription.ts'
import { Swap } from './swap.ts'

/** One refusal, as it was told to the control plane. */
export interface NackSent {
  readonly typeUrl: string
  readonly message: string
  /** Wall clock, ms. */
  readonly at: number
}

/** How it stands with the configuration: for readiness, metrics and the admin pages. */
export interface ConfigurationState {
  readonly isConnected: boolean
  /** Empty before the first configuration. */
  readonly storeId: string
  readonly revision: number
  readonly source: 'none' | 'disk' | 'control-plane'
  /** Wall clock, ms: since when the present snapshot is in force; null before the first. */
  readonly inForceSince: number | null
  /** Ms since a control plane last said that this is its configuration; 0 while one does; null before the first. */
  readonly ageMs: number | null
  /** Why the control plane that is connected is not followed. */
  readonly refusal: Refusal | null
  readonly lastNack: NackSent | null
  /** What the next snapshot waits for. */
  readonly waitingFor: readonly string[]
}

export interface ConfigurationSourceOptions {
  readonly bootstrap: Bootstrap
  readonly timers: Timers
  readonly random: Random
  readonly log: Log
  /** Null: no copy on disk is kept. */
  readonly lastGood: LastGood | null
  /** Puts a snapshot into force. What it throws becomes the NACK's text, and the snapshot before it stays. */
  readonly onSnapshot: (snapshot: Snapshot) => void
  /** How a stream is opened; by default to `bootstrap.control`. */
  readonly open?: OpenStream<DeltaDiscoveryRequest, DeltaDiscoveryResponse>
}

/** Where a sidecar's configuration comes from: the copy on disk first, then the control plane for as long as it lives. */
export class ConfigurationSource {
  readonly #options: ConfigurationSourceOptions
  readonly #open: OpenStream<DeltaDiscoveryRequest, DeltaDiscoveryResponse>
  readonly #parts: Parts = emptyParts()
  readonly #assembler: Assembler
  readonly #swap: Swap
  readonly #answers = new Answers()
  readonly #intake: Intake<Incoming>
  readonly #reconnect: Reconnect
  readonly #subscriptions: Readonly<Record<TypeName, Subscription>>
  #stream: Stream<DeltaDiscoveryRequest> | null = null
  #isConnected = false
  #present: StoreVersion | null = null
  #source: ConfigurationState['source'] = 'none'
  #inForceSince: number | null = null
  /** Wall clock, ms. */
  #confirmedAt: number | null = null
  #hasVirtualHosts = false
  #refusal: Refusal | null = null
  #lastNack: NackSent | null = null

  constructor(options: ConfigurationSourceOptions) {
    const { bootstrap, timers, random, log } = options
    this.#options = options
    this.#open = options.open ?? openDiscovery(bootstrap.control, timers)
    this.#assembler = new Assembler(this.#parts, startSnapshot(bootstrap))
    this.#swap = new Swap({
      parts: this.#parts,
      assembler: this.#assembler,
      timers,
      log,
      onSnapshot: snapshot => this.#putIntoForce(snapshot),
      settled: failure => this.#settled(failure),
      stuck: () => this.#sendAnswers(null),
    })
    this.#intake = new Intake(
      { prepare: ({ ahead }) => ahead.prepare(), slice: (...slice) => this.#slice(...slice), done: incoming => this.#done(incoming) },
      setImmediate,
    )
    this.#reconnect = new Reconnect({ timers, random, connect: () => this.#connect() })
    this.#subscriptions = {
      cluster: new Subscription(TYPES.cluster, [WILDCARD]),
      endpoint: new Subscription(TYPES.endpoint, []),
      listener: new Subscription(TYPES.listener, [WILDCARD]),
      routes: new Subscription(TYPES.routes, [OUTBOUND]),
      virtualHost: new Subscription(TYPES.virtualHost, [WILDCARD]),
    }
  }

  /** Reads the copy on disk, puts it into force if there is one, and opens the stream. Resolves once the copy has been read; the stream goes on. */
  async start(): Promise<void> {
    await this.#useCopy()
    this.#connect()
  }

  /** Ends the stream and writes the copy on disk if it is behind. What is in force stays. */
  async stop(): Promise<void> {
    this.#reconnect.stop()
    this.#swap.stop()
    this.#stream?.close()
    this.#stream = null
    this.#intake.forget()
    this.#isConnected = false
    await this.#options.lastGood?.flush()
  }

  state(): ConfigurationState {
    const { storeId = '', revision = 0 } = this.#swap.inForce ?? {}
    const isConfirmed = this.#isConnected && this.#refusal === null && this.#source === 'control-plane'
    return {
      isConnected: this.#isConnected,
      storeId,
      revision,
      source: this.#source,
      inForceSince: this.#inForceSince,
      ageMs: isConfirmed ? 0 : this.#confirmedAt === null ? null : Math.max(wallClock.now() - this.#confirmedAt, 0),
      refusal: this.#refusal,
      lastNack: this.#lastNack,
      waitingFor: this.#swap.waitingFor.slice(0, 10),
    }
  }

  async #useCopy(): Promise<void> {
    const { lastGood, log } = this.#options
    const origin = lastGood === null ? null : await readCopy(lastGood, this.#parts, log)
    if (origin === null) return
    const { storeId, revision, savedAt } = origin
    this.#subscriptions.endpoint.want(this.#assembler.wantedEndpoints())
    if (!this.#swap.force({ storeId, revision })) {
      log.warn('the copy of the configuration on disk has no listeners')
      return
    }
    this.#present = { storeId, revision }
    this.#hasVirtualHosts = true
    this.#source = 'disk'
    this.#confirmedAt = savedAt
    log.info('the copy of the configuration on disk is in force', { store: storeId, revision })
  }

  #connect(): void {
    this.#refusal = null
    const stream = this.#open({
      opened: () => {
        this.#isConnected = true
        this.#reconnect.opened()
        this.#options.log.info('connected to the control plane')
      },
      received: response => this.#received(response),
      ended: reason => this.#ended(reason),
    })
    this.#stream = stream
    let node: Node | null = nodeOf(this.#options.bootstrap)
    for (const type of TYPE_NAMES) {
      const first = this.#subscriptions[type].first(node, this.#parts[type].versions())
      if (first === null) continue
      stream.send(first)
      node = null
    }
  }

  #ended(reason: string): void {
    if (this.#isConnected && this.#refusal === null && this.#source === 'control-plane') this.#confirmedAt = wallClock.now()
    const wasConnected = this.#isConnected
    this.#isConnected = false
    this.#stream = null
    this.#answers.forget()
    this.#intake.forget()
    const waitMs = Math.round(this.#reconnect.ended())
    this.#options.log[wasConnected ? 'warn' : 'debug']('no control plane; what is in force stays', { reason, retryInMs: waitMs })
  }

  /** Drops the stream and starts over, so that everything that was refused on it is sent again. */
  #restart(reason: string): void {
    this.#stream?.close()
    this.#ended(reason)
  }

  #received(response: DeltaDiscoveryResponse): void {
    const type = TYPE_NAMES.find(name => TYPES[name] === response.typeUrl)
    if (type === undefined) this.#options.log.warn('a response of a type that was not asked for', { type: response.typeUrl })
    else if (this.#follows(type, response) && !this.#intake.push({ type, response, lines: [], ahead: new ReadAhead(type, response) }))
      this.#restart('too many responses wait to be taken')
  }

  /** Whether the response comes from the store that is followed; tells the control plane if not. */
  #follows(type: TypeName, { systemVersionInfo, controlPlane, nonce }: DeltaDiscoveryResponse): boolean {
    const identifier = controlPlane?.identifier ?? ''
    const offered = parseSystemVersion(systemVersionInfo)
    if (offered === null) {
      const text = `system_version_info ${JSON.stringify(systemVersionInfo)} is not <store id>/<revision>/<serial>`
      this.#nack(type, nonce, FAILED_PRECONDITION, text)
      return false
    }
    const present = this.#present
    const refusal = judge(present, offered, identifier)
    if (refusal !== null && present !== null) {
      this.#refusal = refusal
      this.#nack(type, nonce, FAILED_PRECONDITION, refusalText(refusal, present, offered))
      return false
    }
    if (this.#refusal !== null) {
      this.#restart('its configuration can be followed now')
      return false
    }
    if (present !== null && present.storeId !== offered.storeId)
      this.#options.log.warn('adopted by another store', { from: present.storeId, to: offered.storeId })
    this.#present = offered
    return true
  }

  #slice({ type, response, lines, ahead }: Incoming, from: number, to: number): void {
    const holdings = this.#parts[type]
    const { changes } = holdings
    for (const resource of response.resources.slice(from, to)) {
      const line = type === 'virtualHost' ? this.#parts.virtualHost.take(resource, ahead.of(resource)) : holdings.take(resource)
      if (line !== null) lines.push(line)
    }
    if (holdings.changes !== changes) this.#assembler.changed(type)
  }

  #done({ type, response, lines }: Incoming): void {
    for (const name of response.removedResources) this.#parts[type].remove(name)
    if (response.removedResources.length > 0) this.#assembler.changed(type)
    if (type === 'virtualHost') this.#hasVirtualHosts = true
    if (type === 'cluster') this.#followClusters()
    this.#answer(type, response.nonce, lines)
    this.#swap.update(this.#present as StoreVersion, this.#hasVirtualHosts)
  }

  /** Asks for the endpoints that the clusters name, before the clusters are acknowledged: so they are on their way when the routes come. */
  #followClusters(): void {
    const wanted = this.#assembler.wantedEndpoints()
    const isFirst = this.#subscriptions.endpoint.names.size === 0
    const request = this.#subscriptions.endpoint.want(wanted)
    if (request === null) return
    this.#parts.endpoint.retain(wanted)
    this.#assembler.changed('endpoint')
    // The first request of a type names what is held, also where it comes late.
    this.#stream?.send(isFirst ? (this.#subscriptions.endpoint.first(null, this.#parts.endpoint.versions()) ?? request) : request)
  }

  #answer(type: TypeName, nonce: string, lines: readonly string[]): void {
    const subscription = this.#subscriptions[type]
    if (lines.length > 0) this.#nack(type, nonce, INVALID_ARGUMENT, lines.join('\n'))
    else if (type === 'cluster' || type === 'endpoint') this.#stream?.send(subscription.ack(nonce))
    else if (!this.#answers.defer(subscription, nonce)) this.#restart('too many responses wait for their snapshot')
  }

  #nack(type: TypeName, nonce: string, code: number, message: string): void {
    const text = cut(message)
    this.#lastNack = { typeUrl: TYPES[type], message: text, at: wallClock.now() }
    this.#options.log.warn('refused a configuration; what is in force stays', { type: TYPES[type], reason: text })
    this.#stream?.send(this.#subscriptions[type].nack(nonce, code, text))
  }

  #putIntoForce(snapshot: Snapshot): void {
    this.#options.onSnapshot(snapshot)
    this.#inForceSince = wallClock.now()
  }

  #sendAnswers(failure: string | null): void {
    for (const request of this.#answers.settle(failure)) this.#stream?.send(request)
  }

  #settled(failure: string | null): void {
    this.#sendAnswers(failure)
    const version = this.#present
    // Null: it is the copy on disk that has been put into force.
    if (failure !== null || version === null) return
    this.#source = 'control-plane'
    this.#options.lastGood?.save(() => ({ ...version, content: encodeParts(this.#parts) }))
  }
}
