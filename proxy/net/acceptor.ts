import net from 'node:net'
import type { Counters } from '../util/counters.ts'
import { formatHostPort, type HostPort } from './address.ts'
import { canAdopt } from './adopt.ts'
import { HIGH_WATER_BYTES, RawSocket, type ReadMode } from './socket.ts'

/** Connections that one listener holds at once: at 12 KiB of sockets and buffers each, well below a usual limit of open files. */
export const DEFAULT_MAX_CONNECTIONS = 10_000
/** Connections that wait to be accepted while one turn runs long. Linux cuts it to `net.core.somaxconn` (4,096). */
const BACKLOG = 4_096

export interface AcceptorOptions {
  readonly counters: Counters
  /** Above it a new connection is closed at once and counted. */
  readonly maxConnections?: number
  /** Left out: the cheap one where this Node can do it. */
  readonly readMode?: ReadMode
  /** Takes each connection, in the turn in which it was accepted; sets its `events`. */
  accept(socket: RawSocket): void
}

/** What came of listening. */
export type Listening =
  | { readonly ok: true; readonly acceptor: Acceptor }
  /** `code` is the operating system's, such as EADDRINUSE; `message` names the address. */
  | { readonly ok: false; readonly code: string; readonly message: string }

/** The part of Node's own TCP handle that is used. */
interface ListenHandle {
  onconnection: ((status: number, handle: ClientHandle | undefined) => void) | null
}

interface ClientHandle {
  setNoDelay(on: boolean): number
  close(): void
}

/** A listening socket and the connections that it took. */
export class Acceptor {
  /** As bound: the port is the one that was taken. */
  readonly address: HostPort
  readonly connections = new Set<RawSocket>()
  readonly #server: net.Server
  readonly #options: AcceptorOptions
  readonly #maxConnections: number

  constructor(server: net.Server, options: AcceptorOptions, mode: ReadMode) {
    const bound = server.address() as net.AddressInfo
    this.address = { address: bound.address, port: bound.port }
    this.#server = server
    this.#options = options
    this.#maxConnections = options.maxConnections ?? DEFAULT_MAX_CONNECTIONS
    server.on('error', () => options.counters.add('downstream_connections_refused'))
    if (mode === 'onread') this.#adoptConnections()
    else server.on('connection', socket => this.#take(new RawSocket('data', () => socket)))
  }

  /** Connections that are open. */
  get active(): number {
    return this.connections.size
  }

  /** Stops accepting; connections that are open stay. Resolves when the port is free. */
  stop(): Promise<void> {
    if (!this.#server.listening) return Promise.resolve()
    // Node's callback waits for the connections too; the handle itself is closed in this call.
    this.#server.close()
    return new Promise(resolve => setImmediate(resolve))
  }

  destroyConnections(): void {
    for (const socket of [...this.connections]) socket.destroy()
  }

  /** Takes the handle before Node wraps it, which is the only way to give an accepted connection `onread`. */
  #adoptConnections(): void {
    const handle = (this.#server as unknown as { _handle: ListenHandle })._handle
    handle.onconnection = (status, client) => {
      if (status !== 0 || client === undefined) return
      if (this.connections.size >= this.#maxConnections) {
        this.#options.counters.add('downstream_connections_refused')
        client.close()
        return
      }
      client.setNoDelay(true)
      this.#take(adopted(client))
    }
  }

  #take(socket: RawSocket): void {
    if (this.connections.size >= this.#maxConnections) {
      this.#options.counters.add('downstream_connections_refused')
      socket.socket.destroy()
      return
    }
    this.#options.counters.add('downstream_connections_accepted')
    this.connections.add(socket)
    socket.socket.once('close', () => this.connections.delete(socket))
    this.#options.accept(socket)
  }
}

function adopted(handle: ClientHandle): RawSocket {
  return new RawSocket(
    'onread',
    onread =>
      new net.Socket({
        handle,
        onread,
        allowHalfOpen: true,
        readable: true,
        writable: true,
        writableHighWaterMark: HIGH_WATER_BYTES,
      } as unknown as net.SocketConstructorOpts),
  )
}

/** Listens. Resolves in any case: what can go wrong (a busy port, a foreign address, no right) is a value that names the address. */
export async function listen(address: HostPort, options: AcceptorOptions): Promise<Listening> {
  const mode = options.readMode ?? ((await canAdopt()) ? 'onread' : 'data')
  const server = net.createServer({ noDelay: true, allowHalfOpen: true, highWaterMark: HIGH_WATER_BYTES })
  return new Promise(resolve => {
    server.once('error', (error: NodeJS.ErrnoException) =>
      resolve({ ok: false, code: error.code ?? 'UNKNOWN', message: explain(address, error) }),
    )
    server.listen({ host: address.address, port: address.port, backlog: BACKLOG }, () => {
      server.removeAllListeners('error')
      resolve({ ok: true, acceptor: new Acceptor(server, options, mode) })
    })
  })
}

const REASONS: Record<string, string> = {
  EADDRINUSE: 'another process listens there',
  EADDRNOTAVAIL: 'this machine does not have that address',
  EACCES: 'ports below 1024 need a right that this process does not have',
  ENOTFOUND: 'the name does not resolve',
}

function explain(address: HostPort, error: NodeJS.ErrnoException): string {
  return `cannot listen on ${formatHostPort(address)}: ${REASONS[error.code ?? ''] ?? error.message} (${error.code})`
}
