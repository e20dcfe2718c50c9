import type { RemoteParent } from './propagation.ts'

/** By whom a span is seen: `server` takes a request, `client` makes one. */
export type SpanKind = 'server' | 'client'

export type Attributes = Readonly<Record<string, string | number>>

/** What is told of a span at its end: nothing is needed before. */
export interface SpanEnd {
  /** Of low cardinality. */
  readonly name: string
  readonly attributes: Attributes
  /** Why it failed; empty where the attributes say so; null: it did not. */
  readonly failure: string | null
  /** Monotonic, ms. */
  readonly at: number
}

/** One span that is recorded. Without an `end` it never was. */
export interface Span {
  /** 32 lower-case hexadecimal digits. */
  readonly traceId: string
  /** 16 lower-case hexadecimal digits. */
  readonly spanId: string
  /** Called at most once. */
  end(end: SpanEnd): void
}

/** Records spans and sends them to a collector. Never waits, never throws: what the collector does not take in time is dropped and counted. */
export interface Tracer {
  /** @param parent null: a new trace begins. @param at monotonic, ms. */
  start(kind: SpanKind, parent: RemoteParent | null, at: number): Span
  /** Sends what is left, for at most `CLOSE_TIMEOUT_MS`. */
  close(): Promise<void>
}

/** A collector of spans. */
export interface Collector {
  /** With the path that spans are posted to, where it is HTTP. */
  readonly url: string
  readonly protocol: 'grpc' | 'http'
}
