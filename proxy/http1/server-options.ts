import type { MeshError } from '../errors.ts'
import type { RequestHead } from '../http/head.ts'
import type { Destination, Incoming, Peer } from '../http/message.ts'
import type { Counters } from '../util/counters.ts'
import type { Timers } from '../util/timers.ts'
import type { Limits } from './limits.ts'

export interface ServerOptions {
  readonly timers: Timers
  readonly counters: Counters
  readonly destination: Destination
  readonly limits?: Limits
  /** Upgrade tokens that become tunnels, in lower case. Left out: `websocket`. */
  readonly upgrades?: readonly string[]
  /** Who is at the other end; left out: the socket's own address, without an identity. */
  readonly peer?: Peer
}

export interface ServerHandlers {
  /** Gets each request, in order, one at a time. Must not throw. */
  request(incoming: Incoming): void
  /** Told of what was answered before there was an exchange. The head is there where one could be read. */
  refused(peer: Peer, error: MeshError, partialHead: RequestHead | null): void
}

/** One downstream connection. */
export interface Http1Server {
  /** Requests in flight: 0 or 1. */
  readonly active: number
  /** Finishes the exchange in flight with `Connection: close`; closes an idle connection at once. */
  drain(): void
  destroy(): void
}
