/**
 * What one HTTP/2 connection may take of this process. Those named `max...Flood` are allowances: so many at once, and a tenth of it more in each
 * second; a peer that is over one has its connection ended, ENHANCE_YOUR_CALM, and is counted.
 */
export interface Http2Limits {
  /** Streams of the peer at once. More are refused: REFUSED_STREAM, which any client may try again. */
  readonly maxStreams: number
  /** Octets that a stream may send ahead of who takes them: what a paused body costs. */
  readonly streamWindowBytes: number
  /** Octets that a connection may send ahead. They are given back at once, so that a paused stream never holds up others. */
  readonly connectionWindowBytes: number
  /** Octets of a header block as it comes, CONTINUATION included. More: the connection ends, since its table could not be kept in step. */
  readonly maxBlockBytes: number
  /** CONTINUATION frames of one block: a flood of them costs the peer nothing. */
  readonly maxContinuations: number
  /** Octets of a header list as RFC 9113 section 6.5.2 counts: 431. */
  readonly maxListBytes: number
  /** Field lines of a head: 431. */
  readonly maxFields: number
  /** Octets of a request target: 414. */
  readonly maxTargetBytes: number
  /** Informational responses before the final one. More is a server that never answers. */
  readonly maxInformational: number
  /** From the first octet of a header block, or of any frame, to its last, ms. Slow loris. */
  readonly headTimeoutMs: number
  /** From our SETTINGS to their acknowledgement, and from the connection's start to the preface, ms: SETTINGS_TIMEOUT. */
  readonly settingsTimeoutMs: number
  /** How long a connection without a stream stays, ms. */
  readonly idleTimeoutMs: number
  /** Silence of a connection with streams after which a PING asks whether the peer is still there, ms. */
  readonly pingAfterMs: number
  /** How long the answer may take, ms. */
  readonly pingTimeoutMs: number
  /** How long octets may wait for the peer's windows, or for its reading, without one of them leaving, ms. A peer that keeps its windows shut holds all that was made for it. */
  readonly stallTimeoutMs: number
  /** From the first GOAWAY of a drain to the second one, ms, where the peer does not answer the PING between them. */
  readonly drainMs: number
  /** Streams that the peer resets, or that end by its fault: rapid reset (CVE-2023-44487). */
  readonly maxResetFlood: number
  /** SETTINGS frames: each is answered. */
  readonly maxSettingsFlood: number
  /** PING frames: each is answered. */
  readonly maxPingFlood: number
  /** WINDOW_UPDATE frames, besides ten for each DATA frame that we have sent. */
  readonly maxWindowUpdateFlood: number
  /** DATA frames without octets that end nothing. */
  readonly maxEmptyFrameFlood: number
  /** DATA frames of fewer octets than a gRPC message's prefix that end nothing: each costs a frame's work for next to nothing. */
  readonly maxTinyFrameFlood: number
  /** PRIORITY and unknown frames, which say nothing to us. */
  readonly maxPriorityFlood: number
}

/** The defaults. */
export const DEFAULT_HTTP2_LIMITS: Http2Limits = {
  maxStreams: 250, // Go's; gRPC clients queue above it
  streamWindowBytes: 262_144, // 2 Gbit/s at 1 ms; 250 streams that nobody reads hold 64 MiB
  connectionWindowBytes: 1_048_576, // four streams at full speed
  maxBlockBytes: 65_536, // nearly twice the list: literals as they are, and table updates
  maxContinuations: 8, // twice what a whole block needs in full frames; nghttp2's
  maxListBytes: 36_864, // the 32 KiB of HTTP/1.1, and 32 for each of 128 lines
  maxFields: 128, // as over HTTP/1.1
  maxTargetBytes: 16_384, // as over HTTP/1.1
  maxInformational: 16, // as over HTTP/1.1
  headTimeoutMs: 10_000, // as over HTTP/1.1
  settingsTimeoutMs: 10_000, // a round trip, and a process that has just started
  idleTimeoutMs: 3_600_000, // Envoy's, as over HTTP/1.1
  pingAfterMs: 60_000, // half of what NATs keep a silent connection
  pingTimeoutMs: 20_000, // gRPC's
  stallTimeoutMs: 300_000, // Envoy's stream idle timeout
  drainMs: 1_000, // a round trip, with much to spare
  maxResetFlood: 1_000, // nghttp2's; a deadline that passes for all streams four times over
  maxSettingsFlood: 100, // nobody changes settings more than once or twice
  maxPingFlood: 100, // gRPC probes its bandwidth with some
  maxWindowUpdateFlood: 10_000, // two for each chunk of a large download are usual
  maxEmptyFrameFlood: 100, // some libraries flush with one
  maxTinyFrameFlood: 10_000, // a terminal's key strokes
  maxPriorityFlood: 1_000, // browsers sent five at start, and one for each stream
}

/** @param changes what differs from the defaults. */
export function http2Limits(changes: Partial<Http2Limits> = {}): Http2Limits {
  return { ...DEFAULT_HTTP2_LIMITS, ...changes }
}
