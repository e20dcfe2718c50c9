import type { MeshError } from '../errors.ts'
import type { RequestHead } from '../http/head.ts'
import type { Peer } from '../http/message.ts'
import type { Route } from '../route/route.ts'
import type { TelemetryConfig } from '../telemetry/config.ts'
import type { Exchange } from './exchange.ts'

/** What failed before there was an exchange: a malformed or slow head, a refused connection. Answered from the same table of errors. */
export interface Refusal {
  readonly direction: 'inbound' | 'outbound'
  readonly peer: Peer
  readonly error: MeshError
  /** As much as could be read; null: nothing. */
  readonly head: RequestHead | null
}

/** What observers need to know of a configuration. */
export interface InForce {
  readonly telemetry: Readonly<Record<'inbound' | 'outbound', TelemetryConfig>>
  /** Every route that is in force. Walked only when somebody asks: there may be 10,000. */
  routes(): Iterable<Route>
}

/** Who counts, logs or keeps what came of requests. Its calls are on the hot path: they return at once, wait for nothing and throw nothing. */
export interface Observer {
  /** Called once for each exchange, after its last octet was handed to the socket, or when it ended otherwise. */
  done(exchange: Exchange): void
  refused(refusal: Refusal): void
  /** Another configuration is in force. */
  configured(inForce: InForce): void
}
