import type { RawSocket } from '../net/socket.ts'
import type { Timer } from '../util/timers.ts'
import type { Limits } from './limits.ts'

/** Times `lingerMs` without one octet taken, after which a reader that has its answer coming is given up. */
const MAX_STALLS = 30

/**
 * Closes a connection so that the last answer is not lost: half-closes, reads and drops what still comes (a close with unread octets would be
 * a reset, which takes the answer out of the peer's buffer), reads no more at a limit of octets, and closes when the peer does or at a deadline.
 */
export class Linger {
  readonly #socket: RawSocket
  readonly #limits: Limits
  readonly #timer: Timer
  /** Octets that were dropped. */
  #discarded = 0
  #unsent = 0
  #stalls = 0

  /** @param timer armed by this; its owner calls `expired`. */
  constructor(socket: RawSocket, limits: Limits, timer: Timer) {
    this.#socket = socket
    this.#limits = limits
    this.#timer = timer
  }

  begin(): void {
    this.#socket.readPrivately(false)
    this.#socket.finish()
    if (this.#socket.hasEnded) this.ended()
    else this.#socket.resume()
    this.#unsent = this.#socket.unsent
    this.#timer.arm(this.#limits.lingerMs)
  }

  /** Drops `count` octets. False: it is enough. */
  discard(count: number): boolean {
    this.#discarded += count
    return this.#discarded <= this.#limits.maxDiscardedBytes
  }

  /** The peer has closed its side. Where octets wait to be sent, the end of sending them closes ours. */
  ended(): void {
    if (this.#socket.unsent === 0) this.#socket.destroy()
  }

  /** A slow reader gets its answer as long as it takes any of it. True: it took none for too long, and is given up. */
  expired(): boolean {
    const { unsent } = this.#socket
    this.#stalls = unsent < this.#unsent ? 0 : this.#stalls + 1
    if (unsent === 0 || this.#stalls > MAX_STALLS) {
      this.#socket.destroy()
      return unsent !== 0
    }
    this.#unsent = unsent
    this.#timer.arm(this.#limits.lingerMs)
    return false
  }
}
