import { MeshError } from '../errors.ts'
import type { FieldLine } from '../hpack/line.ts'
import { lineOf } from '../hpack/lines.ts'
import { type Body, EMPTY_BODY } from '../http/body.ts'
import type { Outgoing, Response } from '../http/message.ts'
import { CODE } from './codes.ts'
import type { ReceivedResponseHead, readResponseHead, readTrailers } from './field-rules.ts'
import { KEEP_LENGTH } from './frame-writer.ts'
import { Stream, type StreamSession } from './stream.ts'
import { resetCodeOf, StreamError } from './stream-error.ts'
import { EVENT } from './stream-state.ts'

/** The upstream connection that a request goes out by. */
export interface ClientStreamSession extends StreamSession {
  /** Address of the peer, for messages. */
  readonly name: string
  readonly maxInformational: number
  /** The lines of the block in hand. */
  readResponse(): ReturnType<typeof readResponseHead>
  readTrailers(): ReturnType<typeof readTrailers>
}

/** What is told of a request. */
export interface Settled {
  resolve(response: Response): void
  reject(error: MeshError): void
}

/** One request to an upstream, and its response. */
export class ClientStream extends Stream {
  declare protected readonly session: ClientStreamSession
  readonly #request: Outgoing
  readonly #settled: Settled
  /** The connection had carried a request before this one. */
  readonly #wasReused: boolean
  readonly #isTunnel: boolean
  #isAnswered = false
  #informationalCount = 0
  readonly #onCancelled = (reason: MeshError): void => this.#abandon(reason)

  constructor(session: ClientStreamSession, id: number, request: Outgoing, settled: Settled, wasReused: boolean) {
    super(session, id)
    this.#request = request
    this.#settled = settled
    this.#wasReused = wasReused
    this.#isTunnel = request.head.method === 'CONNECT' || request.head.upgrade !== null
  }

  /** Sends the request. The octets of a tunnel follow when it is open. */
  start(): void {
    if (this.#isTunnel) this.writeHead(false)
    else this.sender.start(this.#request.body)
    this.#request.cancelled.on(this.#onCancelled)
  }

  override writeHead(isEnd: boolean): void {
    const { head, body } = this.#request
    const length = this.#isTunnel ? KEEP_LENGTH : (body.length ?? KEEP_LENGTH)
    this.session.frames.headers(this.id, pseudoFields(this.#request), head.headers, length, isEnd)
  }

  override blockCame(isEnd: boolean): void {
    if (this.#isAnswered) this.#trailersCame(isEnd)
    else this.#headCame(isEnd)
  }

  override resetCame(code: number): void {
    const { name } = this.session
    const isRefused = code === CODE.REFUSED_STREAM && !this.#isAnswered
    this.broken(new StreamError(isRefused ? 'UPSTREAM_REFUSED_STREAM' : 'UPSTREAM_RESET', code, 'peer', `${name} has reset the stream`))
  }

  override broken(error: MeshError): void {
    const isStale = error.code === 'UPSTREAM_RESET' && !(error instanceof StreamError) && this.#wasReused && !this.#isAnswered
    this.#fail(isStale ? new MeshError('UPSTREAM_CLOSED', error.message) : error)
  }

  override sendFailed(error: MeshError): void {
    this.session.resetStream(this, resetCodeOf(error))
    this.#fail(error)
  }

  override bodyCancelled(reason: MeshError): void {
    this.#abandon(reason)
  }

  #headCame(isEnd: boolean): void {
    const { value: head, fault } = this.session.readResponse()
    if (fault !== null) this.#refuse(fault.reason)
    else if (head.status >= 200) this.#finalCame(head, isEnd)
    else if (isEnd) this.#refuse('an informational response at the end')
    else if (++this.#informationalCount > this.session.maxInformational) this.#refuse('too many informational responses')
    else this.#request.informational(head)
  }

  #finalCame(head: ReceivedResponseHead, isEnd: boolean): void {
    const { status } = head
    const opensTunnel = this.#isTunnel && status < 300
    const isBodiless = this.#request.head.method === 'HEAD' || status === 204 || status === 304
    const length = opensTunnel ? -1 : isBodiless ? 0 : head.contentLength
    if (isEnd && length > 0) {
      this.#refuse('DATA shorter than its content-length')
      return
    }
    this.#isAnswered = true
    const body: Body = isEnd ? EMPTY_BODY : this.expectBody(length)
    if (isEnd) this.endCame(null)
    // What was asked for as an upgrade is answered as one.
    const isUpgraded = opensTunnel && this.#request.head.upgrade !== null
    this.#settled.resolve({ head: { status: isUpgraded ? 101 : status, headers: head.headers }, body })
    if (opensTunnel) this.sender.start(this.#request.body, false)
    else if (this.#isTunnel) this.#endUnopened()
  }

  #refuse(reason: string): void {
    this.session.streamFault(this.id, CODE.PROTOCOL_ERROR, reason)
  }

  #trailersCame(isEnd: boolean): void {
    const trailers = this.session.readTrailers()
    if (!isEnd) this.#refuse('trailers that do not end their stream')
    else if (trailers.fault !== null) this.#refuse(trailers.fault.reason)
    else this.endCame(trailers.value)
  }

  /** A tunnel that was refused: the request has no octets. */
  #endUnopened(): void {
    this.#request.body.cancel(new MeshError('UPSTREAM_RESET', 'the tunnel was refused'))
    this.session.frames.end(this.id)
    this.move(EVENT.END_SENT)
  }

  override endCame(trailers: Parameters<Stream['endCame']>[0]): void {
    super.endCame(trailers)
    this.#request.cancelled.off(this.#onCancelled)
    // The rest of a request whose response is whole is of no use to anybody; one side of a tunnel may go on.
    if (this.#isTunnel || !this.sender.isBusy) return
    const reason = new StreamError('UPSTREAM_RESET', CODE.NO_ERROR, 'us', 'the response was whole before the request')
    this.sender.stop(reason)
    this.session.resetStream(this, CODE.CANCEL)
  }

  #abandon(reason: MeshError): void {
    this.session.resetStream(this, reason instanceof StreamError ? reason.http2Code : CODE.CANCEL)
    this.#fail(reason)
  }

  #fail(error: MeshError): void {
    this.#request.cancelled.off(this.#onCancelled)
    this.sender.stop(error)
    if (this.#isAnswered) this.incoming?.fail(error)
    else {
      this.#isAnswered = true
      this.#settled.reject(error)
    }
  }
}

/** An upgrade is an extended CONNECT (RFC 8441 section 4). */
function pseudoFields({ head }: Outgoing): FieldLine[] {
  const isUpgrade = head.upgrade !== null
  const lines = [lineOf(':method', isUpgrade ? 'CONNECT' : head.method)]
  if (head.upgrade !== null) lines.push(lineOf(':protocol', head.upgrade))
  if (head.path !== null) lines.push(lineOf(':scheme', head.scheme), lineOf(':path', head.path))
  lines.push(lineOf(':authority', head.authority))
  if (head.trailersAccepted) lines.push(lineOf('te', 'trailers'))
  return lines
}
