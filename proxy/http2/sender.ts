import type { MeshError } from '../errors.ts'
import type { Body, BodySink } from '../http/body.ts'
import type { Fields } from '../http/fields.ts'
import { cutPart, giveBack } from '../net/slabs.ts'
import { CODE, INT31 } from './codes.ts'
import { type FrameWriter, KEEP_LENGTH, MAX_SENT_FRAME_BYTES } from './frame-writer.ts'
import type { Scheduler, Waiting } from './scheduler.ts'
import { StreamError } from './stream-error.ts'

/** What one connection's senders have in common. */
export interface SendingSession {
  readonly frames: FrameWriter
  readonly scheduler: Scheduler
  /** A DATA frame was sent. */
  dataSent(): void
  /** Octets of one more stream wait for the peer, or no longer do. */
  waits(isWaiting: boolean): void
}

/** The stream that a body goes out on. */
export interface SenderOwner {
  /** The head has to be written now. @param isEnd nothing follows it. */
  writeHead(isEnd: boolean): void
  /** END_STREAM was written. */
  sent(): void
  /** The body broke: the stream is reset. */
  sendFailed(error: MeshError): void
}

/**
 * Sends one message's body within the windows of its stream and its connection. Holds at most what its source gave at once: it is told to pause
 * until that has gone. The head is held back until it is known whether anything follows it.
 */
export class Sender implements BodySink, Waiting {
  next: Waiting | null = null
  isWaiting = false
  /** Octets that the peer lets us send on this stream; negative after it has made its windows smaller. */
  window: number
  /** Octets that were handed to the socket. */
  octets = 0
  readonly #session: SendingSession
  readonly #streamId: number
  readonly #owner: SenderOwner
  #body: Body | null = null
  #isHeadPending = false
  #isSending = false
  #queue: Buffer[] | null = null
  /** Octets of the first chunk that have gone. */
  #offset = 0
  #isEnding = false
  #trailers: Fields | null = null
  /** Octets that the body's length promises; -1: none. */
  #promised = -1

  constructor(session: SendingSession, streamId: number, window: number, owner: SenderOwner) {
    this.#session = session
    this.#streamId = streamId
    this.window = window
    this.#owner = owner
  }

  /** Sends a body behind its head. @param hasHead false: the head has gone already. */
  start(body: Body, hasHead = true): void {
    this.#isHeadPending = hasHead
    this.#isSending = true
    this.#body = body
    this.#promised = body.length ?? -1
    body.pipe(this)
    if (this.#isHeadPending && this.#isSending) this.#writeHead(false)
  }

  /** Takes no more; what waits is dropped. */
  stop(reason: MeshError): void {
    this.#dequeue()
    this.#isEnding = false
    if (!this.#isSending) return
    this.#isSending = false
    const body = this.#body
    this.#body = null
    body?.cancel(reason)
  }

  /** The body has not ended yet, or has not left. */
  get isBusy(): boolean {
    return this.#isSending || this.#queue !== null
  }

  get canSend(): boolean {
    return this.#queue !== null && this.window > 0
  }

  /** The peer has given octets back, or has changed its windows. False: more than a window can hold. */
  credit(octets: number): boolean {
    this.window += octets
    if (this.window > INT31) return false
    if (this.canSend) this.#session.scheduler.wait(this)
    return true
  }

  data(chunk: Buffer): boolean {
    if (!this.#isSending) return false
    if (this.#isHeadPending) this.#writeHead(false)
    if (this.#promised !== -1) {
      this.#promised -= chunk.length
      if (this.#promised < 0) {
        this.#break('a body is longer than its content-length')
        return false
      }
    }
    if (chunk.length === 0) return true
    const { scheduler } = this.#session
    if (this.#queue === null && scheduler.isFree && chunk.length <= Math.min(this.window, scheduler.window, MAX_SENT_FRAME_BYTES)) {
      this.#write(chunk)
      return scheduler.isFree || this.#waitForTurn()
    }
    this.#enqueue(chunk)
    scheduler.run()
    return this.#queue === null && this.#isSending
  }

  end(trailers: Fields | null): void {
    if (!this.#isSending) return
    if (this.#promised > 0) {
      this.#break('a body is shorter than its content-length')
      return
    }
    this.#isSending = false
    this.#body = null
    this.#isEnding = true
    this.#trailers = trailers
    if (this.#queue === null) this.#finish()
  }

  fail(error: MeshError): void {
    if (!this.#isSending) return
    this.#isSending = false
    this.#body = null
    this.#dequeue()
    this.#owner.sendFailed(error)
  }

  /** Called by the scheduler alone. */
  sendFrame(octets: number): void {
    const queue = this.#queue as Buffer[]
    const first = queue[0] as Buffer
    const count = Math.min(octets, this.window, MAX_SENT_FRAME_BYTES, first.length - this.#offset)
    const isWhole = count === first.length
    const chunk = isWhole ? first : cutPart(first, this.#offset, this.#offset + count)
    this.#offset += count
    if (this.#offset === first.length) {
      this.#offset = 0
      queue.shift()
      if (queue.length === 0) this.#dequeue()
      if (!isWhole) giveBack(first)
    }
    this.#write(chunk)
    if (this.#queue === null) {
      if (this.#isEnding) this.#finish()
      else this.#body?.resume()
    }
  }

  /** The connection takes no more for now: the source goes on when its turn comes. */
  #waitForTurn(): false {
    this.#enqueue(NOTHING)
    return false
  }

  #enqueue(chunk: Buffer): void {
    if (this.#queue === null) {
      this.#queue = [chunk]
      this.#session.waits(true)
    } else this.#queue.push(chunk)
    if (this.canSend) this.#session.scheduler.wait(this)
  }

  #dequeue(): void {
    if (this.#queue === null) return
    this.#queue = null
    this.#session.waits(false)
  }

  #write(chunk: Buffer): void {
    this.window -= chunk.length
    this.#session.scheduler.window -= chunk.length
    this.octets += chunk.length
    if (chunk.length === 0) return
    this.#session.frames.data(this.#streamId, chunk, false)
    this.#session.dataSent()
  }

  #writeHead(isEnd: boolean): void {
    this.#isHeadPending = false
    this.#owner.writeHead(isEnd)
  }

  #finish(): void {
    this.#isEnding = false
    const { frames } = this.#session
    if (this.#isHeadPending) this.#writeHead(this.#trailers === null)
    else if (this.#trailers === null) frames.end(this.#streamId)
    if (this.#trailers !== null) frames.headers(this.#streamId, [], this.#trailers, KEEP_LENGTH, true)
    this.#owner.sent()
  }

  #break(reason: string): void {
    const error = new StreamError('INTERNAL', CODE.INTERNAL_ERROR, 'us', reason)
    this.stop(error)
    this.#owner.sendFailed(error)
  }
}

const NOTHING = Buffer.alloc(0)
