import net from 'node:net'
import type { MeshError } from '../../../proxy/errors.ts'
import { Decoder } from '../../../proxy/hpack/decoder.ts'
import { Encoder } from '../../../proxy/hpack/encoder.ts'
import { lineOf } from '../../../proxy/hpack/lines.ts'
import { Page } from '../../../proxy/hpack/output.ts'
import type { Body, BodySink } from '../../../proxy/http/body.ts'
import { FieldList, type Fields } from '../../../proxy/http/fields.ts'
import type { Incoming, Response } from '../../../proxy/http/message.ts'
import { FLAG, FRAME, PREFACE } from '../../../proxy/http2/codes.ts'
import { FrameReader } from '../../../proxy/http2/frame-reader.ts'
import { type Http2Limits, http2Limits } from '../../../proxy/http2/limits.ts'
import { type Http2Server, serveHttp2 } from '../../../proxy/http2/server.ts'
import { type Acceptor, listen } from '../../../proxy/net/acceptor.ts'
import { Counters } from '../../../proxy/util/counters.ts'
import { HandClock } from '../../support/hand-clock.ts'
import { frame } from '../../unit/http2/support.ts'

const HERE = '127.0.0.1'

/** A frame as the peer has received it. */
export interface Seen {
  readonly type: number
  readonly flags: number
  readonly id: number
  /** Of HEADERS: `name: value` of each line. */
  readonly lines: readonly string[]
  readonly payload: Buffer
}

/** The other end of a connection, in the hands of the test: it says what it likes, and remembers every frame. */
export class FramePeer {
  readonly socket: net.Socket
  readonly seen: Seen[] = []
  isEnded = false
  readonly #encoder = new Encoder()
  #waiting: (() => void)[] = []

  /** @param skipped octets that come before the first frame: the preface, where this peer is the server. */
  constructor(socket: net.Socket, skipped = 0) {
    this.socket = socket
    let toSkip = skipped
    const decoder = new Decoder({ maxListBytes: 1_000_000, maxLines: 10_000 })
    let data: { readonly flags: number; readonly id: number; readonly chunks: Buffer[] } = { flags: 0, id: 0, chunks: [] }
    const reader = new FrameReader({
      frame: (type, flags, id, octets, start, end) => {
        const lines: string[] = []
        if (type === FRAME.HEADERS && (flags & FLAG.END_HEADERS) !== 0) {
          if (!decoder.decode(octets, start, end)) throw new Error(decoder.fault)
          for (const line of decoder.lines) lines.push(`${line.name}: ${line.value}`)
        }
        this.seen.push({ type, flags, id, lines, payload: Buffer.from(octets.subarray(start, end)) })
      },
      dataBegun: (flags, id) => {
        data = { flags, id, chunks: [] }
      },
      dataCame: (octets, start, end) => void data.chunks.push(Buffer.from(octets.subarray(start, end))),
      dataEnded: () => void this.seen.push({ type: FRAME.DATA, ...data, lines: [], payload: Buffer.concat(data.chunks) }),
      unreadable: (_code, reason) => {
        throw new Error(reason)
      },
    })
    socket.on('data', (octets: Buffer) => {
      const from = Math.min(toSkip, octets.length)
      toSkip -= from
      reader.read(octets, from, octets.length, false)
      this.#wake()
    })
    for (const event of ['end', 'close'])
      socket.on(event, () => {
        this.isEnded = true
        this.#wake()
      })
    socket.on('error', () => {})
  }

  say(...frames: readonly Buffer[]): this {
    this.socket.write(Buffer.concat(frames))
    return this
  }

  /** The preface and empty SETTINGS. @param settings hexadecimal. */
  greet(settings = ''): this {
    return this.say(PREFACE, frame(FRAME.SETTINGS, 0, 0, settings), frame(FRAME.SETTINGS, FLAG.ACK, 0, ''))
  }

  /** A block as this peer encodes it. */
  block(lines: Record<string, string>): Buffer {
    const page = new Page(8)
    const all = Object.entries(lines).map(([name, value]) => lineOf(name, value))
    page.reserve(Encoder.room(all.reduce((sum, line) => sum + line.size, 0)))
    this.#encoder.begin(page)
    for (const line of all) this.#encoder.write(page, line)
    return page.octets.subarray(0, page.end)
  }

  /** HEADERS of a request. */
  request(id: number, isEnd: boolean, more: Record<string, string> = {}): Buffer {
    const lines = { ':method': isEnd ? 'GET' : 'POST', ':scheme': 'http', ':authority': 'orders', ':path': '/', ...more }
    return frame(FRAME.HEADERS, FLAG.END_HEADERS | (isEnd ? FLAG.END_STREAM : 0), id, this.block(lines))
  }

  data(id: number, octets: string | Buffer, isEnd: boolean): Buffer {
    return frame(FRAME.DATA, isEnd ? FLAG.END_STREAM : 0, id, Buffer.from(octets as string))
  }

  /** The first frame seen that fits, waited for. */
  async hears(fits: (frame: Seen) => boolean): Promise<Seen> {
    for (;;) {
      const found = this.seen.find(fits)
      if (found !== undefined) return found
      if (this.isEnded) throw new Error(`the connection ended; seen: ${JSON.stringify(this.seen)}`)
      await new Promise<void>(resolve => this.#waiting.push(resolve))
    }
  }

  hearsEnd(id: number): Promise<Seen> {
    return this.hears(frame => frame.id === id && (frame.type === FRAME.DATA || frame.type === FRAME.HEADERS) && (frame.flags & 1) === 1)
  }

  /** Error code of the RST_STREAM of a stream. */
  async hearsReset(id: number): Promise<number> {
    return (await this.hears(frame => frame.type === FRAME.RST_STREAM && frame.id === id)).payload.readUInt32BE(0)
  }

  /** Last stream id and error code of each GOAWAY so far, once there are as many. */
  async hearsGoAway(count = 1): Promise<{ readonly last: number; readonly code: number }[]> {
    for (;;) {
      const all = this.seen.filter(frame => frame.type === FRAME.GOAWAY)
      if (all.length >= count) return all.map(({ payload }) => ({ last: payload.readUInt32BE(0), code: payload.readUInt32BE(4) }))
      if (this.isEnded) throw new Error(`the connection ended; seen: ${JSON.stringify(this.seen)}`)
      await new Promise<void>(resolve => this.#waiting.push(resolve))
    }
  }

  async ended(): Promise<void> {
    while (!this.isEnded) await new Promise<void>(resolve => this.#waiting.push(resolve))
  }

  /** Octets of a stream's DATA so far. */
  received(id: number): number {
    return this.seen.reduce((sum, { type, id: of, payload }) => (type === FRAME.DATA && of === id ? sum + payload.length : sum), 0)
  }

  text(id: number): string {
    return Buffer.concat(this.seen.filter(each => each.type === FRAME.DATA && each.id === id).map(each => each.payload)).toString('latin1')
  }

  #wake(): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (const each of waiting) each()
  }
}

export interface Bench {
  readonly port: number
  readonly acceptor: Acceptor
  readonly counters: Counters
  readonly clock: HandClock
  readonly servers: Http2Server[]
  readonly refusals: MeshError[]
  /** How each exchange ended, in order: null or the code. */
  readonly ends: (string | null)[]
  connect(): FramePeer
}

/** A server of ours that `handle` answers for. Time is by hand; all is closed when the test ends. */
export async function bench(
  t: { teardown(done: () => unknown): void },
  handle: (incoming: Incoming) => void,
  limits: Partial<Http2Limits> = {},
): Promise<Bench> {
  const clock = new HandClock()
  const counters = new Counters()
  const servers: Http2Server[] = []
  const refusals: MeshError[] = []
  const ends: (string | null)[] = []
  const listening = await listen(
    { address: HERE, port: 0 },
    {
      counters,
      accept(socket) {
        const options = {
          timers: clock.wheel,
          counters,
          destination: { direction: 'inbound', connect: null, original: null },
          limits: http2Limits(limits),
        } as const
        const server = serveHttp2(socket, options, {
          request(incoming) {
            incoming.finished = error => ends.push(error?.code ?? null)
            handle(incoming)
          },
          refused: (_peer, error) => void refusals.push(error),
        })
        servers.push(server)
      },
    },
  )
  if (!listening.ok) throw new Error(listening.message)
  const { acceptor } = listening
  t.teardown(async () => {
    acceptor.destroyConnections()
    await acceptor.stop()
  })
  return {
    port: acceptor.address.port,
    acceptor,
    counters,
    clock,
    servers,
    refusals,
    ends,
    connect: () => new FramePeer(net.connect({ port: acceptor.address.port, host: HERE, noDelay: true, allowHalfOpen: true })),
  }
}

/** A body that the test gives by hand, and that remembers what was asked of it. */
export class HandBody implements Body {
  length: number | null = null
  isPaused = false
  cancelled: MeshError | null = null
  sink: BodySink | null = null

  pipe(sink: BodySink): void {
    this.sink = sink
  }

  /** Gives a chunk; pauses as the contract says. */
  give(octets: string | Buffer): void {
    if (this.sink?.data(Buffer.from(octets as string)) === false) this.isPaused = true
  }

  pause(): void {
    this.isPaused = true
  }

  resume(): void {
    this.isPaused = false
  }

  cancel(reason: MeshError): void {
    this.cancelled = reason
    this.sink = null
  }
}

export function response(status: number, body: Body, headers: [string, string][] = []): Response {
  return { head: { status, headers: new FieldList(headers) }, body }
}

/** What has come of a request's body. */
export class Collected implements BodySink {
  text = ''
  trailers: Fields | null = null
  isEnded = false
  error: MeshError | null = null
  isOpen = true

  data(chunk: Buffer): boolean {
    this.text += chunk.toString('latin1')
    return this.isOpen
  }

  end(trailers: Fields | null): void {
    this.isEnded = true
    this.trailers = trailers
  }

  fail(error: MeshError): void {
    this.error = error
  }
}
