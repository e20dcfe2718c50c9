import { type ErrorCode, MeshError } from '../errors.ts'
import type { RequestHead } from '../http/head.ts'
import type { Destination, Peer } from '../http/message.ts'
import { unmapped } from '../net/address.ts'
import type { RawSocket } from '../net/socket.ts'
import type { CounterName } from '../util/counters.ts'
import type { Timer } from '../util/timers.ts'
import { writeAnswer } from './answer.ts'
import type { ServerExchange } from './exchange.ts'
import { HeadReader } from './head-reader.ts'
import { DEFAULT_LIMITS, type Limits } from './limits.ts'
import { Linger } from './linger.ts'
import type { Fault } from './parser.ts'
import type { HostMemory } from './request-head.ts'
import type { ServerHandlers, ServerOptions } from './server-options.ts'
import type { Stash } from './stash.ts'
import type { WireBody } from './wire-body.ts'

const WEBSOCKET = ['websocket']

/**
 * What a connection is doing. The request's side; the response's side is the exchange's own.
 *
 *     HEAD --head--> BODY --last octet--> WAIT --response whole--> HEAD
 *     HEAD --fault--> LINGER;  WAIT --101, 2xx to CONNECT--> TUNNEL;  WAIT --terminate--> SNIFF --> HEAD or WAIT (opaque)
 *     BODY --response whole, or body broken--> LINGER --peer closes, limit, deadline--> closed
 */
type State = 'HEAD' | 'BODY' | 'WAIT' | 'TUNNEL' | 'SNIFF' | 'LINGER' | 'CLOSED'

/** The state of a downstream connection, and how it ends. `server.ts` adds how it reads. */
export abstract class Downstream {
  readonly socket: RawSocket
  readonly peer: Peer
  destination: Destination
  protected readonly options: ServerOptions
  protected readonly handlers: ServerHandlers
  protected readonly limits: Limits
  protected readonly upgrades: readonly string[]
  protected readonly timer: Timer
  protected readonly memory: HostMemory = { text: '' }
  protected state: State = 'HEAD'
  protected exchange: ServerExchange | null = null
  protected body: WireBody | null = null
  protected readonly heads: HeadReader
  /** A part of a head, or requests that wait for their turn. */
  protected readonly stash: Stash
  protected readonly linger: Linger
  protected isRunning = false
  protected isDraining = false
  /** The client wants the connection closed after this request, or speaks HTTP/1.0 without keep-alive. */
  protected closesAfter = false
  /** The rest of the request's body is unwanted. */
  protected isBodyAbandoned = false
  protected tunnelIsEnded = false
  /** Of the CONNECT that was terminated. */
  protected opaqueHead: RequestHead | null = null

  constructor(socket: RawSocket, options: ServerOptions, handlers: ServerHandlers) {
    this.socket = socket
    this.options = options
    this.handlers = handlers
    this.limits = options.limits ?? DEFAULT_LIMITS
    this.heads = new HeadReader('request', this.limits)
    this.stash = this.heads.stash
    this.upgrades = options.upgrades ?? WEBSOCKET
    this.destination = options.destination
    const { remoteAddress, remotePort } = socket.socket
    this.peer = options.peer ?? { address: unmapped(remoteAddress ?? ''), port: remotePort ?? 0, identity: null }
    this.timer = options.timers.timer(() => this.expired())
    this.linger = new Linger(socket, this.limits, this.timer)
    this.timer.arm(this.limits.idleTimeoutMs)
  }

  get active(): number {
    return this.exchange === null ? 0 : 1
  }

  drain(): void {
    this.isDraining = true
    if (this.state === 'HEAD' && this.exchange === null && this.stash.length === 0) this.leave()
    else if (this.state === 'SNIFF') this.leave()
  }

  destroy(): void {
    this.socket.destroy()
  }

  /** What follows the CONNECT is no HTTP/1, or the client waits for the server to speak. */
  protected abstract beginOpaque(): void

  closed(error: Error | null): void {
    const what =
      error === null ? 'closed its connection' : `lost its connection (${(error as NodeJS.ErrnoException).code ?? error.message})`
    const exchange = this.exchange
    this.state = 'CLOSED'
    this.timer.disarm()
    this.stash.clear()
    if (exchange === null) return
    const reason = new MeshError('DOWNSTREAM_CLOSED', `the downstream ${what} before the answer was whole`)
    this.exchange = null
    exchange.close(reason)
    this.body?.fail(reason)
    this.body = null
  }

  canStayOpen(): boolean {
    return !this.closesAfter && !this.isDraining && this.state === 'WAIT' && !this.mayBeTunnelOctets()
  }

  /** Octets behind a CONNECT or an Upgrade, sent before the answer: after a refusal they could be read as requests. */
  protected mayBeTunnelOctets(): boolean {
    const exchange = this.exchange
    if (exchange === null) return false
    return exchange.head.method === 'CONNECT' || (exchange.head.upgrade !== null && this.stash.length !== 0)
  }

  protected canGoOn(): boolean {
    return !this.closesAfter && !this.isDraining
  }

  // Ends.

  protected closeTunnel(): void {
    if (!this.tunnelIsEnded || !this.socket.hasEnded) return
    const exchange = this.exchange
    this.exchange = null
    this.body = null
    this.leave()
    exchange?.close(null)
  }

  protected lost(reason: MeshError): void {
    const exchange = this.exchange
    const body = this.body
    this.exchange = null
    this.body = null
    this.state = 'CLOSED'
    exchange?.close(reason)
    body?.fail(reason)
    this.socket.destroy()
  }

  protected refuse(fault: Fault, head: RequestHead | null): void {
    const error = new MeshError(fault.code, fault.reason)
    this.count(fault.code)
    writeAnswer(this.socket, error)
    this.handlers.refused(this.peer, error, head)
    this.leave()
  }

  /** Counts what a request was refused or broken off for. */
  protected count(code: ErrorCode): void {
    this.options.counters.add(COUNTER[code] ?? 'downstream_protocol_error')
  }

  protected leave(): void {
    if (this.state === 'CLOSED' || this.state === 'LINGER') return
    this.state = 'LINGER'
    this.stash.clear()
    this.linger.begin()
  }

  protected expired(): void {
    if (this.state === 'LINGER') {
      if (this.linger.expired()) this.options.counters.add('downstream_stalled_closed')
    } else if (this.state === 'SNIFF') this.beginOpaque()
    else if (this.state !== 'HEAD' || this.exchange !== null) return
    else if (this.heads.isPartial)
      this.refuse({ code: 'DOWNSTREAM_SLOW_HEAD', reason: `no whole head within ${this.limits.headTimeoutMs} ms` }, null)
    else {
      this.options.counters.add('downstream_idle_closed')
      this.leave()
    }
  }
}

const COUNTER: Record<string, CounterName | undefined> = {
  DOWNSTREAM_HEAD_TOO_LARGE: 'downstream_head_too_large',
  DOWNSTREAM_TARGET_TOO_LONG: 'downstream_target_too_long',
  DOWNSTREAM_BODY_TOO_LARGE: 'downstream_body_too_large',
  DOWNSTREAM_SLOW_HEAD: 'downstream_slow_head',
}
