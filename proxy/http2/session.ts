import { MeshError } from '../errors.ts'
import { Decoder } from '../hpack/decoder.ts'
import { cutChunk } from '../net/slabs.ts'
import type { RawSocket } from '../net/socket.ts'
import { CLOSURE, ClosedStreams, type Closure } from './closed-streams.ts'
import { CODE, codeName, FLAG } from './codes.ts'
import { FIRST_WINDOW, Http2Connection, type SessionOptions } from './connection.ts'
import { FLOOD } from './flood.ts'
import type { Stream, StreamSession } from './stream.ts'
import { EVENT, nextState } from './stream-state.ts'
import { StreamTable } from './stream-table.ts'
import { ReceiveWindow } from './window.ts'

/** Shorter DATA frames are tiny: a gRPC message's prefix has five octets. */
const TINY_FRAME_BYTES = 5

/** The streams of a connection, either role: who gets a frame, and what one means that comes too late. It alone turns an error of a stream into RST_STREAM. */
export abstract class Session extends Http2Connection implements StreamSession {
  protected readonly streams = new StreamTable<Stream>()
  protected readonly decoder: Decoder
  readonly #closed = new ClosedStreams()
  readonly #window: ReceiveWindow
  /** The DATA frame in hand: its stream (null: nobody wants it), its length, what of it was no padding, and whether it ends the stream. */
  #stream: Stream | null = null
  #dataLength = 0
  #dataCame = 0
  #isDataEnd = false

  constructor(socket: RawSocket, options: SessionOptions) {
    super(socket, options)
    const { maxListBytes, maxFields, connectionWindowBytes } = options.limits
    this.decoder = new Decoder({ maxListBytes, maxLines: maxFields })
    this.#window = new ReceiveWindow(Math.max(connectionWindowBytes, FIRST_WINDOW))
  }

  /** A header block opens a stream. */
  protected abstract opened(streamId: number, isEnd: boolean, dependsOnItself: boolean): void
  /** Whether a stream of that id was never opened. */
  protected abstract isIdle(streamId: number): boolean

  get active(): number {
    return this.streams.size
  }

  /** Until our settings are acknowledged the peer may not know of a window that is smaller than the protocol's. */
  get streamWindowBytes(): number {
    return this.areSettingsAcked ? this.limits.streamWindowBytes : Math.max(this.limits.streamWindowBytes, FIRST_WINDOW)
  }

  get sendWindowBytes(): number {
    return this.peerSettings.initialWindowSize
  }

  protected add(stream: Stream): void {
    this.streams.add(stream.id, stream)
    this.deadlines.setIdle(false)
  }

  /** A stream that nobody got: `code` when it is reset; null when it was answered to its end. */
  protected reject(streamId: number, code: number | null): void {
    this.#closed.add(streamId, code === null ? CLOSURE.ENDED : CLOSURE.RESET_BY_US)
    if (code !== null) this.frames.reset(streamId, code)
  }

  // What the frames say.

  streamCredit(streamId: number, octets: number): void {
    const stream = this.streams.get(streamId)
    if (stream === undefined) {
      if (this.isIdle(streamId)) this.fault(CODE.PROTOCOL_ERROR, 'WINDOW_UPDATE on an idle stream')
    } else if (octets === 0) this.streamFault(streamId, CODE.PROTOCOL_ERROR, 'WINDOW_UPDATE of nothing')
    else if (stream.sender.credit(octets)) this.scheduler.run()
    else this.streamFault(streamId, CODE.FLOW_CONTROL_ERROR, "the stream's window is too large")
  }

  reset(streamId: number, code: number): void {
    const stream = this.streams.get(streamId)
    if (stream === undefined) {
      if (this.isIdle(streamId)) this.fault(CODE.PROTOCOL_ERROR, 'RST_STREAM on an idle stream')
      return
    }
    this.#remove(stream, CLOSURE.RESET_BY_PEER)
    stream.resetCame(code)
    this.spend(FLOOD.RESET)
  }

  block(streamId: number, octets: Buffer, start: number, end: number, isEnd: boolean, dependsOnItself: boolean): void {
    // In any case: the table has to follow.
    if (!this.decoder.decode(octets, start, end)) {
      this.fault(CODE.COMPRESSION_ERROR, this.decoder.fault)
      return
    }
    const stream = this.streams.get(streamId)
    if (stream !== undefined) {
      if (stream.isReceiving) stream.blockCame(isEnd)
      else this.streamFault(streamId, CODE.STREAM_CLOSED, 'HEADERS behind END_STREAM')
    } else if (this.isIdle(streamId)) this.opened(streamId, isEnd, dependsOnItself)
    else this.#cameLate(streamId, 'HEADERS')
  }

  dataBegun(flags: number, streamId: number, length: number): void {
    this.#stream = null
    if (!this.#window.receive(length)) {
      this.fault(CODE.FLOW_CONTROL_ERROR, "DATA beyond the connection's window")
      return
    }
    const credit = this.#window.take(length)
    if (credit > 0) this.frames.windowUpdate(0, credit)
    const isEnd = (flags & FLAG.END_STREAM) !== 0
    if (!isEnd && length < TINY_FRAME_BYTES && !this.spend(length === 0 ? FLOOD.EMPTY_FRAME : FLOOD.TINY_FRAME)) return
    const stream = this.streams.get(streamId)
    if (stream === undefined) {
      if (this.isIdle(streamId)) this.fault(CODE.PROTOCOL_ERROR, 'DATA on an idle stream')
      else this.#cameLate(streamId, 'DATA')
    } else if (!stream.isReceiving) this.streamFault(streamId, CODE.STREAM_CLOSED, 'DATA behind END_STREAM')
    else if (!stream.takesData) this.streamFault(streamId, CODE.PROTOCOL_ERROR, 'DATA of a message that can have none')
    else if (!stream.receive(length)) this.streamFault(streamId, CODE.FLOW_CONTROL_ERROR, "DATA beyond the stream's window")
    else {
      this.#stream = stream
      this.#dataLength = length
      this.#dataCame = 0
      this.#isDataEnd = isEnd
    }
  }

  dataCame(octets: Buffer, start: number, end: number, isOwned: boolean): void {
    const stream = this.#stream
    if (stream === null || !stream.isReceiving) return
    this.#dataCame += end - start
    stream.dataCame(isOwned ? cutChunk(octets, start, end) : ownCopy(octets, start, end))
  }

  dataEnded(): void {
    const stream = this.#stream
    this.#stream = null
    if (stream === null || !stream.isReceiving) return
    const padding = this.#dataLength - this.#dataCame
    if (padding > 0) stream.bodyTook(padding)
    if (this.#isDataEnd) stream.endCame(null)
  }

  protected override windowsChanged(octets: number): boolean {
    if (octets !== 0) for (const stream of this.streams.all()) if (!stream.sender.credit(octets)) return false
    return true
  }

  // What streams tell.

  streamEnded(stream: Stream): void {
    this.#remove(stream, CLOSURE.ENDED)
  }

  resetStream(stream: Stream, code: number): void {
    if (!this.#remove(stream, CLOSURE.RESET_BY_US)) return
    this.frames.reset(stream.id, code)
  }

  streamFault(streamId: number, code: number, reason: string): void {
    if (this.isEnded || !this.spend(FLOOD.RESET)) return
    this.peerFaulted(`${reason} (${codeName(code)})`)
    const stream = this.streams.get(streamId)
    if (stream === undefined) {
      this.reject(streamId, code)
      return
    }
    this.resetStream(stream, code)
    stream.broken(new MeshError(this.faultCode, reason))
  }

  #cameLate(streamId: number, what: string): void {
    const closure = this.#closed.find(streamId)
    if (closure === CLOSURE.RESET_BY_US) return
    if (closure === CLOSURE.RESET_BY_PEER || (closure === CLOSURE.ENDED && what === 'DATA'))
      this.streamFault(streamId, CODE.STREAM_CLOSED, `${what} behind the end of its stream`)
    else if (closure === CLOSURE.ENDED) this.fault(CODE.STREAM_CLOSED, `${what} behind the end of its stream`)
    else this.fault(CODE.PROTOCOL_ERROR, 'a stream below one that was opened already')
  }

  #remove(stream: Stream, closure: Closure): boolean {
    if (!this.streams.delete(stream.id)) return false
    stream.state = nextState(stream.state, EVENT.RESET)
    this.#closed.add(stream.id, closure)
    if (this.streams.size === 0) this.deadlines.setIdle(true)
    this.countChanged()
    this.leaveIfIdle()
    return true
  }

  protected override breakStreams(reason: MeshError): void {
    const streams = this.streams.all()
    this.streams.clear()
    for (const stream of streams) {
      stream.state = nextState(stream.state, EVENT.RESET)
      stream.broken(reason)
    }
  }
}

function ownCopy(octets: Buffer, start: number, end: number): Buffer {
  const own = Buffer.allocUnsafe(end - start)
  octets.copy(own, 0, start, end)
  return own
}
