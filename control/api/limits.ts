/** What callers may take of the control API. */
export type ApiLimits = { readonly [Name in keyof typeof API_LIMITS]: number }

/** The limits where nobody says otherwise, each with its reason. */
export const API_LIMITS = {
  /** Octets of a body: 1,000 routes have half a MiB. The same as the parser's own limit. */
  bodyBytes: 16 * 1_048_576,
  /** Connections at once: operators, dashboards and scripts; 1,000 sidecars do not come here. */
  connections: 256,
  /** Bodies above `largeBytes` that are read at once: 4 x 16 MiB is what the process may hold for them. */
  largeBodies: 4,
  largeBytes: 262_144,
  /** ms from a connection's first octet of a request to its last: slow uploads hold a connection and nothing else. */
  requestMs: 30_000,
  /** ms from a request's first octet to the end of its head (slow-loris). */
  headMs: 10_000,
  /** ms without an octet in either direction: a client that does not read its answer. Above the longest wait of `/v1/proxies`. */
  idleMs: 60_000,
  /** ms that an idle connection is kept for the next request. */
  keepAliveMs: 5_000,
  /** ms between two looks at the deadlines of heads and requests: Node's own 30 s would make 10 s up to 40. */
  lookMs: 1_000,
  /** ms that `/v1/proxies?revision=` may wait. */
  waitMs: 30_000,
  /** Calls that wait at once. */
  waits: 64,
  /** Requests and WebSockets that are relayed to Jaeger at once: a quarter of the connections, so that its pages never keep operators out. */
  relays: 64,
  /** ms without an octet to or from Jaeger: long searches take seconds. Below `idleMs`, so that the caller gets an answer. */
  relayMs: 50_000,
  /** ms without an octet in either direction of a relayed WebSocket; as the sidecar's tunnels. */
  relayTunnelMs: 3_600_000,
  /** ms for Jaeger's page, by which the base path is known: a small file. */
  relayPageMs: 5_000,
  /** Octets that are read of that page: what is looked for is in its head. */
  relayPageBytes: 65_536,
  /** ms for which what that page said holds: one look serves all requests of a page, and a restart without the base path is seen soon. */
  relayPageAgeMs: 10_000,
} as const
