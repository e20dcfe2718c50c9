import type { Address } from '../values.ts'
import type { Listener } from './sockets.ts'

/** An HTTP answer, or why there was none. */
export type Got =
  | { readonly ok: true; readonly status: number; readonly text: string; readonly timing: Timing }
  | { readonly ok: false; readonly why: string }

/** When a request went, and what the server's clock said in between. Wall clock, ms. */
export interface Timing {
  readonly sentAt: number
  readonly gotAt: number
  /** Of the Date field, which has whole seconds; null: there was none. */
  readonly serverDate: number | null
}

/** What a name resolved to; an empty list never comes. */
export type Looked = { readonly ok: true; readonly addresses: readonly string[] } | { readonly ok: false; readonly why: string }

/** A folder as this user meets it. Of one that is not there, its nearest parent that is. */
export interface Folder {
  /** The folder itself, or the parent that was looked at. */
  readonly path: string
  readonly isThere: boolean
  readonly isFolder: boolean
  readonly isWritable: boolean
  /** Octets that this user may still write. */
  readonly freeBytes: number
}

/**
 * What checks may ask of the machine that they run on. Nothing is changed by any of it, and nothing rejects.
 * Every wait ends within WAIT_MS. Tests give their own.
 */
export interface Machine {
  readonly platform: NodeJS.Platform
  /** Such as `26.10.0`. */
  readonly nodeVersion: string
  readonly environment: Readonly<Record<string, string | undefined>>
  /** GET of a URL, never by way of HTTP_PROXY. */
  get(url: string): Promise<Got>
  /** Why nothing there speaks HTTP/2, as gRPC does; null: something does. */
  http2Failure(at: Address): Promise<string | null>
  /** Why the app does not answer; null: it does. @param path GET of it must be answered 2xx or 3xx; null: a connection is enough. */
  appFailure(at: Address, path: string | null): Promise<string | null>
  /** By the system's way: hosts file, then DNS. */
  lookup(host: string): Promise<Looked>
  /** Of its interfaces, v4-mapped ones as IPv4. */
  readonly ownAddresses: ReadonlySet<string>
  /** DNS servers of the system. */
  readonly dnsServers: readonly string[]
  /** Why none of them answers a question; null: one does, be it that there is no such name. */
  resolverFailure(): Promise<string | null>
  /** TCP sockets that listen, of everybody; null where the system does not tell (only Linux does). */
  listeners(): readonly Listener[] | null
  /** The process that holds a socket, such as `nginx (pid 12)`; null where it is not this user's to see. */
  ownerOf(listener: Listener): string | null
  /** Why an address cannot be bound: a code of the system, such as EADDRINUSE; null: it can. */
  bindFailure(at: Address): Promise<string | null>
  folder(path: string): Folder | null
  /** Most files that a process may have open; null where the system does not tell; infinite where there is no limit. */
  openFiles(): number | null
}
