import { MeshError } from '../errors.ts'
import { EMPTY_BODY } from '../http/body.ts'
import type { RequestHead } from '../http/head.ts'
import type { RawSocket, SocketEvents } from '../net/socket.ts'
import { Downstream } from './downstream.ts'
import { type ExchangeOwner, ServerExchange } from './exchange.ts'
import type { Framing } from './framing.ts'
import { writeText } from './output.ts'
import { type Fault, type HeadParser, INCOMPLETE, REFUSED } from './parser.ts'
import { readRequest } from './request-head.ts'
import type { Http1Server, ServerHandlers, ServerOptions } from './server-options.ts'
import { sniffHttp1 } from './sniff.ts'
import { type BodySource, PRIVATE_READ_BYTES, REQUEST_CODES, WireBody } from './wire-body.ts'

/** Serves HTTP/1.x on a connection that was accepted. */
export function serveHttp1(socket: RawSocket, options: ServerOptions, handlers: ServerHandlers): Http1Server {
  return new ServerConnection(socket, options, handlers)
}

class ServerConnection extends Downstream implements Http1Server, SocketEvents, ExchangeOwner, BodySource {
  constructor(socket: RawSocket, options: ServerOptions, handlers: ServerHandlers) {
    super(socket, options, handlers)
    socket.start(this)
  }

  // What the socket tells.

  data(octets: Buffer, end: number, isOwned: boolean): void {
    if (this.state === 'LINGER') {
      // Enough was dropped: what more comes waits in the peer's own buffers, which leaves it the time to read its answer.
      if (!this.linger.discard(end)) this.socket.pause()
    } else if (this.state === 'WAIT') this.hold(octets, 0, end)
    else if (this.stash.length === 0) this.run(octets, 0, end, isOwned)
    else {
      this.stash.append(octets, 0, end)
      this.runStash()
    }
  }

  ended(): void {
    if (this.state === 'TUNNEL') {
      this.body?.finish(null)
      this.closeTunnel()
    } else if (this.state === 'LINGER') this.linger.ended()
    else if (this.exchange === null) this.leave()
    else this.lost(new MeshError('DOWNSTREAM_CLOSED', 'the downstream closed its connection before the answer was whole'))
  }

  drained(): void {
    this.exchange?.drained()
  }

  // What the body of the request tells.

  bodyReady(): void {
    if (this.state === 'BODY' || this.state === 'TUNNEL') this.socket.resume()
  }

  bodyCancelled(): void {
    if (this.state === 'BODY') this.isBodyAbandoned = true
    if (this.state === 'BODY' || this.state === 'TUNNEL') this.socket.resume()
  }

  // What the exchange tells.

  tunnelOpened(): void {
    this.options.counters.add('tunnels_opened')
    this.state = 'TUNNEL'
    this.timer.disarm()
    this.socket.readPrivately(true)
    this.runStash()
    if (this.body?.isBlocked !== true) this.socket.resume()
  }

  tunnelEnded(): void {
    this.socket.finish()
    this.tunnelIsEnded = true
    this.closeTunnel()
  }

  responded(_exchange: ServerExchange, mustClose: boolean): void {
    const isRequestWhole = this.state === 'WAIT'
    this.exchange = null
    const body = this.body
    this.body = null
    if (mustClose || !isRequestWhole || body?.error != null || !this.canGoOn()) {
      this.leave()
      return
    }
    this.socket.readPrivately(false)
    this.state = 'HEAD'
    this.timer.arm(this.limits.idleTimeoutMs)
    if (this.isRunning) return
    if (this.stash.length !== 0) this.runStash()
    this.readOn()
  }

  broken(_exchange: ServerExchange, error: MeshError, isEndAmbiguous: boolean): void {
    this.exchange = null
    this.body?.fail(error)
    this.body = null
    this.state = 'CLOSED'
    // To an HTTP/1.0 client a plain end would look like a whole response.
    if (isEndAmbiguous) this.socket.reset()
    else this.socket.destroy()
  }

  terminated(exchange: ServerExchange): void {
    this.socket.reserve(64)
    writeText(this.socket, 'HTTP/1.1 200 OK\r\n\r\n')
    this.socket.flush()
    this.exchange = null
    this.body = null
    this.destination = { ...this.destination, connect: exchange.head.authority }
    this.opaqueHead = exchange.head
    this.state = 'SNIFF'
    this.timer.arm(this.limits.sniffMs)
    exchange.finish(null)
    if (this.isRunning) return
    this.runStash()
    this.socket.resume()
  }

  // Reading.

  protected runStash(): void {
    if (this.isRunning || this.stash.length === 0) return
    const { octets, start, end } = this.stash.take()
    this.run(octets, start, end, false)
    if (this.stash.length === 0) this.stash.clear()
  }

  /** Uses `octets[start..end)`: as much as the state allows; what is left goes back to the stash. */
  protected run(octets: Buffer, start: number, end: number, isOwned: boolean): void {
    this.isRunning = true
    let p = start
    while (p < end && p !== -1) p = this.step(octets, p, end, isOwned)
    this.isRunning = false
    this.readOn()
  }

  /** Pauses reading while nobody can take what would come, and goes on when somebody can. */
  protected readOn(): void {
    const body = this.body
    if (this.isBodyAbandoned) return
    const isTaking =
      this.state === 'BODY' || this.state === 'TUNNEL'
        ? body === null || !body.isBlocked || body.isComplete
        : this.state !== 'WAIT' || this.stash.length <= this.limits.maxPipelinedBytes
    if (isTaking) this.socket.resume()
    else this.socket.pause()
  }

  /** Where to go on; -1: the rest is stashed, or of no use. */
  protected step(octets: Buffer, start: number, end: number, isOwned: boolean): number {
    switch (this.state) {
      case 'HEAD':
        return this.readHead(octets, start, end)
      case 'BODY':
      case 'TUNNEL':
        return this.readBody(octets, start, end, isOwned)
      case 'WAIT':
        this.hold(octets, start, end)
        return -1
      case 'SNIFF':
        return this.sniff(octets, start, end)
      case 'LINGER':
        this.linger.discard(end - start)
        return -1
      case 'CLOSED':
        return -1
    }
  }

  protected hold(octets: Buffer, start: number, end: number): void {
    this.stash.append(octets, start, end)
    if (this.stash.length > this.limits.maxPipelinedBytes) this.socket.pause()
  }

  protected readHead(octets: Buffer, start: number, end: number): number {
    const wasPartial = this.heads.isPartial
    const length = this.heads.read(octets, start, end)
    if (length === INCOMPLETE) {
      if (!wasPartial) this.timer.arm(this.limits.headTimeoutMs)
      return -1
    }
    const { parser } = this.heads
    if (length === REFUSED) {
      this.refuse(parser.fault as Fault, null)
      return -1
    }
    return this.begin(parser, octets, start, start + length, end)
  }

  protected begin(parser: HeadParser, octets: Buffer, start: number, bodyStart: number, end: number): number {
    const { head, framing, fault } = readRequest(parser, octets, start, this.limits, this.upgrades, this.memory)
    if (fault !== null) {
      this.refuse(fault, head)
      return -1
    }
    if (head.method === 'CONNECT' && this.destination.connect !== null) {
      this.refuse({ code: 'DOWNSTREAM_PROTOCOL', reason: 'CONNECT inside a CONNECT' }, head)
      return -1
    }
    this.closesAfter = parser.isClose || (parser.minor === 0 && !parser.isKeepAlive)
    this.isBodyAbandoned = false
    this.body = this.makeBody(head, framing)
    this.state = 'WAIT'
    const p = isTunnel(head) ? bodyStart : this.readFirst(octets, bodyStart, end)
    const now = this.options.timers.clock.now()
    const exchange = new ServerExchange(this, head, this.body ?? EMPTY_BODY, now, false, parser.isKeepAlive)
    this.exchange = exchange
    this.handlers.request(exchange)
    return p
  }

  private makeBody(head: RequestHead, framing: Framing): WireBody | null {
    if (isTunnel(head)) return new WireBody(TUNNEL, this.limits, null, this, REQUEST_CODES)
    if (framing.kind === 'none' || (framing.kind === 'length' && framing.octets === 0)) return null
    return new WireBody(framing, this.limits, this.limits.maxBodyBytes, this, REQUEST_CODES)
  }

  /** Takes what has come of the body together with its head. */
  private readFirst(octets: Buffer, start: number, end: number): number {
    const { body } = this
    if (body === null) return start
    const p = body.read(octets, start, end, false)
    if (body.isComplete && body.error === null) return p
    this.countBroken(body)
    this.state = 'BODY'
    if (body.expected > PRIVATE_READ_BYTES) this.socket.readPrivately(true)
    return p
  }

  private countBroken({ error }: WireBody): void {
    if (error !== null) this.count(error.code)
  }

  protected readBody(octets: Buffer, start: number, end: number, isOwned: boolean): number {
    const body = this.body
    if (body === null || this.isBodyAbandoned || body.error !== null) {
      if (!this.linger.discard(end - start)) this.socket.pause()
      return -1
    }
    const p = body.read(octets, start, end, isOwned)
    if (body.isComplete) this.countBroken(body)
    if (this.state === 'BODY' && body.isComplete) {
      if (body.error !== null || this.isBodyAbandoned) return -1
      this.state = 'WAIT'
      this.socket.readPrivately(false)
    }
    return p
  }

  protected sniff(octets: Buffer, start: number, end: number): number {
    const verdict = sniffHttp1(octets, start, end, this.limits.maxTargetBytes)
    if (verdict === 'http1') {
      this.state = 'HEAD'
      this.timer.arm(this.limits.idleTimeoutMs)
      return start
    }
    if (verdict === 'opaque') {
      this.beginOpaque()
      return start
    }
    this.stash.append(octets, start, end)
    return -1
  }

  protected beginOpaque(): void {
    const head = this.opaqueHead as RequestHead
    this.timer.disarm()
    this.state = 'WAIT'
    this.body = new WireBody(TUNNEL, this.limits, null, this, REQUEST_CODES)
    this.exchange = new ServerExchange(this, head, this.body, this.options.timers.clock.now(), true, false)
    this.handlers.request(this.exchange)
  }
}

/** Whether what follows the head may become a tunnel's octets. */
function isTunnel(head: RequestHead): boolean {
  return head.method === 'CONNECT' || head.upgrade !== null
}

const TUNNEL: Framing = { kind: 'tunnel' }
