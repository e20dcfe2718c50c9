import { MeshError } from '../errors.ts'
import type { Body, BodySink } from '../http/body.ts'
import type { Fields } from '../http/fields.ts'
import type { Outgoing } from '../http/message.ts'
import type { RawSocket } from '../net/socket.ts'
import { type OutgoingFraming, writeChunkEnd, writeChunkSize, writeLastChunk } from './writer.ts'

/** Methods whose requests say that they have no body (RFC 9110 section 8.6). */
const NEEDS_LENGTH = new Set(['POST', 'PUT', 'PATCH'])

/** How a request is delimited. `until-close`: nothing is said of a body, since there is none before the answer. */
export function sendFraming({ head, body }: Outgoing): OutgoingFraming {
  // The body is the tunnel's octets, and starts with the answer.
  if (head.upgrade !== null || head.method === 'CONNECT') return 'until-close'
  if (body.length === null) return 'chunked'
  if (body.length > 0) return 'length'
  return NEEDS_LENGTH.has(head.method) || head.headers.has('content-length') ? 'empty' : 'until-close'
}

/** The connection that a request's body goes out on. */
export interface SenderOwner {
  /** The tunnel's octets have ended. */
  tunnelSent(): void
  /** The body broke; the connection can't be used again. */
  sendFailed(error: MeshError): void
}

/** Sends the bodies of a connection's requests, one after the other. One object for the connection's life. */
export class Sender implements BodySink {
  /** The body has not ended yet. */
  isSending = false
  readonly #socket: RawSocket
  readonly #owner: SenderOwner
  #body: Body | null = null
  #framing: OutgoingFraming = 'none'
  /** Octets that Content-Length promised and that have not come yet. */
  #left = 0

  constructor(socket: RawSocket, owner: SenderOwner) {
    this.#socket = socket
    this.#owner = owner
  }

  /** @param framing `until-close` for a tunnel. */
  start(body: Body, framing: OutgoingFraming): void {
    this.isSending = true
    this.#body = body
    this.#framing = framing
    this.#left = body.length ?? 0
    body.pipe(this)
  }

  /** Takes no more of the body. */
  stop(reason: MeshError): void {
    if (!this.isSending) return
    this.isSending = false
    this.#body?.cancel(reason)
    this.#body = null
  }

  drained(): void {
    if (this.isSending) this.#body?.resume()
  }

  data(chunk: Buffer): boolean {
    if (!this.isSending) return false
    if (this.#framing === 'length') {
      this.#left -= chunk.length
      if (this.#left < 0) {
        const error = new MeshError('DOWNSTREAM_PROTOCOL', 'a request body is longer than its Content-Length')
        this.stop(error)
        this.#owner.sendFailed(error)
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
    if (!this.isSending) return
    this.isSending = false
    this.#body = null
    if (this.#framing === 'until-close') {
      this.#owner.tunnelSent()
      return
    }
    if (this.#framing === 'length' && this.#left !== 0) {
      this.#owner.sendFailed(new MeshError('DOWNSTREAM_PROTOCOL', 'a request body is shorter than its Content-Length'))
      return
    }
    if (this.#framing === 'chunked') writeLastChunk(this.#socket, trailers)
    this.#socket.flush()
  }

  fail(error: MeshError): void {
    if (!this.isSending) return
    this.isSending = false
    this.#body = null
    this.#owner.sendFailed(error)
  }
}
