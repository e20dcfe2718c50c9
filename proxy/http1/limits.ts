/** What one HTTP/1.1 connection may take of this process. Refusals are counted (`downstream_*`, `upstream_protocol_error`); limits that only make a peer wait are not. */
export interface Limits {
  /** Octets of a head, start line included: 431. A response's: UPSTREAM_PROTOCOL. */
  readonly maxHeadBytes: number
  /** Field lines of a head: 431. Each costs 20 octets of index, and a scan for each look-up. */
  readonly maxFields: number
  /** Octets of a request target: 414. */
  readonly maxTargetBytes: number
  /** From the first octet of a head to its last, ms: 408. Slow loris: a client that holds a connection by sending an octet now and then. */
  readonly headTimeoutMs: number
  /** How long a kept-alive connection waits for its next request, ms. */
  readonly idleTimeoutMs: number
  /** Octets of a request's body: 413. Null: as many as come, since they are streamed and never kept. */
  readonly maxBodyBytes: number | null
  /** Octets of a trailer section. */
  readonly maxTrailerBytes: number
  /** Octets of a chunk's extensions, which nobody reads: an endless line would never end. */
  readonly maxChunkExtensionBytes: number
  /** Octets of pipelined requests that are read before the one in hand is answered; then reading pauses. */
  readonly maxPipelinedBytes: number
  /** Informational responses before the final one. More is a server that never answers. */
  readonly maxInformational: number
  /** Octets of an unwanted request body that are discarded, so that the answer is not lost to a reset. */
  readonly maxDiscardedBytes: number
  /** How long they are discarded, ms. */
  readonly lingerMs: number
  /** How long a terminated CONNECT waits for the client's first octets, ms: after that the server may be the one who speaks first. */
  readonly sniffMs: number
}

/** The defaults. */
export const DEFAULT_LIMITS: Limits = {
  maxHeadBytes: 32_768, // twice Node's own, half of Envoy's: cookies of 16 KiB pass
  maxFields: 128, // Envoy has 100, Apache 100
  maxTargetBytes: 16_384, // longer than any browser sends
  headTimeoutMs: 10_000, // a head is one packet; haproxy recommends 10 s
  idleTimeoutMs: 3_600_000, // Envoy's: longer than any client keeps a connection, so that the client closes first and no request is lost
  maxBodyBytes: null,
  maxTrailerBytes: 8_192, // gRPC status and a few checksums
  maxChunkExtensionBytes: 256, // nobody uses them but to tire parsers
  maxPipelinedBytes: 32_768, // one head limit: the next request can be parsed when its turn comes
  maxInformational: 16, // 100, a few 102 and 103
  maxDiscardedBytes: 262_144,
  lingerMs: 1_000,
  sniffMs: 3_000,
}

/** @param changes what differs from the defaults. */
export function limits(changes: Partial<Limits> = {}): Limits {
  return { ...DEFAULT_LIMITS, ...changes }
}
