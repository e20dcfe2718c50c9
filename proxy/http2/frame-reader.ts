import { CODE, FLAG, FRAME } from './codes.ts'

/** Octets of a frame's head. */
export const FRAME_HEAD_BYTES = 9
/** Longest payload that we take: the protocol's smallest, which nobody has to be told. */
export const MAX_FRAME_BYTES = 16_384
/** A frame that comes in parts is collected in a buffer that begins this small: most are heads and control frames. */
const FIRST_KEPT_BYTES = 256

/** What a reader calls, in the order of the octets. */
export interface FrameSink {
  /** A whole frame other than DATA; its payload is `octets[start..end)`, valid until this returns. */
  frame(type: number, flags: number, streamId: number, octets: Buffer, start: number, end: number): void
  /** A DATA frame begins. @param length of its payload, padding included: what flow control counts. */
  dataBegun(flags: number, streamId: number, length: number): void
  /** Octets of the DATA frame without padding, as they come. @param isOwned see SocketEvents. */
  dataCame(octets: Buffer, start: number, end: number, isOwned: boolean): void
  /** The DATA frame is whole. */
  dataEnded(): void
  /** Nothing that follows can be read; the reader has stopped. */
  unreadable(code: number, reason: string): void
}

/** Cuts a connection's octets into frames, however they come. DATA is handed on as it comes; other frames are collected until they are whole. */
export class FrameReader {
  readonly #sink: FrameSink
  #isStopped = false
  /** A frame's beginning. */
  #kept: Buffer | null = null
  #keptLength = 0
  /** Octets of the present DATA frame that are still to come, padding left out; -1: there is no DATA frame. */
  #dataLeft = -1
  #paddingLeft = 0
  /** The pad length, the first octet of the payload, is still to come. */
  #needsPadLength = false

  constructor(sink: FrameSink) {
    this.#sink = sink
  }

  /** Some octets of a frame have come, and others not. */
  get isPartial(): boolean {
    return this.#keptLength > 0
  }

  /** Reads nothing more, whatever comes. */
  stop(): void {
    this.#isStopped = true
    this.#kept = null
    this.#keptLength = 0
  }

  /** Takes `octets[start..end)`. */
  read(octets: Buffer, start: number, end: number, isOwned: boolean): void {
    let p = start
    while (p < end && !this.#isStopped) {
      if (this.#dataLeft !== -1) p = this.#readData(octets, p, end, isOwned)
      else if (this.#keptLength > 0) p = this.#complete(octets, p, end)
      else p = this.#readFrame(octets, p, end)
    }
  }

  #readFrame(octets: Buffer, p: number, end: number): number {
    if (end - p < FRAME_HEAD_BYTES) return this.#keep(octets, p, end)
    const length = lengthAt(octets, p)
    if (!this.#accept(length)) return end
    if (octets[p + 3] === FRAME.DATA) {
      this.#begin(octets, p)
      return p + FRAME_HEAD_BYTES
    }
    const after = p + FRAME_HEAD_BYTES + length
    if (after > end) return this.#keep(octets, p, end)
    this.#hand(octets, p, after)
    return after
  }

  /** Goes on with the frame that has begun. */
  #complete(octets: Buffer, start: number, end: number): number {
    const headMissing = FRAME_HEAD_BYTES - this.#keptLength
    let p = start
    if (headMissing > 0) {
      p = this.#keep(octets, p, Math.min(end, p + headMissing))
      if (this.#keptLength < FRAME_HEAD_BYTES) return p
    }
    const kept = this.#kept as Buffer
    const length = lengthAt(kept, 0)
    if (!this.#accept(length)) return end
    if (kept[3] === FRAME.DATA) {
      this.#forget()
      this.#begin(kept, 0)
      return p
    }
    const whole = FRAME_HEAD_BYTES + length
    p = this.#keep(octets, p, Math.min(end, p + whole - this.#keptLength))
    if (this.#keptLength < whole) return p
    const frame = this.#kept as Buffer
    this.#forget()
    this.#hand(frame, 0, whole)
    return p
  }

  #keep(octets: Buffer, start: number, end: number): number {
    const needed = this.#keptLength + end - start
    if (this.#kept === null || needed > this.#kept.length) {
      const larger = Buffer.allocUnsafe(
        Math.max(FIRST_KEPT_BYTES, needed, Math.min(this.#keptLength * 2, MAX_FRAME_BYTES + FRAME_HEAD_BYTES)),
      )
      this.#kept?.copy(larger, 0, 0, this.#keptLength)
      this.#kept = larger
    }
    octets.copy(this.#kept, this.#keptLength, start, end)
    this.#keptLength = needed
    return end
  }

  #forget(): void {
    this.#kept = null
    this.#keptLength = 0
  }

  #accept(length: number): boolean {
    if (length <= MAX_FRAME_BYTES) return true
    this.#fail(CODE.FRAME_SIZE_ERROR, `a frame of ${length} octets`)
    return false
  }

  #hand(octets: Buffer, p: number, after: number): void {
    this.#sink.frame(octets[p + 3] as number, octets[p + 4] as number, streamIdAt(octets, p + 5), octets, p + FRAME_HEAD_BYTES, after)
  }

  #begin(octets: Buffer, p: number): void {
    const length = lengthAt(octets, p)
    const flags = octets[p + 4] as number
    this.#dataLeft = length
    this.#paddingLeft = 0
    this.#needsPadLength = (flags & FLAG.PADDED) !== 0
    this.#sink.dataBegun(flags, streamIdAt(octets, p + 5), length)
    if (length > 0 || this.#isStopped) return
    if (this.#needsPadLength) this.#fail(CODE.FRAME_SIZE_ERROR, 'a padded frame without a pad length')
    else this.#endData()
  }

  #readData(octets: Buffer, start: number, end: number, isOwned: boolean): number {
    let p = start
    if (this.#needsPadLength) {
      this.#needsPadLength = false
      this.#paddingLeft = octets[p++] as number
      this.#dataLeft -= 1 + this.#paddingLeft
      if (this.#dataLeft < 0) {
        this.#fail(CODE.PROTOCOL_ERROR, 'padding longer than its frame')
        return end
      }
    }
    const count = Math.min(this.#dataLeft, end - p)
    if (count > 0) {
      this.#dataLeft -= count
      this.#sink.dataCame(octets, p, p + count, isOwned)
      p += count
    }
    if (this.#dataLeft > 0) return p
    const padding = Math.min(this.#paddingLeft, end - p)
    this.#paddingLeft -= padding
    p += padding
    if (this.#paddingLeft === 0) this.#endData()
    return p
  }

  #endData(): void {
    this.#dataLeft = -1
    this.#sink.dataEnded()
  }

  #fail(code: number, reason: string): void {
    this.stop()
    this.#sink.unreadable(code, reason)
  }
}

function lengthAt(octets: Buffer, p: number): number {
  return ((octets[p] as number) << 16) | ((octets[p + 1] as number) << 8) | (octets[p + 2] as number)
}

/** A stream id: the reserved bit is ignored (RFC 9113 section 4.1). */
export function streamIdAt(octets: Buffer, p: number): number {
  return (
    (((octets[p] as number) & 127) << 24) | ((octets[p + 1] as number) << 16) | ((octets[p + 2] as number) << 8) | (octets[p + 3] as number)
  )
}

/** An unsigned integer of four octets. */
export function uint32At(octets: Buffer, p: number): number {
  return streamIdAt(octets, p) + ((octets[p] as number) >= 128 ? 0x8000_0000 : 0)
}
