import { MeshError } from '../errors.ts'
import { BufferBody, EMPTY_BODY } from '../http/body.ts'
import type { ConnectionEvents, Outgoing, Response } from '../http/message.ts'
import type { RawSocket, SocketEvents } from '../net/socket.ts'
import type { ClientOptions, Http1Connection } from './client-options.ts'
import { HeadReader } from './head-reader.ts'
import { DEFAULT_LIMITS, type Limits } from './limits.ts'
import { describeEnd, lostError, protocolError } from './lost.ts'
import { type HeadParser, INCOMPLETE, REFUSED } from './parser.ts'
import { keepAliveHintMs, type ReadResponse, readResponse } from './response-head.ts'
import { Sender, type SenderOwner, sendFraming } from './sender.ts'
import { type BodySource, ownCopy, PRIVATE_READ_BYTES, RESPONSE_CODES, WireBody } from './wire-body.ts'
import { writeRequestHead } from './writer.ts'

/**
 * What a connection waits for. The request's side is the sender's.
 *
 *     IDLE --send--> HEAD --1xx--> HEAD --final head--> BODY --last octet--> IDLE, or CLOSED when it can't be used again
 *     HEAD --whole response in one read--> IDLE;  HEAD --101, 2xx to CONNECT--> TUNNEL --both ends--> CLOSED
 */
type State = 'IDLE' | 'HEAD' | 'BODY' | 'TUNNEL' | 'CLOSED'

/** Speaks HTTP/1.1 over a connection that `dial` has made. */
export function connectHttp1(socket: RawSocket, options: ClientOptions): Http1Connection {
  return new ClientConnection(socket, options)
}

class ClientConnection implements Http1Connection, SocketEvents, BodySource, SenderOwner {
  readonly protocol = 'HTTP/1.1'
  isReused = false
  idleSince: number
  keepAliveHintMs: number | null = null
  events: ConnectionEvents
  readonly #socket: RawSocket
  readonly #options: ClientOptions
  readonly #limits: Limits
  readonly #sender: Sender
  #state: State = 'IDLE'
  #isDraining = false
  #request: Outgoing | null = null
  #resolve: ((response: Response) => void) | null = null
  #reject: ((error: MeshError) => void) | null = null
  #body: WireBody | null = null
  #isBodyUntilClose = false
  #canReuse = false
  readonly #heads: HeadReader
  #informationalCount = 0
  /** Octets in and out when the request in hand began. */
  #inBefore = 0
  #outBefore = 0
  #closeReason: MeshError | null = null
  readonly #onCancelled = (reason: MeshError): void => this.#fail(reason)

  constructor(socket: RawSocket, options: ClientOptions) {
    this.#socket = socket
    this.#options = options
    this.#limits = options.limits ?? DEFAULT_LIMITS
    this.#heads = new HeadReader('response', this.#limits)
    this.#sender = new Sender(socket, this)
    this.events = options.events
    this.idleSince = options.timers.clock.now()
    socket.start(this)
  }

  get active(): number {
    return this.#request === null ? 0 : 1
  }

  get capacity(): number {
    return this.#state === 'CLOSED' || this.#isDraining ? 0 : 1
  }

  get octetsWritten(): number {
    return this.#socket.octetsOut - this.#outBefore
  }

  send(request: Outgoing): Promise<Response> {
    return new Promise((resolve, reject) => {
      this.#outBefore = this.#socket.octetsOut
      if (this.#state !== 'IDLE' || this.#socket.isClosed) {
        reject(this.#closeReason ?? new MeshError('UPSTREAM_CLOSED', `${this.#options.name} takes no request now`))
        return
      }
      this.#resolve = resolve
      this.#reject = reject
      this.#begin(request)
    })
  }

  drain(): void {
    this.#isDraining = true
    if (this.#state === 'IDLE') this.#fail(new MeshError('UPSTREAM_CLOSED', `the idle connection to ${this.#options.name} was drained`))
  }

  destroy(error: MeshError): void {
    this.#fail(error)
  }

  data(octets: Buffer, end: number, isOwned: boolean): void {
    const { stash } = this.#heads
    if (this.#state === 'BODY' || this.#state === 'TUNNEL') this.#readBody(octets, 0, end, isOwned)
    else if (this.#state === 'IDLE') this.#fail(protocolError(this.#options.name, 'octets that nobody asked for'))
    else if (this.#state === 'HEAD' && stash.length === 0) this.#readHead(octets, 0, end)
    else if (this.#state === 'HEAD') {
      const joined = stash.join(octets, 0, end)
      this.#readHead(joined.octets, joined.start, joined.end)
    }
  }

  ended(): void {
    const body = this.#body
    if (this.#state === 'TUNNEL') {
      body?.finish(null)
      this.#endTunnel()
    } else if (this.#state === 'BODY' && this.#isBodyUntilClose) {
      this.#complete()
      body?.finish(null)
    } else this.#fail(this.#lost('closed the connection'))
  }

  drained(): void {
    this.#sender.drained()
  }

  closed(error: Error | null): void {
    this.#fail(this.#lost(describeEnd(error)))
  }

  bodyReady(): void {
    if (this.#state === 'BODY' || this.#state === 'TUNNEL') this.#socket.resume()
  }

  bodyCancelled(reason: MeshError): void {
    this.#fail(reason)
  }

  tunnelSent(): void {
    this.#socket.finish()
    this.#endTunnel()
  }

  sendFailed(error: MeshError): void {
    this.#fail(error)
  }

  #begin(request: Outgoing): void {
    const { head, body, cancelled } = request
    this.#request = request
    this.#state = 'HEAD'
    this.#inBefore = this.#socket.octetsIn
    this.#informationalCount = 0
    cancelled.on(this.#onCancelled)
    if (cancelled.reason !== null) return
    const framing = sendFraming(request)
    writeRequestHead(this.#socket, head, framing, body.length ?? 0)
    if (framing === 'length' || framing === 'chunked') {
      this.#socket.isComposing = true
      this.#sender.start(body, framing)
      this.#socket.isComposing = false
      if (this.#sender.isSending) this.#socket.schedule()
    } else this.#socket.flush()
  }

  #readHead(octets: Buffer, start: number, end: number): void {
    let p = start
    while (p < end && this.#state === 'HEAD') {
      const length = this.#heads.read(octets, p, end)
      if (length === INCOMPLETE) return
      const { parser } = this.#heads
      if (length === REFUSED) {
        this.#fail(protocolError(this.#options.name, parser.fault?.reason ?? ''))
        return
      }
      if (parser.status < 200 && parser.status !== 101) this.#inform(parser, octets, p)
      else this.#respond(parser, octets, p, p + length, end)
      p += length
    }
  }

  #inform(parser: HeadParser, octets: Buffer, start: number): void {
    if (++this.#informationalCount > this.#limits.maxInformational) {
      this.#fail(protocolError(this.#options.name, `more than ${this.#limits.maxInformational} informational responses`))
      return
    }
    const { head } = readResponse(parser, octets, start, 'GET')
    this.#request?.informational(head)
  }

  #respond(parser: HeadParser, octets: Buffer, start: number, bodyStart: number, end: number): void {
    const request = this.#request as Outgoing
    if (parser.status === 101 && request.head.upgrade === null) {
      this.#fail(protocolError(this.#options.name, '101 that nobody asked for'))
      return
    }
    this.#canReuse = !parser.isClose && (parser.minor === 1 || parser.isKeepAlive)
    this.keepAliveHintMs = keepAliveHintMs(parser, octets, start) ?? this.keepAliveHintMs
    const response = readResponse(parser, octets, start, request.head.method)
    const { framing } = response
    if (framing.kind === 'refused') {
      this.#fail(protocolError(this.#options.name, framing.reason))
      return
    }
    const resolve = this.#resolve as (response: Response) => void
    this.#resolve = this.#reject = null
    const length = framing.kind === 'none' ? 0 : framing.kind === 'length' ? framing.octets : Number.POSITIVE_INFINITY
    if (length <= end - bodyStart) {
      const body = length === 0 ? EMPTY_BODY : new BufferBody(ownCopy(octets, bodyStart, bodyStart + length))
      if (bodyStart + length < end) this.#canReuse = false
      this.#complete()
      resolve({ head: response.head, body })
    } else resolve({ head: response.head, body: this.#beginBody(response, octets, bodyStart, end) })
  }

  #beginBody({ framing }: ReadResponse, octets: Buffer, start: number, end: number): WireBody {
    const body = new WireBody(framing, this.#limits, null, this, RESPONSE_CODES)
    this.#body = body
    this.#isBodyUntilClose = framing.kind === 'until-close'
    if (this.#isBodyUntilClose) this.#canReuse = false
    this.#state = framing.kind === 'tunnel' ? 'TUNNEL' : 'BODY'
    if (this.#state === 'TUNNEL') this.#sender.start((this.#request as Outgoing).body, 'until-close')
    if (start < end) this.#readBody(octets, start, end, false)
    if (this.#body === body) {
      if (body.expected > PRIVATE_READ_BYTES) this.#socket.readPrivately(true)
      this.#socket.pause()
    }
    return body
  }

  #readBody(octets: Buffer, start: number, end: number, isOwned: boolean): void {
    const body = this.#body
    if (body === null) return
    const stop = body.read(octets, start, end, isOwned)
    if (this.#body !== body) return
    if (body.error !== null) this.#fail(body.error)
    else if (body.isComplete) {
      if (stop < end) this.#canReuse = false
      this.#complete()
    } else if (body.isBlocked) this.#socket.pause()
  }

  /** The response has arrived. Whoever still sends the request does it for nobody. */
  #complete(): void {
    const request = this.#request
    this.#request = null
    this.#body = null
    request?.cancelled.off(this.#onCancelled)
    if (this.#sender.isSending) {
      this.#canReuse = false
      this.#sender.stop(new MeshError('UPSTREAM_CLOSED', `${this.#options.name} answered before it had the whole request`))
    }
    this.isReused = true
    this.idleSince = this.#options.timers.clock.now()
    this.#state = 'IDLE'
    if (!this.#canReuse || this.#isDraining || this.#socket.hasEnded) {
      this.#close(new MeshError('UPSTREAM_CLOSED', `the connection to ${this.#options.name} ended with its response`))
      return
    }
    this.#socket.readPrivately(false)
    this.#socket.resume()
    this.events.available(this)
  }

  #endTunnel(): void {
    if (this.#sender.isSending || !this.#socket.hasEnded || this.#state === 'CLOSED') return
    this.#request?.cancelled.off(this.#onCancelled)
    this.#request = null
    this.#tell(new MeshError('UPSTREAM_CLOSED', `the tunnel to ${this.#options.name} ended`))
  }

  #fail(error: MeshError): void {
    if (this.#state === 'CLOSED') return
    const request = this.#request
    const reject = this.#reject
    const body = this.#body
    this.#request = this.#resolve = this.#reject = this.#body = null
    request?.cancelled.off(this.#onCancelled)
    if (error.code === 'UPSTREAM_PROTOCOL') this.#options.counters.add('upstream_protocol_error')
    this.#close(error)
    this.#sender.stop(error)
    if (reject !== null) reject(error)
    body?.fail(error)
  }

  #close(reason: MeshError): void {
    if (this.#state === 'CLOSED') return
    this.#socket.destroy()
    this.#tell(reason)
  }

  #tell(reason: MeshError): void {
    this.#state = 'CLOSED'
    this.#closeReason = reason
    this.events.closed(this, reason)
  }

  #lost(what: string): MeshError {
    const isSilent = this.#socket.octetsIn === this.#inBefore
    return lostError(this.#options.name, what, this.#state === 'IDLE', this.isReused && isSilent, isSilent)
  }
}
