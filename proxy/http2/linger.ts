import type { RawSocket } from '../net/socket.ts'
import type { Deadlines } from './deadlines.ts'

/** How long a connection that has said its last word waits for its peer to close, ms: a round trip, with much to spare. */
export const LINGER_MS = 1_000
/** Times LINGER_MS without one octet taken, after which a reader that has its answer coming is given up. */
const MAX_STALLS = 30

/** A connection that has said its last word: half-closed, and closed when the peer does, or when it no longer takes what is on its way. */
export class Linger {
  readonly #socket: RawSocket
  readonly #deadlines: Deadlines
  #unsent = 0
  #stalls = 0

  constructor(socket: RawSocket, deadlines: Deadlines) {
    this.#socket = socket
    this.#deadlines = deadlines
  }

  begin(): void {
    this.#socket.finish()
    this.#deadlines.end()
    this.#wait()
  }

  /** The time is up. What the peer is still taking is left to it. */
  expired(): void {
    const { unsent } = this.#socket
    this.#stalls = unsent === this.#unsent ? this.#stalls + 1 : 0
    if (unsent === 0 || this.#stalls === MAX_STALLS) this.#socket.destroy()
    else this.#wait()
  }

  #wait(): void {
    this.#unsent = this.#socket.unsent
    this.#deadlines.start('linger', LINGER_MS)
  }
}
