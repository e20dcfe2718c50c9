import { MeshError } from '../errors.ts'
import { lineOf } from '../hpack/lines.ts'
import { type Body, EMPTY_BODY } from '../http/body.ts'
import type { Fields } from '../http/fields.ts'
import type { RequestHead, ResponseHead } from '../http/head.ts'
import type { Destination, Incoming, Peer, Response } from '../http/message.ts'
import { errorReply } from '../http/reply.ts'
import { Cancellation } from '../util/cancellation.ts'
import { CODE } from './codes.ts'
import type { ReceivedRequestHead, readTrailers } from './field-rules.ts'
import { KEEP_LENGTH } from './frame-writer.ts'
import { Stream, type StreamSession } from './stream.ts'
import { resetCodeOf, StreamError } from './stream-error.ts'
import { STATE } from './stream-state.ts'

/** The downstream connection that a request came by. */
export interface ServerStreamSession extends StreamSession {
  readonly peer: Peer
  readonly destination: Destination
  /** The lines of the block in hand. */
  readTrailers(): ReturnType<typeof readTrailers>
  tunnelOpened(): void
  /** Hands a CONNECT that was answered over once more, as a tunnel. */
  handOver(incoming: Incoming): void
}

const NOT_WANTED = new MeshError('INTERNAL', 'a body that this response cannot have')

/** One request of a connection, and its response. */
export class ServerStream extends Stream implements Incoming {
  declare protected readonly session: ServerStreamSession
  readonly head: RequestHead
  readonly body: Body
  readonly startedAt: number
  readonly cancelled = new Cancellation()
  isOpaque = false
  finished: ((error: MeshError | null) => void) | null = null
  #response: Response | null = null
  #isTunnel = false
  /** Nothing is written for it any more. */
  #isOver = false

  constructor(session: ServerStreamSession, id: number, head: ReceivedRequestHead, hasBody: boolean, startedAt: number) {
    super(session, id)
    this.head = head
    this.body = hasBody ? this.expectBody(head.contentLength) : EMPTY_BODY
    this.startedAt = startedAt
  }

  get peer(): Peer {
    return this.session.peer
  }

  get destination(): Destination {
    return this.session.destination
  }

  get bytesIn(): number {
    return this.incoming?.received ?? 0
  }

  get bytesOut(): number {
    return this.sender.octets
  }

  informational(head: ResponseHead): void {
    if (this.#isOver || this.#response !== null || this.isOpaque) return
    // 101 is final, and other numbers are no informational response.
    if (head.status < 100 || head.status > 199 || head.status === 101) return
    this.session.frames.headers(this.id, [statusLine(head.status)], head.headers, KEEP_LENGTH, false)
  }

  respond(response: Response): void {
    if (this.#isOver || this.#response !== null) {
      response.body.cancel(this.cancelled.reason ?? NOT_WANTED)
      return
    }
    this.#response = response
    const { status } = response.head
    if (this.#opensTunnel(status)) {
      this.#isTunnel = true
      this.session.tunnelOpened()
    } else if (this.isOpaque) {
      // The 200 has gone out with the CONNECT; all that is left to say is the end.
      const error = new StreamError('UPSTREAM_RESET', CODE.CONNECT_ERROR, 'us', `a tunnel was answered ${status}`)
      response.body.cancel(error)
      this.sendFailed(error)
      return
    } else if (status < 200) {
      response.body.cancel(NOT_WANTED)
      this.#response = errorReply(new MeshError('UPSTREAM_PROTOCOL', `status ${status} as a final response`), this.head.method, null)
    }
    this.#send(this.#response)
  }

  /** Over HTTP/2 what follows a CONNECT stays a tunnel, whatever it is. */
  terminate(): void {
    if (this.#isOver || this.#response !== null || this.head.method !== 'CONNECT' || this.isOpaque) return
    this.session.frames.headers(this.id, [statusLine(200)], null, KEEP_LENGTH, false)
    const { finished } = this
    this.finished = null
    this.isOpaque = true
    finished?.(null)
    this.session.handOver(this)
  }

  writeHead(isEnd: boolean): void {
    const { head, body } = this.#response as Response
    if (this.isOpaque) {
      if (isEnd) this.session.frames.end(this.id)
      return
    }
    const status = head.status === 101 ? 200 : head.status
    const isBodiless = this.head.method === 'HEAD' || status === 204 || status === 304
    this.session.frames.headers(this.id, [statusLine(status)], head.headers, isBodiless ? KEEP_LENGTH : (body.length ?? KEEP_LENGTH), isEnd)
  }

  override sent(): void {
    super.sent()
    if (this.isReceiving) {
      // One side of a tunnel has ended. Of all else what the client still sends is of no use to anybody (RFC 9113 section 8.1).
      if (this.#isTunnel) return
      this.session.resetStream(this, CODE.NO_ERROR)
    }
    this.#end(null)
  }

  override endCame(trailers: Fields | null): void {
    super.endCame(trailers)
    if (this.#isTunnel && this.state === STATE.CLOSED) this.#end(null)
  }

  /** The response broke: the client has not left, but gets no more. */
  override sendFailed(error: MeshError): void {
    this.session.resetStream(this, resetCodeOf(error))
    this.incoming?.fail(error)
    this.#end(error)
  }

  override blockCame(isEnd: boolean): void {
    const trailers = this.session.readTrailers()
    if (!isEnd) this.session.streamFault(this.id, CODE.PROTOCOL_ERROR, 'trailers that do not end their stream')
    else if (trailers.fault !== null) this.session.streamFault(this.id, CODE.PROTOCOL_ERROR, trailers.fault.reason)
    else this.endCame(trailers.value)
  }

  override resetCame(code: number): void {
    this.broken(new StreamError('DOWNSTREAM_CLOSED', code, 'peer', 'the downstream has reset its request'))
  }

  override broken(error: MeshError): void {
    if (this.#isOver) return
    this.sender.stop(error)
    this.incoming?.fail(error)
    this.cancelled.cancel(error)
    this.#end(error)
  }

  /** Delivery stops; the stream is reset behind the response, or with it. */
  override bodyCancelled(): void {}

  #opensTunnel(status: number): boolean {
    return this.head.method === 'CONNECT' ? status >= 200 && status < 300 : status === 101 && this.head.upgrade !== null
  }

  #send(response: Response): void {
    const { head, body } = response
    const hasBody = this.head.method !== 'HEAD' && head.status !== 204 && head.status !== 304
    if (hasBody) {
      this.sender.start(body)
      return
    }
    if (body.length !== 0) body.cancel(NOT_WANTED)
    this.writeHead(true)
    this.sent()
  }

  #end(error: MeshError | null): void {
    if (this.#isOver) return
    this.#isOver = true
    const { finished } = this
    this.finished = null
    finished?.(error)
  }
}

function statusLine(status: number) {
  return lineOf(':status', String(status))
}
