/** What the peer may still send, on a connection or a stream (RFC 9113 section 5.2). */
export class ReceiveWindow {
  /** Octets that it may send before we must give back. */
  #left: number
  /** Octets that were taken and not given back yet. */
  #taken = 0
  readonly #size: number

  constructor(size: number) {
    this.#left = this.#size = size
  }

  /** Counts a DATA frame. False: the peer has sent more than it may. */
  receive(octets: number): boolean {
    this.#left -= octets
    return this.#left >= 0
  }

  /** Counts octets that nobody has to keep any more. How much to give back now: 0, or at least half of the window, since each WINDOW_UPDATE is a frame. */
  take(octets: number): number {
    this.#taken += octets
    if (this.#taken * 2 < this.#size) return 0
    const credit = this.#taken
    this.#taken = 0
    this.#left += credit
    return credit
  }
}
