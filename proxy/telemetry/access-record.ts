/** One exchange, as the access log, the list of failures and a tap show it. Keys are those of the log's JSON lines, in their order; null: it does not apply. */
export interface AccessRecord {
  /** When the request began: RFC 3339 with milliseconds, UTC. */
  readonly time: string
  readonly direction: 'inbound' | 'outbound'
  readonly method: string
  /** As received, CONNECT's target included. */
  readonly authority: string
  /** As received, query included; null for CONNECT and for a head that could not be read. */
  readonly path: string | null
  readonly protocol: string
  /** Of the answer; 0: none was sent. */
  readonly status: number
  /** Envoy's, comma-joined; `-`: none. */
  readonly flags: string
  /** Of `proxy/errors.ts`; null: the answer is the app's own. */
  readonly code: string | null
  /** From the first octet of the head to the last of the answer. */
  readonly duration_ms: number
  /** From the start of the last try to the head of its answer. */
  readonly upstream_ms: number | null
  /** Of the bodies, or of the tunnel. */
  readonly bytes_in: number
  readonly bytes_out: number
  /** Tries that were sent on their way. */
  readonly attempts: number
  readonly route: string | null
  /** Document, rule, file and line. */
  readonly origin: string | null
  readonly cluster: string | null
  /** `IP:PORT` of the last try. */
  readonly endpoint: string | null
  /** `IP:PORT` of who called. */
  readonly peer: string
  /** Of the trace that it belongs to, whether that is recorded or not. */
  readonly trace_id: string | null
  readonly request_id: string | null
  readonly user_agent: string | null
  readonly grpc_status: number | null
  /** The failure in words, for operators only: what happened to which address, each endpoint's state; and why there was no other try (`budget`, ...). */
  readonly details: string | null
}
