import type { MeshError } from './errors.ts'
import type { Refusal } from './filter/observer.ts'
import type { RequestHead } from './http/head.ts'
import type { Incoming, Peer } from './http/message.ts'
import { serveHttp1 } from './http1/server.ts'
import type { Http1Server } from './http1/server-options.ts'
import { type Acceptor, listen } from './net/acceptor.ts'
import type { HostPort } from './net/address.ts'
import type { Log } from './telemetry/log.ts'
import type { Counters } from './util/counters.ts'
import type { Timers } from './util/timers.ts'

/** What a listener needs of the process. */
export interface ListenerOptions {
  readonly direction: 'inbound' | 'outbound'
  readonly timers: Timers
  readonly counters: Counters
  readonly log: Log
  /** `Upgrade` tokens besides `websocket` that become tunnels, as the snapshot in force says. */
  readonly upgrades: () => readonly string[]
  request(incoming: Incoming): void
  /** Hears of what was refused before there was an exchange. */
  refused(refusal: Refusal): void
}

/** What came of opening one. */
export type Opened = { readonly ok: true; readonly listener: Listener } | { readonly ok: false; readonly message: string }

/** One listener of the data path, with its connections. */
export class Listener {
  readonly address: HostPort
  readonly #acceptor: Acceptor
  readonly #servers: ReadonlySet<Http1Server>

  constructor(acceptor: Acceptor, servers: ReadonlySet<Http1Server>) {
    this.address = acceptor.address
    this.#acceptor = acceptor
    this.#servers = servers
  }

  get connections(): number {
    return this.#servers.size
  }

  /** Finishes what is in flight with `Connection: close`; idle connections close. */
  closeConnections(): void {
    for (const server of [...this.#servers]) server.drain()
  }

  /** Accepts no more. */
  stop(): Promise<void> {
    return this.#acceptor.stop()
  }

  destroy(): void {
    for (const server of [...this.#servers]) server.destroy()
    this.#acceptor.destroyConnections()
  }
}

/** Opens a listener that serves HTTP/1.1. Resolves in any case; `message` names the address that could not be taken. */
export async function openListener(at: HostPort, options: ListenerOptions): Promise<Opened> {
  const { direction, timers, counters, log } = options
  const servers = new Set<Http1Server>()
  const destination = { direction, connect: null, original: null } as const
  const refused = (peer: Peer, error: MeshError, head: RequestHead | null) => {
    options.refused({ direction, peer, error, head })
    log.debug('refused a request before there was an exchange', {
      direction,
      peer: `${peer.address}:${peer.port}`,
      code: error.code,
      reason: error.message,
    })
  }
  const opened = await listen(at, {
    counters,
    accept: socket => {
      const server = serveHttp1(
        socket,
        { timers, counters, destination, upgrades: ['websocket', ...options.upgrades()] },
        { request: incoming => options.request(incoming), refused },
      )
      servers.add(server)
      socket.socket.once('close', () => servers.delete(server))
    },
  })
  if (!opened.ok) return { ok: false, message: opened.message }
  return { ok: true, listener: new Listener(opened.acceptor, servers) }
}
