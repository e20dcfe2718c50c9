import type { HostPort } from './net/address.ts'
import type { LineWriter } from './telemetry/line-writer.ts'
import type { ProcessLog } from './telemetry/log.ts'
import type { Collector, Tracer } from './telemetry/tracer.ts'
import type { Counters } from './util/counters.ts'
import type { Timers } from './util/timers.ts'

/** What a sidecar is started with. All addresses may have port 0. */
export interface ProxyOptions {
  readonly service: string
  readonly namespace: string
  readonly labels: Readonly<Record<string, string>>
  /** Unique among sidecars. */
  readonly nodeId: string
  readonly build: string
  /** Where the app listens. */
  readonly app: HostPort
  /** Path that the app answers 2xx or 3xx when it is ready; null: its port accepts a connection. */
  readonly appHealthPath: string | null
  /** The control plane's xDS port. */
  readonly control: HostPort
  readonly outbound: HostPort
  readonly inbound: HostPort
  readonly admin: HostPort
  readonly health: HostPort
  /** Where peers reach the inbound listener; null: the address that the control plane sees, with the inbound port. */
  readonly advertise: HostPort | null
  /** Folder for the last good configuration; null: none is kept. */
  readonly dataDir: string | null
  /** Null: the system's. */
  readonly dnsServer: HostPort | null
  /** Where spans go; null: none are made. */
  readonly otlp: Collector | null
  readonly drainTimeoutMs: number
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error'
}

/** What is made before a sidecar is. */
export interface SidecarParts {
  /** Standard error, where the log and the access log go. */
  readonly lines: LineWriter
  readonly log: ProcessLog
  readonly timers: Timers
  readonly counters: Counters
  /** Null: no spans are exported. */
  readonly tracer: Tracer | null
}

/** The addresses that the listeners took. */
export interface ProxyAddresses {
  readonly outbound: HostPort
  readonly inbound: HostPort
  readonly admin: HostPort
  readonly health: HostPort
}

/** What came of a start. `flag` is the one that chooses another address. */
export type Started =
  | { readonly ok: true; readonly proxy: RunningProxy }
  | { readonly ok: false; readonly message: string; readonly flag: 'outbound' | 'inbound' | 'admin' | 'health' | 'app' }

/** A sidecar that is running. */
export interface RunningProxy {
  readonly addresses: ProxyAddresses
  /** Resolves once the app can send: there is a configuration. */
  readonly outboundReady: Promise<void>
  /** Resolves when an operator asks for an end by the admin port. */
  readonly asked: Promise<'drain' | 'quit'>
  /** Leaves as an endpoint, so that no caller sees it; outbound stays open. A second call joins the first: callers are told once. */
  leave(): Promise<void>
  /** Closes everything: outbound finishes what is in flight, for at most the drain timeout. */
  close(): Promise<void>
}
