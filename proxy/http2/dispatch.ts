import { CODE, FLAG, FRAME, INT31 } from './codes.ts'
import { FLOOD, type FloodKind } from './flood.ts'
import { type FrameSink, streamIdAt, uint32At } from './frame-reader.ts'
import { HeaderBlock } from './header-block.ts'
import type { Http2Limits } from './limits.ts'

/** What a connection makes of frames whose form is right. */
export interface FrameHandler {
  settings(octets: Buffer, start: number, end: number): void
  settingsAcked(): void
  /** @param start of the eight octets. */
  ping(octets: Buffer, start: number): void
  pingAcked(): void
  wentAway(lastStreamId: number, code: number): void
  /** @param octets at least 1. */
  connectionCredit(octets: number): void
  streamCredit(streamId: number, octets: number): void
  reset(streamId: number, code: number): void
  /** A header block begins whose end is still to come, or has come. */
  blockPending(isPending: boolean): void
  /** A whole header block. @param dependsOnItself a priority that is an error of the stream, not of the block. */
  block(streamId: number, octets: Buffer, start: number, end: number, isEnd: boolean, dependsOnItself: boolean): void
  dataBegun(flags: number, streamId: number, length: number): void
  dataCame(octets: Buffer, start: number, end: number, isOwned: boolean): void
  dataEnded(): void
  /** True: it goes on; false: that was one too many, and the connection has ended. */
  spend(kind: FloodKind): boolean
  /** The connection ends. */
  fault(code: number, reason: string): void
  streamFault(streamId: number, code: number, reason: string): void
  continuationFlood(): void
}

/** Checks the form of each frame (RFC 9113 section 6), puts header blocks together, and says what the frame means. */
export class Dispatch implements FrameSink {
  readonly #to: FrameHandler
  readonly #block: HeaderBlock
  #hasSettings = false

  constructor(to: FrameHandler, limits: Http2Limits) {
    this.#to = to
    this.#block = new HeaderBlock(limits)
  }

  frame(type: number, flags: number, streamId: number, octets: Buffer, start: number, end: number): void {
    if (!this.#isExpected(type, flags, streamId)) return
    switch (type) {
      case FRAME.HEADERS:
        this.#headers(flags, streamId, octets, start, end)
        break
      case FRAME.PRIORITY:
        this.#priority(streamId, octets, start, end)
        break
      case FRAME.RST_STREAM:
        this.#reset(streamId, octets, start, end)
        break
      case FRAME.SETTINGS:
        this.#settings(flags, streamId, octets, start, end)
        break
      case FRAME.PUSH_PROMISE:
        this.#to.fault(CODE.PROTOCOL_ERROR, 'PUSH_PROMISE, which is not enabled')
        break
      case FRAME.PING:
        this.#ping(flags, streamId, octets, start, end)
        break
      case FRAME.GOAWAY:
        this.#goAway(streamId, octets, start, end)
        break
      case FRAME.WINDOW_UPDATE:
        this.#windowUpdate(streamId, octets, start, end)
        break
      case FRAME.CONTINUATION:
        this.#continuation(flags, octets, start, end)
        break
      default:
        // Unknown types are ignored (section 5.5), but not without end.
        this.#to.spend(FLOOD.PRIORITY)
    }
  }

  dataBegun(flags: number, streamId: number, length: number): void {
    if (!this.#isExpected(FRAME.DATA, flags, streamId)) return
    if (streamId === 0) this.#to.fault(CODE.PROTOCOL_ERROR, 'DATA on stream 0')
    else this.#to.dataBegun(flags, streamId, length)
  }

  dataCame(octets: Buffer, start: number, end: number, isOwned: boolean): void {
    this.#to.dataCame(octets, start, end, isOwned)
  }

  dataEnded(): void {
    this.#to.dataEnded()
  }

  unreadable(code: number, reason: string): void {
    this.#to.fault(code, reason)
  }

  /** SETTINGS come first (section 3.4), and nothing comes between the frames of a block (section 4.3). */
  #isExpected(type: number, flags: number, streamId: number): boolean {
    if (!this.#hasSettings) {
      this.#hasSettings = type === FRAME.SETTINGS && (flags & FLAG.ACK) === 0
      if (!this.#hasSettings) this.#to.fault(CODE.PROTOCOL_ERROR, 'the first frame is not SETTINGS')
      return this.#hasSettings
    }
    const { streamId: pending } = this.#block
    if (pending !== 0 ? type === FRAME.CONTINUATION && streamId === pending : type !== FRAME.CONTINUATION) return true
    this.#to.fault(CODE.PROTOCOL_ERROR, pending !== 0 ? 'a frame within a header block' : 'CONTINUATION without a header block')
    return false
  }

  #headers(flags: number, streamId: number, octets: Buffer, start: number, end: number): void {
    let from = start
    let to = end
    if ((flags & FLAG.PADDED) !== 0) to -= octets[from++] ?? 0
    let dependsOnItself = false
    if ((flags & FLAG.PRIORITY) !== 0) {
      dependsOnItself = from + 4 <= end && streamIdAt(octets, from) === streamId
      from += 5
    }
    const isEnd = (flags & FLAG.END_STREAM) !== 0
    if (streamId === 0) this.#to.fault(CODE.PROTOCOL_ERROR, 'HEADERS on stream 0')
    else if (from > end) this.#to.fault(CODE.FRAME_SIZE_ERROR, 'HEADERS too short for its flags')
    else if (from > to) this.#to.fault(CODE.PROTOCOL_ERROR, 'padding longer than its frame')
    else if ((flags & FLAG.END_HEADERS) !== 0) this.#to.block(streamId, octets, from, to, isEnd, dependsOnItself)
    else {
      this.#block.begin(streamId, isEnd, dependsOnItself)
      this.#to.blockPending(true)
      this.#addToBlock(octets, from, to)
    }
  }

  #continuation(flags: number, octets: Buffer, start: number, end: number): void {
    if (!this.#addToBlock(octets, start, end) || (flags & FLAG.END_HEADERS) === 0) return
    const { streamId, isEnd, dependsOnItself } = this.#block
    const whole = this.#block.take()
    this.#to.blockPending(false)
    this.#to.block(streamId, whole, 0, whole.length, isEnd, dependsOnItself)
  }

  #addToBlock(octets: Buffer, start: number, end: number): boolean {
    const progress = this.#block.add(octets, start, end)
    if (progress === 'too-many') this.#to.continuationFlood()
    else if (progress === 'too-long') this.#to.fault(CODE.ENHANCE_YOUR_CALM, 'a header block over the limit')
    return progress === 'more'
  }

  #priority(streamId: number, octets: Buffer, start: number, end: number): void {
    if (streamId === 0) this.#to.fault(CODE.PROTOCOL_ERROR, 'PRIORITY on stream 0')
    else if (!this.#to.spend(FLOOD.PRIORITY)) return
    else if (end - start !== 5) this.#to.streamFault(streamId, CODE.FRAME_SIZE_ERROR, 'PRIORITY of a wrong length')
    else if (streamIdAt(octets, start) === streamId) this.#to.streamFault(streamId, CODE.PROTOCOL_ERROR, 'a stream that depends on itself')
  }

  #reset(streamId: number, octets: Buffer, start: number, end: number): void {
    if (streamId === 0) this.#to.fault(CODE.PROTOCOL_ERROR, 'RST_STREAM on stream 0')
    else if (end - start !== 4) this.#to.fault(CODE.FRAME_SIZE_ERROR, 'RST_STREAM of a wrong length')
    else this.#to.reset(streamId, uint32At(octets, start))
  }

  #settings(flags: number, streamId: number, octets: Buffer, start: number, end: number): void {
    const isAck = (flags & FLAG.ACK) !== 0
    if (streamId !== 0) this.#to.fault(CODE.PROTOCOL_ERROR, 'SETTINGS on a stream')
    else if (isAck ? end !== start : (end - start) % 6 !== 0) this.#to.fault(CODE.FRAME_SIZE_ERROR, 'SETTINGS of a wrong length')
    else if (isAck) this.#to.settingsAcked()
    else if (this.#to.spend(FLOOD.SETTINGS)) this.#to.settings(octets, start, end)
  }

  #ping(flags: number, streamId: number, octets: Buffer, start: number, end: number): void {
    if (streamId !== 0) this.#to.fault(CODE.PROTOCOL_ERROR, 'PING on a stream')
    else if (end - start !== 8) this.#to.fault(CODE.FRAME_SIZE_ERROR, 'PING of a wrong length')
    else if ((flags & FLAG.ACK) !== 0) this.#to.pingAcked()
    else if (this.#to.spend(FLOOD.PING)) this.#to.ping(octets, start)
  }

  #goAway(streamId: number, octets: Buffer, start: number, end: number): void {
    if (streamId !== 0) this.#to.fault(CODE.PROTOCOL_ERROR, 'GOAWAY on a stream')
    else if (end - start < 8) this.#to.fault(CODE.FRAME_SIZE_ERROR, 'GOAWAY of a wrong length')
    else this.#to.wentAway(streamIdAt(octets, start), uint32At(octets, start + 4))
  }

  #windowUpdate(streamId: number, octets: Buffer, start: number, end: number): void {
    if (end - start !== 4) {
      this.#to.fault(CODE.FRAME_SIZE_ERROR, 'WINDOW_UPDATE of a wrong length')
      return
    }
    if (!this.#to.spend(FLOOD.WINDOW_UPDATE)) return
    const count = uint32At(octets, start) & INT31
    if (streamId === 0 && count === 0) this.#to.fault(CODE.PROTOCOL_ERROR, 'WINDOW_UPDATE of nothing')
    else if (streamId === 0) this.#to.connectionCredit(count)
    else this.#to.streamCredit(streamId, count)
  }
}
