import type { MeshError } from '../errors.ts'
import type { Body } from '../http/body.ts'
import type { Fields } from '../http/fields.ts'
import { CODE } from './codes.ts'
import { Sender, type SenderOwner, type SendingSession } from './sender.ts'
import { StreamBody, type StreamBodySource } from './stream-body.ts'
import { canReceive, EVENT, nextState, STATE, type StreamEvent, type StreamState } from './stream-state.ts'
import { ReceiveWindow } from './window.ts'

/** The connection that a stream belongs to. */
export interface StreamSession extends SendingSession {
  /** Octets that the peer may send on a stream ahead of who takes them. */
  readonly streamWindowBytes: number
  /** Octets that the peer lets each stream send at its start. */
  readonly sendWindowBytes: number
  /** Both sides have ended the stream. */
  streamEnded(stream: Stream): void
  /** Resets the stream, for a reason of ours. */
  resetStream(stream: Stream, code: number): void
  /** Resets the stream for a fault of the peer's, of which it may not make too many. */
  streamFault(streamId: number, code: number, reason: string): void
}

/** One stream: its state, what arrives on it and what goes out. A role adds what heads mean. */
export abstract class Stream implements StreamBodySource, SenderOwner {
  readonly id: number
  protected readonly session: StreamSession
  readonly sender: Sender
  state: StreamState = STATE.OPEN
  protected incoming: StreamBody | null = null
  #window: ReceiveWindow | null = null
  /** Octets that content-length promises and that have not come yet; -1: it is not known. */
  #promised = -1

  constructor(session: StreamSession, id: number) {
    this.session = session
    this.id = id
    this.sender = new Sender(session, id, session.sendWindowBytes, this)
  }

  /** A header block came on a stream that has had one. */
  abstract blockCame(isEnd: boolean): void
  /** The peer has reset the stream. @param code as received. */
  abstract resetCame(code: number): void
  /** There will be nothing more on this stream: the connection has ended, or a fault of the peer's has ended it. */
  abstract broken(error: MeshError): void
  abstract writeHead(isEnd: boolean): void

  get isReceiving(): boolean {
    return canReceive(this.state)
  }

  /** @param length as content-length says; -1: nothing is said. */
  protected expectBody(length: number): Body {
    this.#promised = length
    this.#window = new ReceiveWindow(this.session.streamWindowBytes)
    // A length of 0 that does not end the stream is followed by trailers, which somebody has to wait for.
    this.incoming = new StreamBody(length === 0 ? -1 : length, this)
    return this.incoming
  }

  /** Whether DATA may come: there was a head, and its message can have a body. */
  get takesData(): boolean {
    return this.#window !== null
  }

  /** Counts a DATA frame, padding included. False: the peer has sent more than it may. */
  receive(octets: number): boolean {
    return this.#window?.receive(octets) ?? false
  }

  /** Takes a chunk of the body over. */
  dataCame(chunk: Buffer): void {
    if (this.#promised !== -1) {
      this.#promised -= chunk.length
      if (this.#promised < 0) {
        this.session.streamFault(this.id, CODE.PROTOCOL_ERROR, 'DATA longer than its content-length')
        return
      }
    }
    this.incoming?.push(chunk)
  }

  /** END_STREAM came. */
  endCame(trailers: Fields | null): void {
    if (this.#promised > 0) {
      this.session.streamFault(this.id, CODE.PROTOCOL_ERROR, 'DATA shorter than its content-length')
      return
    }
    this.move(EVENT.END_RECEIVED)
    this.incoming?.finish(trailers)
  }

  bodyTook(octets: number): void {
    if (!canReceive(this.state) || this.#window === null) return
    const credit = this.#window.take(octets)
    if (credit > 0) this.session.frames.windowUpdate(this.id, credit)
  }

  abstract bodyCancelled(reason: MeshError): void

  sent(): void {
    this.move(EVENT.END_SENT)
  }

  abstract sendFailed(error: MeshError): void

  protected move(event: StreamEvent): void {
    const before = this.state
    this.state = nextState(before, event)
    if (this.state === STATE.CLOSED && before !== STATE.CLOSED) this.session.streamEnded(this)
  }
}
