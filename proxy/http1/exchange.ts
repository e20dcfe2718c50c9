import { MeshError } from '../errors.ts'
import type { Body, BodySink } from '../http/body.ts'
import type { Fields } from '../http/fields.ts'
import type { RequestHead, ResponseHead } from '../http/head.ts'
import type { Destination, Incoming, Peer, Response } from '../http/message.ts'
import type { RawSocket } from '../net/socket.ts'
import { Cancellation } from '../util/cancellation.ts'
import { writeAnswer } from './answer.ts'
import { WireBody } from './wire-body.ts'
import {
  type AfterResponse,
  CLOSE,
  KEEP,
  KEEP_ALIVE,
  type OutgoingFraming,
  writeChunkEnd,
  writeChunkSize,
  writeLastChunk,
  writeResponseHead,
} from './writer.ts'

/** The connection that an exchange came by. */
export interface ExchangeOwner {
  readonly peer: Peer
  readonly destination: Destination
  readonly socket: RawSocket
  /** Whether the connection can carry another request after this one. Asked when the response's head is written. */
  canStayOpen(): boolean
  /** 101, or 2xx to CONNECT, was written: what follows on the connection is the tunnel. */
  tunnelOpened(): void
  /** The tunnel's other side has half-closed. */
  tunnelEnded(): void
  /** The response is whole; `mustClose` when its end has to be shown by the connection's. */
  responded(exchange: ServerExchange, mustClose: boolean): void
  /** The response broke after its head had gone out. */
  broken(exchange: ServerExchange, error: MeshError, isEndAmbiguous: boolean): void
  /** See Incoming.terminate. */
  terminated(exchange: ServerExchange): void
}

const NOT_WANTED = new MeshError('INTERNAL', 'a body that this response cannot have')

/** One request of a connection, and the sink of its response's body. */
export class ServerExchange implements Incoming, BodySink {
  readonly peer: Peer
  readonly destination: Destination
  readonly head: RequestHead
  readonly body: Body
  readonly startedAt: number
  readonly isOpaque: boolean
  bytesOut = 0
  readonly cancelled = new Cancellation()
  finished: ((error: MeshError | null) => void) | null = null
  readonly #owner: ExchangeOwner
  readonly #socket: RawSocket
  #response: Response | null = null
  #framing: OutgoingFraming = 'none'
  /** Octets that Content-Length promised and that have not come yet. */
  #left = 0
  #isTunnel = false
  #mustClose = false
  /** Nothing is written for it any more. */
  #isEnded = false
  /** The client asked to keep the connection (`Connection: keep-alive`), which HTTP/1.0 must be told. */
  readonly #asksKeepAlive: boolean

  constructor(owner: ExchangeOwner, head: RequestHead, body: Body, startedAt: number, isOpaque: boolean, asksKeepAlive: boolean) {
    this.#owner = owner
    this.#socket = owner.socket
    this.peer = owner.peer
    this.destination = owner.destination
    this.head = head
    this.body = body
    this.startedAt = startedAt
    this.isOpaque = isOpaque
    this.#asksKeepAlive = asksKeepAlive
  }

  get bytesIn(): number {
    return this.body instanceof WireBody ? this.body.received : 0
  }

  get isAnswered(): boolean {
    return this.#response !== null
  }

  informational(head: ResponseHead): void {
    if (this.#isEnded || this.isAnswered || this.isOpaque || this.head.protocol === 'HTTP/1.0') return
    // 101 is final, and other numbers are no informational response.
    if (head.status < 100 || head.status > 199 || head.status === 101) return
    writeResponseHead(this.#socket, head, 'until-close', 0, KEEP)
    this.#socket.flush()
  }

  respond(response: Response): void {
    if (this.#isEnded || this.isAnswered) {
      response.body.cancel(this.cancelled.reason ?? NOT_WANTED)
      return
    }
    this.#response = response
    const { status } = response.head
    if (this.head.method === 'CONNECT' ? status >= 200 && status < 300 : status === 101) this.#openTunnel(response)
    else if (this.isOpaque) this.#refuseTunnel(response)
    else this.#answer(response)
  }

  terminate(): void {
    if (this.#isEnded || this.isAnswered || this.head.method !== 'CONNECT' || this.isOpaque) return
    this.#isEnded = true
    this.#owner.terminated(this)
  }

  data(chunk: Buffer): boolean {
    if (this.#isEnded) return false
    this.bytesOut += chunk.length
    if (this.#framing === 'length') {
      this.#left -= chunk.length
      if (this.#left < 0) {
        this.#break(new MeshError('UPSTREAM_PROTOCOL', 'a response body is longer than its Content-Length'), true)
        return false
      }
    }
    if (this.#framing !== 'chunked') return this.#socket.write(chunk)
    if (chunk.length === 0) return true
    writeChunkSize(this.#socket, chunk.length)
    this.#socket.write(chunk)
    writeChunkEnd(this.#socket)
    this.#socket.schedule()
    return !this.#socket.isFull
  }

  end(trailers: Fields | null): void {
    if (this.#isEnded) return
    if (this.#isTunnel) {
      this.#owner.tunnelEnded()
      return
    }
    if (this.#framing === 'chunked') writeLastChunk(this.#socket, trailers)
    else if (this.#framing === 'length' && this.#left !== 0) {
      this.#break(new MeshError('UPSTREAM_RESET', 'a response body is shorter than its Content-Length'), false)
      return
    }
    this.#done()
  }

  fail(error: MeshError): void {
    if (!this.#isEnded) this.#break(error, false)
  }

  /** The socket has taken what was written. */
  drained(): void {
    if (!this.#isEnded) this.#response?.body.resume()
  }

  /** The downstream has left, or its tunnel is closed on both sides. Null: nothing went wrong. */
  close(error: MeshError | null): void {
    if (this.#isEnded) return
    this.#isEnded = true
    const response = this.#response
    if (error !== null) {
      this.cancelled.cancel(error)
      response?.body.cancel(error)
    }
    this.finish(error)
  }

  /** Tells, once, that the exchange has ended. */
  finish(error: MeshError | null): void {
    const finished = this.finished
    this.finished = null
    if (finished !== null) finished(error)
  }

  #answer(response: Response): void {
    const { head, body } = response
    if (head.status < 200 || head.status > 999) {
      // 101 without having been asked for an upgrade that HTTP/1 could carry: cannot be passed on in any form.
      body.cancel(NOT_WANTED)
      writeAnswer(this.#socket, new MeshError('UPSTREAM_PROTOCOL', `status ${head.status} as a final response`))
      this.#mustClose = true
      this.#done()
      return
    }
    const hasBody = this.head.method !== 'HEAD' && head.status !== 204 && head.status !== 304
    if (!hasBody) this.#framing = head.status === 204 ? 'until-close' : 'none'
    else if (body.length !== null) {
      this.#framing = 'length'
      this.#left = body.length
    } else this.#framing = this.head.protocol === 'HTTP/1.0' ? 'until-close' : 'chunked'
    this.#mustClose = (hasBody && this.#framing === 'until-close') || !this.#owner.canStayOpen()
    writeResponseHead(this.#socket, head, this.#framing, this.#left, this.#after())
    if (hasBody && body.length !== 0) {
      this.#pipe(body)
      return
    }
    if (body.length !== 0) body.cancel(NOT_WANTED)
    this.#done()
  }

  /** Head and body leave in one write where the body is there already; else the head leaves with this turn. */
  #pipe(body: Body): void {
    this.#socket.isComposing = true
    body.pipe(this)
    this.#socket.isComposing = false
    if (!this.#isEnded) this.#socket.schedule()
  }

  #after(): AfterResponse {
    if (this.#mustClose) return CLOSE
    return this.#asksKeepAlive && this.head.protocol === 'HTTP/1.0' ? KEEP_ALIVE : KEEP
  }

  #openTunnel(response: Response): void {
    if (response.head.status === 101 && this.head.upgrade === null) {
      this.#answer(response)
      return
    }
    this.#isTunnel = true
    this.#framing = 'until-close'
    if (!this.isOpaque) {
      const after: AfterResponse = this.head.upgrade !== null ? { kind: 'upgrade', protocol: this.head.upgrade } : KEEP
      writeResponseHead(this.#socket, response.head, 'until-close', 0, after)
      this.#socket.flush()
    }
    this.#owner.tunnelOpened()
    response.body.pipe(this)
  }

  /** The 200 has gone out with the CONNECT; all that is left to say is the end. */
  #refuseTunnel(response: Response): void {
    const reason = new MeshError('UPSTREAM_RESET', `a tunnel was answered ${response.head.status}`)
    response.body.cancel(reason)
    this.#break(reason, false)
  }

  #done(): void {
    this.#isEnded = true
    this.#socket.flush()
    this.finish(null)
    this.#owner.responded(this, this.#mustClose)
  }

  #break(error: MeshError, cancelsBody: boolean): void {
    this.#isEnded = true
    if (cancelsBody) this.#response?.body.cancel(error)
    this.#owner.broken(this, error, this.#framing === 'until-close' && !this.#isTunnel)
    this.finish(error)
  }
}
