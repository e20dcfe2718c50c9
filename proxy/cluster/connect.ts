import { MeshError } from '../errors.ts'
import type { Connection } from '../http/message.ts'
import type { Cancellation } from '../util/cancellation.ts'
import type { Counters } from '../util/counters.ts'
import type { Random } from '../util/random.ts'
import type { Timers } from '../util/timers.ts'
import { type Endpoint, endpointName } from './endpoint.ts'
import type { Resolver } from './resolver.ts'

/**
 * Opens one connection to an endpoint, ready for its first request. Rejects with UPSTREAM_CONNECT_REFUSED, UPSTREAM_CONNECT_TIMEOUT
 * (after `timeoutMs`), UPSTREAM_TLS or UPSTREAM_IDENTITY, or the reason of `cancelled`. Given by the composition root: clusters know no codec.
 */
export type Connect = (endpoint: Endpoint, timeoutMs: number, cancelled: Cancellation | null) => Promise<Connection>

/** What clusters need of the process: one for all of them. */
export interface Environment {
  readonly connect: Connect
  readonly timers: Timers
  readonly random: Random
  readonly counters: Counters
  readonly resolver: Resolver
  /** True for an address that one of this sidecar's listeners takes: wildcards, v4-mapped and advertised ones included. */
  readonly isOwnListener: (address: string, port: number) => boolean
  /**
   * True for the address that this sidecar has registered for its own app. A service that calls itself may draw its own instance, and that is
   * no loop: inbound dials nothing but the app, and `Via` counts what the app sends round.
   */
  readonly isOwnRegistration: (address: string, port: number) => boolean
}

/**
 * Connects, unless the address is one of our own listeners: a request that we send to ourselves comes back here and goes round until something breaks.
 * Rejects with LOOP then. `mayBeOwn` is for the local app's cluster, whose address the operator gave, and for this sidecar's own registration.
 */
export async function connectGuarded(
  environment: Environment,
  endpoint: Endpoint,
  timeoutMs: number,
  mayBeOwn: boolean,
): Promise<Connection> {
  if (!mayBeOwn && environment.isOwnListener(endpoint.address, endpoint.port)) {
    environment.counters.add('loop_refused')
    throw new MeshError('LOOP', `${endpointName(endpoint)} is a listener of this sidecar`)
  }
  const connection = await environment.connect(endpoint, timeoutMs, null)
  if (connection.capacity > 0) return connection
  const error = new MeshError('UPSTREAM_CONNECT_REFUSED', `${endpointName(endpoint)} closed the connection at once`)
  connection.destroy(error)
  throw error
}
