import type net from 'node:net'
import { giveOutput, type OutputBuffer, SHARED_READ_BUFFER, takeOutput } from './buffers.ts'
import { giveBack, isSlabFree, leaveSlab, takeSlab } from './slabs.ts'
import { flushAtEndOfTurn } from './turn.ts'

/** Octets that may wait for a slow peer before `write` says false: enough to keep a 1 Gbit/s path of 1 ms full. */
export const HIGH_WATER_BYTES = 131_072
/** Up to this size a chunk is copied beside what waits, so that both leave in one plain write; above it a copy costs more than a gathering write. */
const MAX_COPIED_BYTES = 8_192
/** A chunk of this size is worth a system call of its own: written at once, its buffer can be read into again while the cache still has it. */
const MIN_WRITTEN_AT_ONCE = 32_768

/** What a connection tells its owner. */
export interface SocketEvents {
  /** `octets[0..end)` came in. Unless `isOwned`, they are valid only until this returns, and may be changed by the owner until then. */
  data(octets: Buffer, end: number, isOwned: boolean): void
  /** The peer has half-closed. */
  ended(): void
  /** What was written has left, after `write` or `isFull` said that it had not. May come without need. */
  drained(): void
  /** Called once, last. The error of the operating system, or null. */
  closed(error: Error | null): void
}

const NO_EVENTS: SocketEvents = { data() {}, ended() {}, drained() {}, closed() {} }

/** How a connection's octets are read: into one shared buffer (cheap), or by `data` events (the documented fallback). */
export type ReadMode = 'onread' | 'data'

/**
 * One TCP connection of either side. Everything written in one turn of the event loop leaves in one write; reads go into one buffer that all
 * connections share, until a body is streamed.
 *
 * Writers put octets at `octets[end]` after `reserve`, and then call `flush` (the message is whole) or `schedule` (more may follow in this turn).
 */
export class RawSocket {
  events: SocketEvents = NO_EVENTS
  readonly socket: net.Socket
  /** Where the next octets are written, from `end`. Valid after `reserve`. */
  octets: Buffer = SHARED_READ_BUFFER
  end = 0
  octetsIn = 0
  /** Handed to the operating system or waiting for it. */
  octetsOut = 0
  isClosed = false
  /** The peer's FIN has been seen. */
  hasEnded = false
  /** While true `write` leaves flushing to its caller, who is about to know whether the message is whole. */
  isComposing = false
  #output: OutputBuffer | null = null
  /** Start of what is in `octets` and not yet in `#queue`. */
  #from = 0
  #queue: Buffer[] | null = null
  #queued = 0
  #isScheduled = false
  #isPaused = false
  #isEnding = false
  #error: Error | null = null
  #hasFailedWrite = false
  /** What reads go into now. */
  #reading: Buffer | null = null
  #isPrivate = false
  /** Chunks that the operating system has not taken yet. */
  #held: Buffer[] | null = null

  /** @param open makes the socket; gets the `onread` option to give it, or undefined in `data` mode. */
  constructor(mode: ReadMode, open: (onread: net.OnReadOpts | undefined) => net.Socket) {
    if (mode === 'onread') {
      this.socket = open({ buffer: () => this.#takeNextRead(), callback: (count, octets) => this.#received(octets as Buffer, count) })
    } else {
      this.socket = open(undefined)
      this.socket.on('data', (octets: Buffer) => this.#arrived(octets))
    }
    this.#readOnAfterFailedWrite()
    this.socket.on('end', () => this.#ended())
    this.socket.on('drain', () => this.#drained())
    this.socket.on('error', error => {
      this.#error = error
    })
    this.socket.on('close', () => this.#closed())
  }

  get isPaused(): boolean {
    return this.#isPaused
  }

  /** More than the high-water mark waits for the peer: who writes more should stop until `drained`. */
  get isFull(): boolean {
    return this.socket.writableLength >= HIGH_WATER_BYTES
  }

  /** Octets that the operating system has not taken yet, those of this turn left out. */
  get unsent(): number {
    return this.isClosed ? 0 : this.socket.writableLength
  }

  /** Takes the connection over: sets who is told, and begins to read. */
  start(events: SocketEvents): void {
    this.events = events
    this.resume()
  }

  /** From now on reads go into private buffers (`isOwned`), or again into the shared one. */
  readPrivately(isPrivate: boolean): void {
    this.#isPrivate = isPrivate
  }

  /** Makes room for `size` more octets at `end`. */
  reserve(size: number): void {
    const output = this.#output
    if (output !== null && this.end + size <= output.octets.length) return
    if (output !== null) this.flush()
    // What a flush left waiting keeps its own buffer.
    this.#output = takeOutput(size)
    this.octets = this.#output.octets
    this.end = this.#from = 0
  }

  /** Takes over `chunk`. False: the peer is slow, wait for `drained`. Leaves with the end of the turn. */
  write(chunk: Buffer): boolean {
    const length = chunk.length
    if (length <= MAX_COPIED_BYTES) {
      this.reserve(length)
      chunk.copy(this.octets, this.end)
      this.end += length
      giveBack(chunk)
    } else {
      this.#cut()
      this.#queue ??= []
      this.#queue.push(chunk)
      this.#queued += length
      if (this.#queued >= HIGH_WATER_BYTES || (length >= MIN_WRITTEN_AT_ONCE && !this.isComposing)) {
        this.flush()
        return !this.isFull
      }
    }
    this.schedule()
    return !this.isFull
  }

  /** Flushes at the end of this turn of the event loop. */
  schedule(): void {
    if (this.#isScheduled || this.isComposing) return
    this.#isScheduled = true
    flushAtEndOfTurn(this)
  }

  /** Called by the end of the turn alone. */
  flushScheduled(): void {
    this.#isScheduled = false
    this.flush()
  }

  /** Hands everything written to the operating system, in one write. */
  flush(): void {
    const output = this.#output
    if (output === null && this.#queued === 0) return
    if (this.#queued !== 0) this.#flushQueue()
    else if (output !== null && this.end !== 0) this.#send(output.view(this.end))
    this.#output = null
    this.end = this.#from = 0
    if (output === null) return
    if (this.socket.writableLength === 0) giveOutput(output)
  }

  pause(): void {
    if (this.#isPaused) return
    this.#isPaused = true
    this.socket.pause()
  }

  resume(): void {
    if (!this.#isPaused) return
    this.#isPaused = false
    this.socket.resume()
  }

  /** Half-closes after what was written. */
  finish(): void {
    if (this.#isEnding) return
    this.flush()
    this.#isEnding = true
    this.socket.end()
  }

  /** Closes at once; what the operating system has not taken is lost. */
  destroy(): void {
    this.flush()
    this.socket.destroy()
  }

  /** Closes with a reset, so that the peer can't take what it has for the whole. */
  reset(): void {
    this.socket.resetAndDestroy()
  }

  /**
   * A peer may answer and close while it is still being sent to: a server that refuses an upload does. The next write then fails, although the answer
   * lies in the receive buffer, and Node would close at once. Here the close after a failed write waits for one poll, in which that is read.
   */
  #readOnAfterFailedWrite(): void {
    const { socket } = this
    const destroy = socket.destroy
    socket.destroy = (error?: NodeJS.ErrnoException) => {
      if (error?.syscall !== 'write' || this.#hasFailedWrite) return destroy.call(socket, error)
      this.#hasFailedWrite = true
      // The first may come before the loop polls; the second can't.
      setImmediate(() => setImmediate(() => destroy.call(socket, error)))
      return socket
    }
  }

  #takeNextRead(): Uint8Array {
    const present = this.#reading
    // Nothing: the present buffer goes on being used, without a call into the engine.
    if (this.#isPrivate ? present !== null && isSlabFree(present) : present === SHARED_READ_BUFFER)
      return undefined as unknown as Uint8Array
    if (present !== null) leaveSlab(present)
    this.#reading = this.#isPrivate ? takeSlab() : SHARED_READ_BUFFER
    return this.#reading
  }

  #received(octets: Buffer, count: number): boolean {
    this.octetsIn += count
    // A short read is cheaper to copy than to lend a slab for.
    this.events.data(octets, count, octets !== SHARED_READ_BUFFER && count > MAX_COPIED_BYTES)
    return !this.#isPaused
  }

  #arrived(octets: Buffer): void {
    this.octetsIn += octets.length
    this.events.data(octets, octets.length, true)
  }

  #drained(): void {
    if (this.#held !== null) this.#release([])
    this.events.drained()
  }

  #ended(): void {
    this.hasEnded = true
    this.events.ended()
  }

  #closed(): void {
    if (this.isClosed) return
    this.isClosed = true
    this.#output = null
    this.#queue = null
    this.#held = null
    this.#queued = 0
    this.end = this.#from = 0
    if (this.#reading !== null) leaveSlab(this.#reading)
    this.events.closed(this.#error)
  }

  /** Moves what is in the output buffer to the queue, so that a chunk can follow it. */
  #cut(): void {
    if (this.end === this.#from) return
    const part = this.octets.subarray(this.#from, this.end)
    this.#queue ??= []
    this.#queue.push(part)
    this.#queued += part.length
    this.#from = this.end
  }

  #flushQueue(): void {
    this.#cut()
    const queue = this.#queue as Buffer[]
    this.#queue = null
    this.#queued = 0
    if (queue.length === 1) this.#send(queue[0] as Buffer)
    else {
      this.socket.cork()
      for (const part of queue) this.#send(part)
      this.socket.uncork()
    }
    this.#release(queue)
  }

  /** Gives back the chunks of a flush, and those of earlier ones, once the operating system has taken every octet. */
  #release(chunks: Buffer[]): void {
    const all = this.#held === null ? chunks : this.#held.concat(chunks)
    const isTaken = this.socket.writableLength === 0
    this.#held = isTaken ? null : all
    if (isTaken) for (const chunk of all) giveBack(chunk)
  }

  #send(octets: Buffer): void {
    if (this.#isEnding || this.#hasFailedWrite || this.isClosed || this.socket.destroyed) return
    this.octetsOut += octets.length
    this.socket.write(octets)
  }
}
