import type { RequestHead } from '../http/head.ts'
import type { Connection } from '../http/message.ts'
import type { Cancellation } from '../util/cancellation.ts'
import type { ClusterConfig } from './config.ts'
import type { Host } from './endpoint.ts'

/** Why no host could be picked, and the state of each: the text of a `503 UH` in the log. */
export interface Unavailable {
  readonly reason: string
}

/** One cluster at work: what `filter/forward.ts`, `filter/retry.ts` and the admin pages need of it. */
export interface Cluster {
  readonly config: ClusterConfig
  /** Every host that the present endpoints name. */
  readonly hosts: readonly Host[]
  /** Counts a request in. False: `maxRequests` is reached (UO). Each true is matched by one `leave`. */
  enter(): boolean
  leave(): void
  /** Counts a first try into the retry budget. */
  deposit(): void
  /** Takes one retry: from `maxRetries` and the budget. Each `granted` is matched by one `endRetry`. */
  beginRetry(): 'granted' | 'budget' | 'overflow'
  endRetry(): void
  /**
   * Chooses a host; `tried` ones are avoided while others can serve. Null when none can: `describe()` says why.
   * A promise only where names have to be resolved first (passthrough).
   */
  pick(head: RequestHead, tried: readonly Host[]): Host | null | Promise<Host | null>
  /**
   * A connection of the host's pool that is free, or a new one once it is connected. Rejects with UPSTREAM_CONNECT_REFUSED, UPSTREAM_CONNECT_TIMEOUT,
   * UPSTREAM_OVERFLOW, or the reason of `cancelled`. The connection counts as taken until its `send` has ended.
   * `fresh`: never a kept-alive one (a retry after a stale connection; tunnels).
   */
  acquire(host: Host, cancelled: Cancellation, fresh: boolean): Connection | Promise<Connection>
  /** Counts a tunnel in, which is a connection outside the pools. False: `maxConnections` is reached (UO). Each true is matched by one `tunnelClosed`. */
  tryTunnel(): boolean
  tunnelClosed(): void
  /** One sentence with each endpoint's state. */
  describe(): string
}

/** All clusters of the proxy. Survives snapshots; `reconcile` is the only change. */
export interface ClusterRegistry {
  get(name: string): Cluster | null
  readonly clusters: Iterable<Cluster>
}
