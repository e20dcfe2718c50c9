/** What the control plane says about one address. Immutable. */
export interface Endpoint {
  /** An IP address. */
  readonly address: string
  readonly port: number
  /** 1 or more. */
  readonly weight: number
  readonly locality: string
  /** 0 is used first. */
  readonly priority: number
  /** What the control plane knows of its health: `draining` takes no new requests, `unhealthy` is picked last. */
  readonly health: 'healthy' | 'unhealthy' | 'draining'
  readonly labels: Readonly<Record<string, string>>
  /** How it is reached. Part of the pool's key, so that a change of mode never reuses an old connection. */
  readonly transport: Transport
}

export type Transport =
  | { readonly kind: 'plaintext' }
  /** The peer's SPIFFE ID must be one of these. */
  | { readonly kind: 'mutual'; readonly identities: readonly string[] }
  /** An outside host. */
  | { readonly kind: 'tls'; readonly serverName: string; readonly roots: readonly string[] | null }

/** What this proxy has learned about one endpoint, kept by address, port and transport. Outlives snapshots: a new weight or label replaces `endpoint` and loses nothing. */
export interface Host {
  endpoint: Endpoint
  /** Requests in flight. */
  active: number
  /** Requests since the start. */
  total: number
  /** Failures to connect since the last success. */
  connectFailures: number
  /** Monotonic, ms: not picked before, while others can serve; 0 when it is fine. */
  avoidUntil: number
  /** Idle time after which this server was seen to close a connection, ms; Infinity until it was seen. */
  learnedIdleMs: number
  /** It answered with a receipt: whoever is there can't hand requests over at present. */
  gaveReceipt(): void
}

/** `127.0.0.1:8080`, `[::1]:8080`. */
export function endpointName(endpoint: { readonly address: string; readonly port: number }): string {
  return endpoint.address.includes(':') ? `[${endpoint.address}]:${endpoint.port}` : `${endpoint.address}:${endpoint.port}`
}
