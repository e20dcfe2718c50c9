import type { RawSocket } from '../net/socket.ts'
import { INT31 } from './codes.ts'

/** A stream with octets that wait, as the scheduler sees it. */
export interface Waiting {
  next: Waiting | null
  isWaiting: boolean
  /** Octets are there, and the stream's own window lets some of them go. */
  readonly canSend: boolean
  /** Sends one frame, of at most `octets`, and takes them off the scheduler's window. */
  sendFrame(octets: number): void
}

/**
 * Shares a connection out among streams whose octets wait for its window or for its socket: one frame each in turn, so that none starves.
 * While nobody waits, streams write at once.
 */
export class Scheduler {
  /** Octets that the peer lets us send on this connection. */
  window = 65_535
  readonly #socket: RawSocket
  #first: Waiting | null = null
  #last: Waiting | null = null
  #isRunning = false

  constructor(socket: RawSocket) {
    this.#socket = socket
  }

  /** Whether a stream may write without waiting for its turn. */
  get isFree(): boolean {
    return this.#first === null && this.window > 0 && !this.#socket.isFull
  }

  /** Puts a stream at the end of the line. */
  wait(stream: Waiting): void {
    if (stream.isWaiting) return
    stream.isWaiting = true
    stream.next = null
    if (this.#last === null) this.#first = stream
    else this.#last.next = stream
    this.#last = stream
  }

  /** The peer has given octets back. False: more than a window can hold. */
  credit(octets: number): boolean {
    this.window += octets
    return this.window <= INT31
  }

  /** Sends what can go now. */
  run(): void {
    if (this.#isRunning) return
    this.#isRunning = true
    while (this.#first !== null && this.window > 0 && !this.#socket.isFull) {
      const stream = this.#first
      this.#first = stream.next
      if (this.#first === null) this.#last = null
      stream.next = null
      stream.isWaiting = false
      // One that was reset, or whose own window has closed, leaves the line here.
      if (!stream.canSend) continue
      stream.sendFrame(this.window)
      if (stream.canSend) this.wait(stream)
    }
    this.#isRunning = false
  }
}
