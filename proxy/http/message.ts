import type { MeshError } from '../errors.ts'
import type { Cancellation } from '../util/cancellation.ts'
import type { Body } from './body.ts'
import type { Protocol, RequestHead, ResponseHead } from './head.ts'

export interface Response {
  readonly head: ResponseHead
  readonly body: Body
}

/** The other end of a connection. A FIN while an exchange is in flight means that it has left (flag DC), as in Envoy; half-close lives in tunnels and TCP. */
export interface Peer {
  readonly address: string
  readonly port: number
  /** SPIFFE ID of the verified certificate; null on plaintext. */
  readonly identity: string | null
}

/** Which listener a request came in by, and where its connection was going. One object for a connection, not for a request. */
export interface Destination {
  readonly direction: 'inbound' | 'outbound'
  /** Authority (`host:port`) of the CONNECT that this connection was opened by and that we terminate; null: none. */
  readonly connect: string | null
  /** Where a captured connection was going; null: it was not captured. */
  readonly original: { readonly address: string; readonly port: number } | null
}

/** One request as a codec hands it over. `respond` is called once. */
export interface Incoming {
  readonly peer: Peer
  readonly destination: Destination
  readonly head: RequestHead
  readonly body: Body
  /** Monotonic, ms, at the first octet of the head. */
  readonly startedAt: number
  /** Octets of the request's body (or tunnel) that have come so far. */
  readonly bytesIn: number
  /** Octets of the response's body (or tunnel) that were handed to the socket so far. */
  readonly bytesOut: number
  /** Tells, once, that the downstream has left. */
  readonly cancelled: Cancellation
  /**
   * Set by who handles it. Called once: after the last octet was handed to the socket (`null`), or when the exchange ended otherwise.
   * A request that was never answered ends too.
   */
  finished: ((error: MeshError | null) => void) | null
  /** Passes a 1xx head downstream (RFC 9110 section 15.2). Not to an HTTP/1.0 peer. */
  informational(head: ResponseHead): void
  respond(response: Response): void
  /**
   * Instead of `respond`, to a CONNECT only: answers 200, then looks at what follows. HTTP/1.1 is served as further requests on this connection, with
   * `destination.connect` set; all else comes as one more Incoming, method CONNECT, with `isOpaque`, whose body is the tunnel.
   */
  terminate(): void
  /** A CONNECT that was answered already and whose octets are no HTTP: goes to one endpoint as they are; the 200 of `respond` is not written. */
  readonly isOpaque: boolean
}

/** One request as it is handed to a codec for sending. */
export interface Outgoing {
  readonly head: RequestHead
  readonly body: Body
  readonly cancelled: Cancellation
  /** Takes the upstream's 1xx heads. */
  informational(head: ResponseHead): void
}

/** Told to the pool by its connection. */
export interface ConnectionEvents {
  /** Free for a request again, or its capacity changed. */
  available(connection: Connection): void
  /** Closed; called once, also when it was idle. */
  closed(connection: Connection, error: MeshError): void
}

/** One upstream connection, either protocol. */
export interface Connection {
  readonly protocol: Protocol
  /** Requests in flight. */
  readonly active: number
  /** Requests that the peer allows at once; 1 on HTTP/1.1; 0 when it takes no more. */
  readonly capacity: number
  /** Octets of the request in hand, or of the last one, that were handed to the operating system; 0: nothing left us. Left out: not known. */
  readonly octetsWritten?: number
  /** True once it has carried a request; decides the `reused` retry trait. */
  readonly isReused: boolean
  /** Monotonic, ms: when it last became idle. */
  readonly idleSince: number
  /** The peer's `Keep-Alive: timeout=N` in ms; null: it has not said. */
  readonly keepAliveHintMs: number | null
  events: ConnectionEvents
  /**
   * Resolves when the final response head is in (101 and 2xx to CONNECT are final). Rejects only with a MeshError: UPSTREAM_CLOSED (reused connection, no
   * response octet), UPSTREAM_RESET, UPSTREAM_PROTOCOL, UPSTREAM_REFUSED_STREAM, or the reason of `request.cancelled`.
   */
  send(request: Outgoing): Promise<Response>
  /** Lets what is in flight finish, takes no more. */
  drain(): void
  destroy(error: MeshError): void
}
