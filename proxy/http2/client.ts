import { type ErrorCode, MeshError } from '../errors.ts'
import type { Connection, ConnectionEvents, Outgoing, Response } from '../http/message.ts'
import type { RawSocket } from '../net/socket.ts'
import type { Clock } from '../util/clock.ts'
import type { CounterName, Counters } from '../util/counters.ts'
import type { Timers } from '../util/timers.ts'
import { ClientStream, type ClientStreamSession } from './client-stream.ts'
import { CODE, codeName, INT31, PREFACE } from './codes.ts'
import { readResponseHead, readTrailers } from './field-rules.ts'
import { FLOOD, type FloodKind } from './flood.ts'
import { DEFAULT_HTTP2_LIMITS, type Http2Limits } from './limits.ts'
import { Session } from './session.ts'
import { SETTING } from './settings.ts'
import { StreamError } from './stream-error.ts'

export interface Http2ClientOptions {
  readonly timers: Timers
  readonly counters: Counters
  /** Address of the peer, for messages: `10.0.0.1:8080`. */
  readonly name: string
  readonly events: ConnectionEvents
  readonly limits?: Http2Limits
}

/** Streams that a peer is taken to allow before it has said: what the RFC recommends to allow at least (section 6.5.2). */
const CAPACITY_AT_FIRST = 100

/** Speaks HTTP/2 over a connection that `dial` has made, by prior knowledge or after ALPN. */
export function connectHttp2(socket: RawSocket, options: Http2ClientOptions): Connection {
  return new ClientSession(socket, options)
}

class ClientSession extends Session implements Connection, ClientStreamSession {
  readonly protocol = 'HTTP/2'
  readonly name: string
  isReused = false
  idleSince: number
  readonly keepAliveHintMs = null
  events: ConnectionEvents
  readonly maxInformational: number
  protected readonly lostCode: ErrorCode = 'UPSTREAM_RESET'
  protected readonly faultCode: ErrorCode = 'UPSTREAM_PROTOCOL'
  protected readonly idleCounter: CounterName = 'upstream_connections_idle_closed'
  protected readonly slowCounter: CounterName = 'upstream_protocol_error'
  readonly #clock: Clock
  #nextId = 1
  #hasSettings = false
  #isClosedTold = false
  /** Why the connection was ended by us; null: it was not. */
  #reason: MeshError | null = null

  constructor(socket: RawSocket, options: Http2ClientOptions) {
    const limits = options.limits ?? DEFAULT_HTTP2_LIMITS
    super(socket, { timers: options.timers, counters: options.counters, limits })
    this.name = options.name
    this.events = options.events
    this.maxInformational = limits.maxInformational
    this.#clock = options.timers.clock
    this.idleSince = this.#clock.now()
    socket.reserve(PREFACE.length)
    socket.end += PREFACE.copy(socket.octets, socket.end)
    this.greet([SETTING.ENABLE_PUSH, 0])
    socket.start(this)
  }

  get capacity(): number {
    if (this.isEnded || this.isLastCall || this.#nextId > INT31) return 0
    return this.#hasSettings ? this.peerSettings.maxConcurrentStreams : CAPACITY_AT_FIRST
  }

  send(request: Outgoing): Promise<Response> {
    return new Promise((resolve, reject) => {
      const refusal = this.#refusal(request)
      if (refusal !== null) {
        reject(refusal)
        return
      }
      const stream = new ClientStream(this, this.#nextId, request, { resolve, reject }, this.isReused)
      this.#nextId += 2
      this.isReused = true
      this.add(stream)
      stream.start()
    })
  }

  override drain(): void {
    if (this.isEnded || this.isLastCall) return
    this.isLastCall = true
    this.frames.goAway(0, CODE.NO_ERROR, '')
    this.leaveIfIdle()
  }

  override destroy(error?: MeshError): void {
    this.#reason ??= error ?? null
    if (error !== undefined) this.breakStreams(error)
    super.destroy()
  }

  override settings(octets: Buffer, start: number, end: number): void {
    this.#hasSettings = true
    super.settings(octets, start, end)
  }

  /** Streams above the last one were not processed: they may be tried elsewhere, whatever their method. */
  override wentAway(lastStreamId: number, code: number): void {
    this.isLastCall = true
    for (const stream of this.streams.all()) {
      if (stream.id <= lastStreamId) continue
      this.resetStream(stream, CODE.CANCEL)
      stream.broken(new StreamError('UPSTREAM_REFUSED_STREAM', CODE.REFUSED_STREAM, 'peer', `${this.name} goes away (${codeName(code)})`))
    }
    this.countChanged()
    this.leaveIfIdle()
  }

  override closed(error: Error | null): void {
    super.closed(error)
    if (this.#isClosedTold) return
    this.#isClosedTold = true
    const what = error === null ? 'closed the connection' : `failed (${(error as NodeJS.ErrnoException).code ?? error.message})`
    this.events.closed(this, this.#reason ?? new MeshError('UPSTREAM_CLOSED', `${this.name} ${what}`))
  }

  readResponse(): ReturnType<typeof readResponseHead> {
    return readResponseHead(this.decoder.lines)
  }

  readTrailers(): ReturnType<typeof readTrailers> {
    return readTrailers(this.decoder.lines)
  }

  protected override isIdle(streamId: number): boolean {
    return streamId % 2 === 0 || streamId >= this.#nextId
  }

  protected override opened(): void {
    this.fault(CODE.PROTOCOL_ERROR, 'a stream that nobody asked for')
  }

  override fault(code: number, reason: string): void {
    this.#reason ??= new MeshError('UPSTREAM_PROTOCOL', `${this.name}: ${reason}`)
    super.fault(code, reason)
  }

  /** How many of our streams the peer resets is its own affair: it has been asked for each. */
  override spend(kind: FloodKind): boolean {
    return kind === FLOOD.RESET || super.spend(kind)
  }

  protected override peerFaulted(): void {
    this.counters.add('upstream_protocol_error')
  }

  protected override countChanged(): void {
    if (this.streams.size === 0) this.idleSince = this.#clock.now()
    if (this.streams.size < this.capacity) this.events.available(this)
  }

  /** Why a request cannot go out on this connection now; null: it can. */
  #refusal(request: Outgoing): MeshError | null {
    const { reason } = request.cancelled
    if (reason !== null) return reason
    if (this.streams.size >= this.capacity || this.socket.isClosed)
      return new MeshError('UPSTREAM_REFUSED_STREAM', `${this.name} takes no further request now`)
    if (request.head.upgrade !== null && !this.peerSettings.canExtendedConnect)
      return new MeshError('NOT_IMPLEMENTED', `${this.name} does not take ${request.head.upgrade} over HTTP/2 (RFC 8441)`)
    return null
  }
}
