import net from 'node:net'
import { MeshError } from '../../../proxy/errors.ts'
import { EMPTY_BODY } from '../../../proxy/http/body.ts'
import { FieldList } from '../../../proxy/http/fields.ts'
import type { Connection, Destination, Incoming, Response } from '../../../proxy/http/message.ts'
import { connectHttp1 } from '../../../proxy/http1/client.ts'
import { limits as allLimits, type Limits } from '../../../proxy/http1/limits.ts'
import { serveHttp1 } from '../../../proxy/http1/server.ts'
import type { Http1Server } from '../../../proxy/http1/server-options.ts'
import { type Acceptor, listen } from '../../../proxy/net/acceptor.ts'
import { dial } from '../../../proxy/net/dial.ts'
import type { ReadMode } from '../../../proxy/net/socket.ts'
import { Counters } from '../../../proxy/util/counters.ts'
import { TimerWheel } from '../../../proxy/util/timers.ts'

const HERE = '127.0.0.1'
const DESTINATION: Destination = { direction: 'outbound', connect: null, original: null }

/** Octets over a real socket, said and awaited. */
export class Wire {
  readonly socket: net.Socket
  received = ''
  isEnded = false
  isClosed = false
  #waiting: (() => void)[] = []

  constructor(socket: net.Socket) {
    this.socket = socket
    socket.on('data', octets => {
      this.received += octets.toString('latin1')
      this.#wake()
    })
    socket.on('end', () => {
      this.isEnded = true
      this.#wake()
    })
    socket.on('close', () => {
      this.isClosed = this.isEnded = true
      this.#wake()
    })
    socket.on('error', () => {})
  }

  static connect(port: number): Wire {
    return new Wire(net.connect({ port, host: HERE, noDelay: true, allowHalfOpen: true }))
  }

  say(text: string | Buffer): this {
    this.socket.write(typeof text === 'string' ? Buffer.from(text, 'latin1') : text)
    return this
  }

  /** Says it octet by octet, each in a segment of its own as far as the system lets it. */
  async spell(text: string): Promise<void> {
    for (const character of text) {
      this.say(character)
      await new Promise(resolve => setImmediate(resolve))
    }
  }

  end(): this {
    this.socket.end()
    return this
  }

  /** Resolves with all that was received, once it holds `what`. Rejects when the connection ends before. */
  async hears(what: string | RegExp): Promise<string> {
    const isThere = () => (typeof what === 'string' ? this.received.includes(what) : what.test(this.received))
    while (!isThere()) {
      if (this.isEnded) throw new Error(`ended before ${what}: ${JSON.stringify(this.received)}`)
      await this.#changed()
    }
    return this.received
  }

  /** Resolves with all that was received, once the other side has closed. */
  async ended(): Promise<string> {
    while (!this.isEnded) await this.#changed()
    return this.received
  }

  forget(): void {
    this.received = ''
  }

  #changed(): Promise<void> {
    return new Promise(resolve => this.#waiting.push(resolve))
  }

  #wake(): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (const each of waiting) each()
  }
}

/** What a scripted upstream does with each connection. */
export type Script = (wire: Wire) => unknown

export interface Bench {
  readonly port: number
  readonly acceptor: Acceptor
  readonly counters: Counters
  readonly wheel: TimerWheel
  readonly servers: Http1Server[]
  readonly refusals: MeshError[]
  /** How each exchange ended, in order: null or the code. */
  readonly ends: (string | null)[]
  readonly idle: Connection[]
  advance(ms: number): void
  connect(): Wire
  close(): Promise<void>
}

export interface BenchOptions {
  /** Answers each request; left out: it goes to `upstream`. */
  readonly handle?: (incoming: Incoming) => void
  readonly upstream?: Script
  readonly limits?: Partial<Limits>
  readonly upgrades?: readonly string[]
  readonly readMode?: ReadMode
}

/** A server of ours, and behind it, where asked for, a client of ours and a scripted upstream. Time is by hand. */
export async function bench(options: BenchOptions): Promise<Bench> {
  const clock = { time: 1000, now: () => clock.time }
  const wheel = new TimerWheel(clock)
  const counters = new Counters()
  const limits = allLimits(options.limits)
  const servers: Http1Server[] = []
  const refusals: MeshError[] = []
  const ends: (string | null)[] = []
  const idle: Connection[] = []
  const wires: Wire[] = []
  const upstream = options.upstream === undefined ? null : await script(options.upstream)
  const events = {
    available: (connection: Connection) => void idle.push(connection),
    closed: (connection: Connection) => {
      if (idle.includes(connection)) idle.splice(idle.indexOf(connection), 1)
    },
  }
  const forward = async (incoming: Incoming): Promise<void> => {
    const mode = options.readMode === undefined ? {} : { readMode: options.readMode }
    try {
      const connection =
        idle.pop() ??
        connectHttp1(await dial({ address: HERE, port: upstream?.port ?? 0 }, { timers: wheel, timeoutMs: 1000, ...mode }), {
          timers: wheel,
          counters,
          name: 'upstream',
          events,
          limits,
        })
      const { head, body, cancelled } = incoming
      incoming.respond(await connection.send({ head, body, cancelled, informational: head => incoming.informational(head) }))
    } catch (error) {
      if (!(error instanceof MeshError)) throw error
      incoming.body.cancel(error)
      incoming.respond(answer(error.row.status || 503, error.code))
    }
  }
  const handlers = {
    request(incoming: Incoming) {
      incoming.finished = error => ends.push(error?.code ?? null)
      if (options.handle !== undefined) options.handle(incoming)
      else void forward(incoming)
    },
    refused: (_peer: unknown, error: MeshError) => void refusals.push(error),
  }
  const listening = await listen(
    { address: HERE, port: 0 },
    {
      counters,
      ...(options.readMode === undefined ? {} : { readMode: options.readMode }),
      accept: socket =>
        void servers.push(
          serveHttp1(
            socket,
            {
              timers: wheel,
              counters,
              destination: DESTINATION,
              limits,
              ...(options.upgrades === undefined ? {} : { upgrades: options.upgrades }),
            },
            handlers,
          ),
        ),
    },
  )
  if (!listening.ok) throw new Error(listening.message)
  const { acceptor } = listening
  return {
    port: acceptor.address.port,
    acceptor,
    counters,
    wheel,
    servers,
    refusals,
    ends,
    idle,
    advance(ms) {
      clock.time += ms
      wheel.advance()
    },
    connect() {
      const wire = Wire.connect(acceptor.address.port)
      wires.push(wire)
      return wire
    },
    async close() {
      for (const wire of wires) wire.socket.destroy()
      for (const connection of [...idle]) connection.drain()
      acceptor.destroyConnections()
      await acceptor.stop()
      upstream?.close()
    },
  }
}

/** A response with a text body, or none. */
export function answer(status: number, text: string): Response {
  const octets = Buffer.from(text)
  if (octets.length === 0) return { head: { status, headers: new FieldList() }, body: EMPTY_BODY }
  let isCancelled = false
  const body = {
    length: octets.length,
    pipe(sink: { data(chunk: Buffer): boolean; end(trailers: null): void }) {
      sink.data(octets)
      if (!isCancelled) sink.end(null)
    },
    pause() {},
    resume() {},
    cancel() {
      isCancelled = true
    },
  }
  return { head: { status, headers: new FieldList() }, body }
}

/** A listener that plays `play` on each connection. */
export async function script(play: Script): Promise<{ port: number; close(): void }> {
  const open = new Set<net.Socket>()
  const server = net.createServer({ allowHalfOpen: true, noDelay: true }, socket => {
    open.add(socket)
    socket.on('close', () => open.delete(socket))
    void Promise.resolve(play(new Wire(socket))).catch(() => socket.destroy())
  })
  await new Promise<void>(resolve => server.listen(0, HERE, resolve))
  return {
    port: (server.address() as net.AddressInfo).port,
    close() {
      for (const socket of open) socket.destroy()
      server.close()
    },
  }
}

/** Resolves after the event loop has turned often enough for local octets to have gone round. Only for what must NOT happen. */
export async function turns(count = 20): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise(resolve => setImmediate(resolve))
}

/** Waits until `condition` holds; tap's own deadline ends a test in which it never does. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise(resolve => setImmediate(resolve))
}
