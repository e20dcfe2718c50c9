import { type ErrorCode, MeshError } from '../errors.ts'
import type { RawSocket, SocketEvents } from '../net/socket.ts'
import type { CounterName, Counters } from '../util/counters.ts'
import type { Timers } from '../util/timers.ts'
import { CODE, codeName, INT31 } from './codes.ts'
import { Deadlines, type Expiry } from './deadlines.ts'
import { Dispatch, type FrameHandler } from './dispatch.ts'
import { FLOOD, FloodGate, type FloodKind, floodCounter, floodName } from './flood.ts'
import { FrameReader } from './frame-reader.ts'
import { FrameWriter } from './frame-writer.ts'
import type { Http2Limits } from './limits.ts'
import { Linger } from './linger.ts'
import { Scheduler } from './scheduler.ts'
import type { SendingSession } from './sender.ts'
import { applySettings, defaultSettings, SETTING } from './settings.ts'
import { StallWatch } from './stall-watch.ts'

export interface SessionOptions {
  readonly timers: Timers
  readonly counters: Counters
  readonly limits: Http2Limits
}

/** Window of a connection, and of its streams, before anything was said (RFC 9113 section 6.9.2). */
export const FIRST_WINDOW = 65_535
/** WINDOW_UPDATE frames that each DATA frame of ours may be answered with. */
const UPDATES_PER_FRAME = 10
const PING = Buffer.from('outrider', 'latin1')

/**
 * What an HTTP/2 connection is besides its streams, either role: settings, limits of what the peer may do, waits, and how it ends. It alone turns an
 * error of the connection into GOAWAY. `session.ts` adds the streams.
 */
export abstract class Http2Connection implements SocketEvents, FrameHandler, SendingSession {
  readonly socket: RawSocket
  readonly frames: FrameWriter
  readonly scheduler: Scheduler
  protected readonly limits: Http2Limits
  protected readonly counters: Counters
  protected readonly deadlines: Deadlines
  protected readonly peerSettings = defaultSettings()
  /** Largest stream that the peer has opened. */
  protected lastPeerId = 0
  /** Nothing more is read or written but the end. */
  protected isEnded = false
  protected isDraining = false
  /** No further stream is taken: the last id was said. */
  protected isLastCall = false
  protected areSettingsAcked = false
  readonly #reader: FrameReader
  readonly #floods: FloodGate
  readonly #stalls: StallWatch
  readonly #linger: Linger
  #isBlockPending = false
  #isHeadTimed = false

  constructor(socket: RawSocket, { timers, counters, limits }: SessionOptions) {
    this.socket = socket
    this.counters = counters
    this.limits = limits
    this.frames = new FrameWriter(socket)
    this.scheduler = new Scheduler(socket)
    this.#reader = new FrameReader(new Dispatch(this, limits))
    this.#floods = new FloodGate(limits, timers.clock)
    this.deadlines = new Deadlines(timers, limits, what => this.expired(what))
    this.#stalls = new StallWatch(this.deadlines, limits.stallTimeoutMs)
    this.#linger = new Linger(socket, this.deadlines)
  }

  /** Streams that are open. */
  abstract get active(): number
  /** Error code of what ends because the peer's connection has ended, and because the peer has broken the protocol. */
  protected abstract readonly lostCode: ErrorCode
  protected abstract readonly faultCode: ErrorCode
  /** Counts a connection that was closed since it was idle, and one that was slow. */
  protected abstract readonly idleCounter: CounterName
  protected abstract readonly slowCounter: CounterName
  /** The peer has broken the protocol. */
  protected abstract peerFaulted(reason: string): void
  /** The connection is over for all streams. */
  protected abstract breakStreams(reason: MeshError): void
  /** The peer lets each stream send so many octets more, or fewer. False: more than a window can hold. */
  protected abstract windowsChanged(octets: number): boolean
  /** How many streams there are, or may be, has changed. */
  protected abstract countChanged(): void

  abstract streamCredit(streamId: number, octets: number): void
  abstract reset(streamId: number, code: number): void
  abstract block(streamId: number, octets: Buffer, start: number, end: number, isEnd: boolean, dependsOnItself: boolean): void
  abstract dataBegun(flags: number, streamId: number, length: number): void
  abstract dataCame(octets: Buffer, start: number, end: number, isOwned: boolean): void
  abstract dataEnded(): void
  abstract streamFault(streamId: number, code: number, reason: string): void

  destroy(): void {
    this.socket.destroy()
  }

  /** Sends our SETTINGS. @param more ids and values by turns. */
  protected greet(more: readonly number[]): void {
    const { streamWindowBytes, maxListBytes, connectionWindowBytes } = this.limits
    this.frames.settings([SETTING.INITIAL_WINDOW_SIZE, streamWindowBytes, SETTING.MAX_HEADER_LIST_SIZE, maxListBytes, ...more])
    if (connectionWindowBytes > FIRST_WINDOW) this.frames.windowUpdate(0, connectionWindowBytes - FIRST_WINDOW)
  }

  // What the socket tells.

  data(octets: Buffer, end: number, isOwned: boolean): void {
    this.read(octets, 0, end, isOwned)
  }

  protected read(octets: Buffer, start: number, end: number, isOwned: boolean): void {
    if (this.isEnded) return
    this.deadlines.heard()
    this.#reader.read(octets, start, end, isOwned)
    const isHeadAwaited = !this.isEnded && (this.#reader.isPartial || this.#isBlockPending)
    if (isHeadAwaited === this.#isHeadTimed) return
    this.#isHeadTimed = isHeadAwaited
    if (isHeadAwaited) this.deadlines.start('head', this.limits.headTimeoutMs)
    else this.deadlines.stop('head')
  }

  ended(): void {
    this.breakStreams(new MeshError(this.lostCode, 'the peer closed its connection'))
    this.leave()
  }

  drained(): void {
    this.scheduler.run()
  }

  closed(error: Error | null): void {
    const what = error === null ? 'was closed' : `was lost (${(error as NodeJS.ErrnoException).code ?? error.message})`
    this.isEnded = true
    this.#reader.stop()
    this.deadlines.end()
    this.breakStreams(new MeshError(this.lostCode, `the connection ${what}`))
  }

  // What the frames say.

  settings(octets: Buffer, start: number, end: number): void {
    const before = this.peerSettings.initialWindowSize
    const fault = applySettings(this.peerSettings, octets, start, end)
    if (fault !== null) {
      this.fault(fault.code, fault.reason)
      return
    }
    this.frames.encoder.allowTable(this.peerSettings.headerTableSize)
    if (!this.windowsChanged(this.peerSettings.initialWindowSize - before)) {
      this.fault(CODE.FLOW_CONTROL_ERROR, 'INITIAL_WINDOW_SIZE makes a window too large')
      return
    }
    this.frames.settingsAck()
    this.scheduler.run()
    this.countChanged()
  }

  settingsAcked(): void {
    this.areSettingsAcked = true
    this.deadlines.stop('settings')
  }

  ping(octets: Buffer, start: number): void {
    this.frames.ping(octets, start, true)
  }

  pingAcked(): void {
    if (this.deadlines.isRunning('drain')) this.#sayLastCall()
  }

  wentAway(_lastStreamId: number, _code: number): void {
    this.isLastCall = true
    this.leaveIfIdle()
  }

  connectionCredit(octets: number): void {
    if (this.scheduler.credit(octets)) this.scheduler.run()
    else this.fault(CODE.FLOW_CONTROL_ERROR, "the connection's window is too large")
  }

  blockPending(isPending: boolean): void {
    this.#isBlockPending = isPending
  }

  spend(kind: FloodKind): boolean {
    if (this.#floods.take(kind)) return true
    this.counters.add(floodCounter(kind))
    this.fault(CODE.ENHANCE_YOUR_CALM, `too many ${floodName(kind)}`)
    return false
  }

  continuationFlood(): void {
    this.counters.add('http2_continuation_flood')
    this.fault(CODE.ENHANCE_YOUR_CALM, 'too many CONTINUATION frames')
  }

  // What streams tell.

  dataSent(): void {
    this.#stalls.sent()
    this.#floods.earn(FLOOD.WINDOW_UPDATE, UPDATES_PER_FRAME)
  }

  waits(isWaiting: boolean): void {
    this.#stalls.waits(isWaiting)
  }

  // Errors and ends.

  fault(code: number, reason: string): void {
    if (this.isEnded) return
    this.peerFaulted(`${reason} (${codeName(code)})`)
    this.#endWith(code, reason, this.faultCode)
  }

  /** Two steps (RFC 9113 section 6.8): no stream that the peer has opened before it heard of the first is refused. */
  drain(): void {
    if (this.isDraining || this.isEnded) return
    this.isDraining = true
    this.frames.goAway(INT31, CODE.NO_ERROR, '')
    this.frames.ping(PING, 0, false)
    this.deadlines.start('drain', this.limits.drainMs)
  }

  #sayLastCall(): void {
    this.deadlines.stop('drain')
    if (this.isEnded) return
    this.isLastCall = true
    this.frames.goAway(this.lastPeerId, CODE.NO_ERROR, '')
    this.leaveIfIdle()
  }

  protected leaveIfIdle(): void {
    if (this.isLastCall && this.active === 0) this.leave()
  }

  #endWith(code: number, reason: string, errorCode: ErrorCode = this.lostCode): void {
    if (this.isEnded) return
    this.frames.goAway(this.lastPeerId, code, reason)
    this.leave()
    this.breakStreams(new MeshError(errorCode, reason))
  }

  /** Says no more, and waits for the peer to close, so that our last words are not lost to a reset. */
  protected leave(): void {
    if (this.isEnded) return
    this.isEnded = true
    this.#reader.stop()
    this.#linger.begin()
  }

  protected expired(what: Expiry): void {
    switch (what) {
      case 'settings':
        this.counters.add('http2_settings_timeouts')
        this.#endWith(CODE.SETTINGS_TIMEOUT, 'SETTINGS were not acknowledged')
        break
      case 'head':
        this.counters.add(this.slowCounter)
        this.#endWith(CODE.ENHANCE_YOUR_CALM, 'no whole head in time')
        break
      case 'idle':
        this.counters.add(this.idleCounter)
        this.#endWith(CODE.NO_ERROR, 'idle')
        break
      case 'silence':
        this.frames.ping(PING, 0, false)
        break
      case 'ping':
        this.counters.add('http2_ping_timeouts')
        this.destroy()
        break
      case 'stall':
        if (!this.#stalls.isStalled()) break
        this.counters.add('http2_stalled_closed')
        this.#endWith(CODE.ENHANCE_YOUR_CALM, 'windows were shut for too long')
        this.destroy()
        break
      case 'drain':
        this.#sayLastCall()
        break
      case 'linger':
        this.#linger.expired()
        break
    }
  }
}
