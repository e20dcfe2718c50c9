import { MeshError } from '../errors.ts'
import { type Body, EMPTY_BODY } from '../http/body.ts'
import type { RequestHead } from '../http/head.ts'
import type { Destination, Peer } from '../http/message.ts'
import { unmapped } from '../net/address.ts'
import type { RawSocket, SocketEvents } from '../net/socket.ts'
import type { CounterName } from '../util/counters.ts'
import type { Timer } from '../util/timers.ts'
import { writeAnswer } from './answer.ts'
import { type ExchangeOwner, ServerExchange } from './exchange.ts'
import { HeadReader } from './head-reader.ts'
import { DEFAULT_LIMITS, type Limits } from './limits.ts'
import { Linger } from './linger.ts'
import { writeText } from './output.ts'
import { type Fault, type HeadParser, INCOMPLETE, REFUSED } from './parser.ts'
import { type HostMemory, readRequest } from './request-head.ts'
import type { Http1Server, ServerHandlers, ServerOptions } from './server-options.ts'
import { sniffHttp1 } from './sniff.ts'
import type { Stash } from './stash.ts'
import { type BodyCodes, type BodySource, WireBody } from './wire-body.ts'

const WEBSOCKET = ['websocket']
const BODY_CODES: BodyCodes = { malformed: 'DOWNSTREAM_PROTOCOL', tooLarge: 'DOWNSTREAM_BODY_TOO_LARGE' }
/** A body of which more than this is to come is read into buffers of its own instead of being copied. */
const PRIVATE_READ_BYTES = 16_384

/**
 * What a connection is doing. The request's side; the response's side is the exchange's own.
 *
 *     HEAD --head--> BODY --last octet--> WAIT --response whole--> HEAD
 *     HEAD --fault--> LINGER;  WAIT --101, 2xx to CONNECT--> TUNNEL;  WAIT --terminate--> SNIFF --> HEAD or WAIT (opaque)
 *     BODY --response whole, or body broken--> LINGER --peer closes, limit, deadline--> closed
 */
type State = 'HEAD' | 'BODY' | 'WAIT' | 'TUNNEL' | 'SNIFF' | 'LINGER' | 'CLOSED'

/** Serves HTTP/1.x on a connection that was accepted. */
export function serveHttp1(socket: RawSocket, options: ServerOptions, handlers: ServerHandlers): Http1Server {
  return new ServerConnection(socket, options, handlers)
}

class ServerConnection implements Http1Server, SocketEvents, ExchangeOwner, BodySource {
  readonly socket: RawSocket
  readonly peer: Peer
  destination: Destination
  readonly #options: ServerOptions
  readonly #handlers: ServerHandlers
  readonly #limits: Limits
  readonly #upgrades: readonly string[]
  readonly #timer: Timer
  readonly #memory: HostMemory = { text: '' }
  #state: State = 'HEAD'
  #exchange: ServerExchange | null = null
  #body: WireBody | null = null
  readonly #heads: HeadReader
  /** A part of a head, or requests that wait for their turn. */
  readonly #stash: Stash
  readonly #linger: Linger
  #isRunning = false
  #isDraining = false
  /** The client wants the connection closed after this request, or speaks HTTP/1.0 without keep-alive. */
  #closesAfter = false
  /** The rest of the request's body is unwanted. */
  #isBodyAbandoned = false
  #tunnelIsEnded = false
  /** Of the CONNECT that was terminated. */
  #opaqueHead: RequestHead | null = null

  constructor(socket: RawSocket, options: ServerOptions, handlers: ServerHandlers) {
    this.socket = socket
    this.#options = options
    this.#handlers = handlers
    this.#limits = options.limits ?? DEFAULT_LIMITS
    this.#heads = new HeadReader('request', this.#limits)
    this.#stash = this.#heads.stash
    this.#upgrades = options.upgrades ?? WEBSOCKET
    this.destination = options.destination
    const { remoteAddress, remotePort } = socket.socket
    this.peer = options.peer ?? { address: unmapped(remoteAddress ?? ''), port: remotePort ?? 0, identity: null }
    this.#timer = options.timers.timer(() => this.#expired())
    this.#linger = new Linger(socket, this.#limits, this.#timer)
    this.#timer.arm(this.#limits.idleTimeoutMs)
    socket.start(this)
  }

  get active(): number {
    return this.#exchange === null ? 0 : 1
  }

  drain(): void {
    this.#isDraining = true
    if (this.#state === 'HEAD' && this.#exchange === null && this.#stash.length === 0) this.#leave()
    else if (this.#state === 'SNIFF') this.#leave()
  }

  destroy(): void {
    this.socket.destroy()
  }

  // What the socket tells.

  data(octets: Buffer, end: number, isOwned: boolean): void {
    if (this.#state === 'LINGER') {
      if (!this.#linger.discard(end)) this.socket.destroy()
    } else if (this.#state === 'WAIT') this.#hold(octets, 0, end)
    else if (this.#stash.length === 0) this.#run(octets, 0, end, isOwned)
    else {
      this.#stash.append(octets, 0, end)
      this.#runStash()
    }
  }

  ended(): void {
    if (this.#state === 'TUNNEL') {
      this.#body?.finish(null)
      this.#closeTunnel()
    } else if (this.#state === 'LINGER') this.#linger.ended()
    else if (this.#exchange === null) this.#leave()
    else this.#lost(new MeshError('DOWNSTREAM_CLOSED', 'the downstream closed its connection before the answer was whole'))
  }

  drained(): void {
    this.#exchange?.drained()
  }

  closed(error: Error | null): void {
    const what =
      error === null ? 'closed its connection' : `lost its connection (${(error as NodeJS.ErrnoException).code ?? error.message})`
    const exchange = this.#exchange
    this.#state = 'CLOSED'
    this.#timer.disarm()
    this.#stash.clear()
    if (exchange === null) return
    const reason = new MeshError('DOWNSTREAM_CLOSED', `the downstream ${what} before the answer was whole`)
    this.#exchange = null
    exchange.close(reason)
    this.#body?.fail(reason)
    this.#body = null
  }

  // What the body of the request tells.

  bodyReady(): void {
    if (this.#state === 'BODY' || this.#state === 'TUNNEL') this.socket.resume()
  }

  bodyCancelled(): void {
    if (this.#state === 'BODY') this.#isBodyAbandoned = true
    if (this.#state === 'BODY' || this.#state === 'TUNNEL') this.socket.resume()
  }

  // What the exchange tells.

  canStayOpen(): boolean {
    return !this.#closesAfter && !this.#isDraining && this.#state === 'WAIT' && !this.#mayBeTunnelOctets()
  }

  tunnelOpened(): void {
    this.#options.counters.add('tunnels_opened')
    this.#state = 'TUNNEL'
    this.#timer.disarm()
    this.socket.readPrivately(true)
    this.#runStash()
    if (this.#body?.isBlocked !== true) this.socket.resume()
  }

  tunnelEnded(): void {
    this.socket.finish()
    this.#tunnelIsEnded = true
    this.#closeTunnel()
  }

  responded(_exchange: ServerExchange, mustClose: boolean): void {
    const isRequestWhole = this.#state === 'WAIT' || (this.#state === 'BODY' && this.#body?.isComplete === true && !this.#isBodyAbandoned)
    this.#exchange = null
    const body = this.#body
    this.#body = null
    if (mustClose || !isRequestWhole || body?.error != null || !this.#canGoOn()) {
      this.#leave()
      return
    }
    this.socket.readPrivately(false)
    this.#state = 'HEAD'
    this.#timer.arm(this.#limits.idleTimeoutMs)
    if (this.#isRunning) return
    if (this.#stash.length !== 0) this.#runStash()
    if (this.#state === 'HEAD' || this.#state === 'BODY') this.#readOn()
  }

  broken(_exchange: ServerExchange, error: MeshError, isEndAmbiguous: boolean): void {
    this.#exchange = null
    this.#body?.fail(error)
    this.#body = null
    this.#state = 'CLOSED'
    // To an HTTP/1.0 client a plain end would look like a whole response.
    if (isEndAmbiguous) this.socket.reset()
    else this.socket.destroy()
  }

  terminated(exchange: ServerExchange): void {
    this.socket.reserve(64)
    writeText(this.socket, 'HTTP/1.1 200 OK\r\n\r\n')
    this.socket.flush()
    this.#exchange = null
    this.#body = null
    this.destination = { ...this.destination, connect: exchange.head.authority }
    this.#opaqueHead = exchange.head
    this.#state = 'SNIFF'
    this.#timer.arm(this.#limits.sniffMs)
    exchange.finish(null)
    if (this.#isRunning) return
    this.#runStash()
    this.socket.resume()
  }

  // Reading.

  #runStash(): void {
    if (this.#isRunning || this.#stash.length === 0) return
    const { octets, start, end } = this.#stash.take()
    this.#run(octets, start, end, false)
    if (this.#stash.length === 0) this.#stash.clear()
  }

  /** Uses `octets[start..end)`: as much as the state allows; what is left goes back to the stash. */
  #run(octets: Buffer, start: number, end: number, isOwned: boolean): void {
    this.#isRunning = true
    let p = start
    while (p < end && p !== -1) p = this.#step(octets, p, end, isOwned)
    this.#isRunning = false
    this.#readOn()
  }

  /** Pauses reading while nobody can take what would come, and goes on when somebody can. */
  #readOn(): void {
    const body = this.#body
    if (this.#state === 'BODY' || this.#state === 'TUNNEL') {
      if (body?.isBlocked === true && !body.isComplete) this.socket.pause()
    } else if (this.#state === 'WAIT') {
      if (this.#stash.length > this.#limits.maxPipelinedBytes) this.socket.pause()
    } else this.socket.resume()
  }

  /** Where to go on; -1: the rest is stashed, or of no use. */
  #step(octets: Buffer, start: number, end: number, isOwned: boolean): number {
    switch (this.#state) {
      case 'HEAD':
        return this.#readHead(octets, start, end)
      case 'BODY':
      case 'TUNNEL':
        return this.#readBody(octets, start, end, isOwned)
      case 'WAIT':
        this.#hold(octets, start, end)
        return -1
      case 'SNIFF':
        return this.#sniff(octets, start, end)
      case 'LINGER':
        this.#linger.discard(end - start)
        return -1
      case 'CLOSED':
        return -1
    }
  }

  #hold(octets: Buffer, start: number, end: number): void {
    this.#stash.append(octets, start, end)
    if (this.#stash.length > this.#limits.maxPipelinedBytes) this.socket.pause()
  }

  #readHead(octets: Buffer, start: number, end: number): number {
    const wasPartial = this.#heads.isPartial
    const length = this.#heads.read(octets, start, end)
    if (length === INCOMPLETE) {
      if (!wasPartial) this.#timer.arm(this.#limits.headTimeoutMs)
      return -1
    }
    const { parser } = this.#heads
    if (length === REFUSED) {
      this.#refuse(parser.fault as Fault, null)
      return -1
    }
    return this.#begin(parser, octets, start, start + length, end)
  }

  #begin(parser: HeadParser, octets: Buffer, start: number, bodyStart: number, end: number): number {
    const { head, framing, fault } = readRequest(parser, octets, start, this.#limits, this.#upgrades, this.#memory)
    if (fault !== null) {
      this.#refuse(fault, head)
      return -1
    }
    if (head.method === 'CONNECT' && this.destination.connect !== null) {
      this.#refuse({ code: 'DOWNSTREAM_PROTOCOL', reason: 'CONNECT inside a CONNECT' }, head)
      return -1
    }
    this.#closesAfter = parser.isClose || (parser.minor === 0 && !parser.isKeepAlive)
    this.#isBodyAbandoned = false
    let p = bodyStart
    let body: Body = EMPTY_BODY
    this.#body = null
    this.#state = 'WAIT'
    if (head.method === 'CONNECT' || head.upgrade !== null) {
      body = this.#body = new WireBody({ kind: 'tunnel' }, this.#limits, null, this, BODY_CODES)
    } else if (framing.kind === 'chunked' || (framing.kind === 'length' && framing.octets !== 0)) {
      const wireBody = new WireBody(framing, this.#limits, this.#limits.maxBodyBytes, this, BODY_CODES)
      body = this.#body = wireBody
      p = wireBody.read(octets, p, end, false)
      if (!wireBody.isComplete || wireBody.error !== null) this.#state = 'BODY'
      if (wireBody.expected > PRIVATE_READ_BYTES && !wireBody.isComplete) this.socket.readPrivately(true)
    }
    const now = this.#options.timers.clock.now()
    const exchange = new ServerExchange(this, head, body, now, false, parser.isKeepAlive)
    this.#exchange = exchange
    this.#handlers.request(exchange)
    return p
  }

  #readBody(octets: Buffer, start: number, end: number, isOwned: boolean): number {
    const body = this.#body
    if (body === null || this.#isBodyAbandoned || body.error !== null) {
      if (!this.#linger.discard(end - start)) this.socket.pause()
      return -1
    }
    const p = body.read(octets, start, end, isOwned)
    if (this.#state === 'BODY' && body.isComplete) {
      if (body.error !== null || this.#isBodyAbandoned) return -1
      this.#state = 'WAIT'
      this.socket.readPrivately(false)
    }
    return p
  }

  /** Octets behind a CONNECT or an Upgrade, sent before the answer: after a refusal they could be read as requests. */
  #mayBeTunnelOctets(): boolean {
    const exchange = this.#exchange
    if (exchange === null) return false
    return exchange.head.method === 'CONNECT' || (exchange.head.upgrade !== null && this.#stash.length !== 0)
  }

  #canGoOn(): boolean {
    return !this.#closesAfter && !this.#isDraining
  }

  #sniff(octets: Buffer, start: number, end: number): number {
    const verdict = sniffHttp1(octets, start, end, this.#limits.maxTargetBytes)
    if (verdict === 'http1') {
      this.#state = 'HEAD'
      this.#timer.arm(this.#limits.idleTimeoutMs)
      return start
    }
    if (verdict === 'opaque') {
      this.#beginOpaque()
      return start
    }
    this.#stash.append(octets, start, end)
    return -1
  }

  #beginOpaque(): void {
    const head = this.#opaqueHead as RequestHead
    this.#timer.disarm()
    this.#state = 'WAIT'
    this.#body = new WireBody({ kind: 'tunnel' }, this.#limits, null, this, BODY_CODES)
    this.#exchange = new ServerExchange(this, head, this.#body, this.#options.timers.clock.now(), true, false)
    this.#handlers.request(this.#exchange)
  }

  // Ends.

  #closeTunnel(): void {
    if (!this.#tunnelIsEnded || !this.socket.hasEnded) return
    const exchange = this.#exchange
    this.#exchange = null
    this.#body = null
    this.#leave()
    exchange?.close(null)
  }

  #lost(reason: MeshError): void {
    const exchange = this.#exchange
    const body = this.#body
    this.#exchange = null
    this.#body = null
    this.#state = 'CLOSED'
    exchange?.close(reason)
    body?.fail(reason)
    this.socket.destroy()
  }

  #refuse(fault: Fault, head: RequestHead | null): void {
    const error = new MeshError(fault.code, fault.reason)
    const counter = COUNTER[fault.code] ?? 'downstream_protocol_error'
    this.#options.counters.add(counter)
    writeAnswer(this.socket, error)
    this.#handlers.refused(this.peer, error, head)
    this.#leave()
  }

  #leave(): void {
    if (this.#state === 'CLOSED' || this.#state === 'LINGER') return
    this.#state = 'LINGER'
    this.#stash.clear()
    this.#linger.begin()
  }

  #expired(): void {
    if (this.#state === 'LINGER') this.#linger.expired()
    else if (this.#state === 'SNIFF') this.#beginOpaque()
    else if (this.#state !== 'HEAD' || this.#exchange !== null) return
    else if (this.#heads.isPartial)
      this.#refuse({ code: 'DOWNSTREAM_SLOW_HEAD', reason: `no whole head within ${this.#limits.headTimeoutMs} ms` }, null)
    else {
      this.#options.counters.add('downstream_idle_closed')
      this.#leave()
    }
  }
}

const COUNTER: Record<string, CounterName | undefined> = {
  DOWNSTREAM_HEAD_TOO_LARGE: 'downstream_head_too_large',
  DOWNSTREAM_TARGET_TOO_LONG: 'downstream_target_too_long',
  DOWNSTREAM_BODY_TOO_LARGE: 'downstream_body_too_large',
  DOWNSTREAM_SLOW_HEAD: 'downstream_slow_head',
}
