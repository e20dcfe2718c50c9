import { type ErrorCode, MeshError } from '../errors.ts'
import { lineOf } from '../hpack/lines.ts'
import { FieldList } from '../http/fields.ts'
import type { RequestHead } from '../http/head.ts'
import type { Destination, Incoming, Peer } from '../http/message.ts'
import { unmapped } from '../net/address.ts'
import type { RawSocket } from '../net/socket.ts'
import type { Clock } from '../util/clock.ts'
import type { CounterName, Counters } from '../util/counters.ts'
import type { Timers } from '../util/timers.ts'
import { CODE, PREFACE } from './codes.ts'
import { type FieldFault, type RequestRules, readRequestHead, readTrailers } from './field-rules.ts'
import { FLOOD } from './flood.ts'
import { KEEP_LENGTH } from './frame-writer.ts'
import { DEFAULT_HTTP2_LIMITS, type Http2Limits } from './limits.ts'
import { ServerStream, type ServerStreamSession } from './server-stream.ts'
import { Session } from './session.ts'
import { SETTING } from './settings.ts'

export interface Http2ServerOptions {
  readonly timers: Timers
  readonly counters: Counters
  readonly destination: Destination
  readonly limits?: Http2Limits
  /** Values of `:protocol` that become tunnels, in lower case. Left out: `websocket`. */
  readonly upgrades?: readonly string[]
  /** Who is at the other end; left out: the socket's own address, without an identity. */
  readonly peer?: Peer
}

export interface Http2ServerHandlers {
  /** Gets each request, as many at once as there are streams. Must not throw. */
  request(incoming: Incoming): void
  /** Told of what was answered, or ended, before there was an exchange. The head is there where one could be read. */
  refused(peer: Peer, error: MeshError, partialHead: RequestHead | null): void
}

/** One downstream connection. */
export interface Http2Server {
  /** Requests in flight. */
  readonly active: number
  /** Takes no more requests, finishes those in flight, then closes. */
  drain(): void
  destroy(): void
}

const WEBSOCKET = ['websocket']

/** Serves HTTP/2 on a connection that was accepted, by prior knowledge or after ALPN. */
export function serveHttp2(socket: RawSocket, options: Http2ServerOptions, handlers: Http2ServerHandlers): Http2Server {
  return new ServerSession(socket, options, handlers)
}

class ServerSession extends Session implements Http2Server, ServerStreamSession {
  readonly peer: Peer
  readonly destination: Destination
  protected readonly lostCode: ErrorCode = 'DOWNSTREAM_CLOSED'
  protected readonly faultCode: ErrorCode = 'DOWNSTREAM_PROTOCOL'
  protected readonly idleCounter: CounterName = 'downstream_idle_closed'
  protected readonly slowCounter: CounterName = 'downstream_slow_head'
  readonly #handlers: Http2ServerHandlers
  readonly #rules: RequestRules
  readonly #clock: Clock
  /** Octets of the preface that have come. */
  #prefaceCount = 0

  constructor(socket: RawSocket, options: Http2ServerOptions, handlers: Http2ServerHandlers) {
    const limits = options.limits ?? DEFAULT_HTTP2_LIMITS
    super(socket, { timers: options.timers, counters: options.counters, limits })
    const { remoteAddress, remotePort } = socket.socket
    this.peer = options.peer ?? { address: unmapped(remoteAddress ?? ''), port: remotePort ?? 0, identity: null }
    this.destination = options.destination
    this.#handlers = handlers
    this.#rules = { maxTargetBytes: limits.maxTargetBytes, upgrades: options.upgrades ?? WEBSOCKET }
    this.#clock = options.timers.clock
    this.greet([SETTING.MAX_CONCURRENT_STREAMS, limits.maxStreams, SETTING.ENABLE_CONNECT_PROTOCOL, 1])
    socket.start(this)
  }

  override data(octets: Buffer, end: number, isOwned: boolean): void {
    let start = 0
    while (this.#prefaceCount < PREFACE.length && start < end && !this.isEnded) {
      if (octets[start++] !== PREFACE[this.#prefaceCount++]) this.fault(CODE.PROTOCOL_ERROR, 'no HTTP/2 preface')
    }
    if (start < end) this.read(octets, start, end, isOwned)
  }

  readTrailers(): ReturnType<typeof readTrailers> {
    return readTrailers(this.decoder.lines)
  }

  tunnelOpened(): void {
    this.counters.add('tunnels_opened')
  }

  handOver(incoming: Incoming): void {
    this.#handlers.request(incoming)
  }

  protected override isIdle(streamId: number): boolean {
    return streamId % 2 === 0 || streamId > this.lastPeerId
  }

  protected override peerFaulted(reason: string): void {
    this.counters.add('downstream_protocol_error')
    this.#handlers.refused(this.peer, new MeshError('DOWNSTREAM_PROTOCOL', reason), null)
  }

  protected override countChanged(): void {}

  protected override opened(streamId: number, isEnd: boolean, dependsOnItself: boolean): void {
    if (streamId % 2 === 0) {
      this.fault(CODE.PROTOCOL_ERROR, 'a stream with an even id')
      return
    }
    this.lastPeerId = streamId
    if (dependsOnItself) this.streamFault(streamId, CODE.PROTOCOL_ERROR, 'a stream that depends on itself')
    else if (this.isLastCall) this.reject(streamId, CODE.REFUSED_STREAM)
    else if (this.streams.size >= this.limits.maxStreams) this.#refuseStream(streamId)
    else if (this.decoder.isTooLarge) this.#refuse(streamId, TOO_LARGE, isEnd)
    else this.#begin(streamId, isEnd)
  }

  #begin(streamId: number, isEnd: boolean): void {
    const { fault, value: head } = readRequestHead(this.decoder.lines, this.#rules)
    if (fault !== null) this.#refuse(streamId, fault, isEnd)
    else if (isEnd && head.contentLength > 0) this.streamFault(streamId, CODE.PROTOCOL_ERROR, 'DATA shorter than its content-length')
    else {
      const stream = new ServerStream(this, streamId, head, !isEnd, this.#clock.now())
      this.add(stream)
      if (isEnd) stream.endCame(null)
      this.#handlers.request(stream)
    }
  }

  #refuseStream(streamId: number): void {
    this.counters.add('http2_streams_refused')
    if (this.spend(FLOOD.RESET)) this.reject(streamId, CODE.REFUSED_STREAM)
  }

  /** What is malformed is reset, the rest is answered (RFC 9113 section 8.1.1). */
  #refuse(streamId: number, fault: FieldFault, isEnd: boolean): void {
    if (fault.isMalformed) {
      this.streamFault(streamId, CODE.PROTOCOL_ERROR, fault.reason)
      return
    }
    const error = new MeshError(fault.code, fault.reason)
    if (fault.code === 'DOWNSTREAM_HEAD_TOO_LARGE') this.counters.add('downstream_head_too_large')
    else if (fault.code === 'DOWNSTREAM_TARGET_TOO_LONG') this.counters.add('downstream_target_too_long')
    else this.counters.add('downstream_protocol_error')
    this.#handlers.refused(this.peer, error, null)
    const { status, proxyStatus } = error.row
    const headers = new FieldList([['proxy-status', `outrider; error=${proxyStatus}; details="${error.code}"`]])
    this.frames.headers(streamId, [lineOf(':status', String(status))], headers, KEEP_LENGTH, true)
    this.reject(streamId, isEnd ? null : CODE.NO_ERROR)
  }
}

const TOO_LARGE: FieldFault = { code: 'DOWNSTREAM_HEAD_TOO_LARGE', isMalformed: false, reason: 'a header list over the limit' }
