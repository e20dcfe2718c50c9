import type { Connection, ConnectionEvents } from '../http/message.ts'
import type { Counters } from '../util/counters.ts'
import type { Timers } from '../util/timers.ts'
import type { Limits } from './limits.ts'

export interface ClientOptions {
  readonly timers: Timers
  readonly counters: Counters
  /** Address of the peer, for messages: `10.0.0.1:8080`. */
  readonly name: string
  readonly events: ConnectionEvents
  readonly limits?: Limits
}

/** An HTTP/1.1 connection to an upstream: one request at a time. */
export interface Http1Connection extends Connection {
  /** Octets of the request in hand, or of the last one, that were handed to the operating system. 0: nothing left us, any method may be tried again. */
  readonly octetsWritten: number
}
