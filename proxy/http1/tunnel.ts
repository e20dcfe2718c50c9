import { MeshError } from '../errors.ts'
import type { Body, BodySink } from '../http/body.ts'
import { FieldList } from '../http/fields.ts'
import type { Outgoing, Response } from '../http/message.ts'
import type { RawSocket, SocketEvents } from '../net/socket.ts'

/**
 * Carries octets that are no HTTP over a connection that `dial` has made: those of `request.body` out, what comes back as the body of a 200.
 * Each side's `end` is a half-close; the connection ends when both have ended, or either breaks.
 */
export function openTunnel(socket: RawSocket, request: Outgoing): Response {
  const tunnel = new Tunnel(socket, request)
  return { head: { status: 200, headers: new FieldList() }, body: tunnel }
}

class Tunnel implements Body, BodySink {
  readonly length = null
  readonly #socket: RawSocket
  readonly #request: Outgoing
  readonly #cancelled = (reason: MeshError) => this.cancel(reason)
  /** What the socket tells. An object of its own: `data` and `end` mean other things there. */
  readonly #events: SocketEvents = {
    data: (octets, end, isOwned) => this.#received(isOwned ? octets.subarray(0, end) : Buffer.from(octets.subarray(0, end))),
    ended: () => this.#receivedAll(),
    drained: () => {
      if (!this.#isOver && !this.#hasSent) this.#request.body.resume()
    },
    closed: error => this.#closed(error),
  }
  #sink: BodySink | null = null
  /** The other side's octets have all come. */
  #hasReceived = false
  /** Ours have all gone. */
  #hasSent = false
  #isOver = false

  constructor(socket: RawSocket, request: Outgoing) {
    this.#socket = socket
    this.#request = request
    request.cancelled.on(this.#cancelled)
  }

  // What comes back: a body, whose source is the socket.

  pipe(sink: BodySink): void {
    if (this.#isOver) return
    this.#sink = sink
    // A chunk outlives the turn in which it was read.
    this.#socket.readPrivately(true)
    this.#socket.start(this.#events)
    this.#request.body.pipe(this)
  }

  pause(): void {
    this.#socket.pause()
  }

  resume(): void {
    this.#socket.resume()
  }

  cancel(reason: MeshError): void {
    if (this.#isOver) return
    this.#sink = null
    this.#over()
    this.#request.body.cancel(reason)
    this.#socket.reset()
  }

  // What goes out: a sink of the downstream's octets.

  data(chunk: Buffer): boolean {
    const isTaken = this.#socket.write(chunk)
    if (!isTaken) this.#request.body.pause()
    return isTaken
  }

  end(): void {
    this.#hasSent = true
    this.#socket.finish()
    this.#endIfBoth()
  }

  fail(error: MeshError): void {
    this.cancel(error)
  }

  #received(chunk: Buffer): void {
    if (this.#sink !== null && !this.#sink.data(chunk)) this.#socket.pause()
  }

  #receivedAll(): void {
    this.#hasReceived = true
    const sink = this.#sink
    this.#sink = null
    sink?.end(null)
    this.#endIfBoth()
  }

  #closed(error: Error | null): void {
    if (this.#isOver) return
    const sink = this.#sink
    this.#sink = null
    this.#over()
    const failure = new MeshError('UPSTREAM_RESET', `the tunnel's upstream closed: ${error?.message ?? 'without a word'}`)
    if (!this.#hasSent) this.#request.body.cancel(failure)
    sink?.fail(failure)
  }

  #endIfBoth(): void {
    if (this.#hasSent && this.#hasReceived) this.#over()
  }

  #over(): void {
    this.#isOver = true
    this.#request.cancelled.off(this.#cancelled)
  }
}
