import { MeshError } from '../errors.ts'
import { FieldList } from '../http/fields.ts'
import type { Outgoing, Response } from '../http/message.ts'
import type { RawSocket, SocketEvents } from '../net/socket.ts'
import { DEFAULT_LIMITS } from './limits.ts'
import { Sender, type SenderOwner } from './sender.ts'
import { type BodyCodes, type BodySource, WireBody } from './wire-body.ts'

const CODES: BodyCodes = { malformed: 'UPSTREAM_RESET', tooLarge: 'UPSTREAM_RESET' }

/**
 * Joins a CONNECT's octets and a connection that `dial` has made, as they are. The response is a 200 without fields, whose body is what comes
 * from the connection; `end` of either body is a half-close. Cancelling the request, or the response's body, closes the connection.
 */
export function openTunnel(socket: RawSocket, request: Outgoing): Response {
  const tunnel = new Tunnel(socket, request)
  return { head: { status: 200, headers: new FieldList() }, body: tunnel.body }
}

class Tunnel implements SocketEvents, BodySource, SenderOwner {
  readonly body: WireBody
  readonly #socket: RawSocket
  readonly #request: Outgoing
  readonly #sender: Sender
  #isDone = false
  readonly #onCancelled = (reason: MeshError): void => this.sendFailed(reason)

  constructor(socket: RawSocket, request: Outgoing) {
    this.#socket = socket
    this.#request = request
    this.body = new WireBody({ kind: 'tunnel' }, DEFAULT_LIMITS, null, this, CODES)
    this.#sender = new Sender(socket, this)
    socket.readPrivately(true)
    socket.start(this)
    request.cancelled.on(this.#onCancelled)
    if (!this.#isDone) this.#sender.start(request.body, 'until-close')
  }

  data(octets: Buffer, end: number, isOwned: boolean): void {
    this.body.read(octets, 0, end, isOwned)
    if (this.body.isBlocked) this.#socket.pause()
  }

  ended(): void {
    this.body.finish(null)
    this.#settle()
  }

  drained(): void {
    this.#sender.drained()
  }

  closed(error: Error | null): void {
    const cause = error === null ? 'was closed' : `failed (${(error as NodeJS.ErrnoException).code ?? error.message})`
    this.sendFailed(new MeshError('UPSTREAM_RESET', `a tunnel's connection ${cause}`))
  }

  bodyReady(): void {
    this.#socket.resume()
  }

  bodyCancelled(reason: MeshError): void {
    this.sendFailed(reason)
  }

  tunnelSent(): void {
    this.#socket.finish()
    this.#settle()
  }

  /** Ends both directions. */
  sendFailed(error: MeshError): void {
    if (this.#isDone) return
    this.#isDone = true
    this.#request.cancelled.off(this.#onCancelled)
    this.#socket.destroy()
    this.#sender.stop(error)
    this.body.fail(error)
  }

  #settle(): void {
    if (this.#sender.isSending || !this.#socket.hasEnded) return
    this.#isDone = true
    this.#request.cancelled.off(this.#onCancelled)
  }
}
