import { MeshError } from '../errors.ts'
import type { Body, BodySink } from '../http/body.ts'
import type { Fields } from '../http/fields.ts'
import type { RawSocket } from '../net/socket.ts'
import { type OutgoingFraming, writeChunkEnd, writeChunkSize, writeLastChunk } from './writer.ts'

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
