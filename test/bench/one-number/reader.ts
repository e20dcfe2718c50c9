import { connect, type Socket } from 'node:net'

/** Between two gulps of a reader, ms. */
const GULP_MS = 10

/** A reader of one long response that takes so many octets a second and no more: what it does not take waits in its socket, and so with everybody before it. */
export class PacedReader {
  readonly #socket: Socket
  readonly #timer: NodeJS.Timeout
  readonly #expected: number
  #allowed = 0
  #received = 0
  #isCut = false
  readonly #ended: Promise<void>

  /** @param octets to ask for; the head's come on top. */
  constructor(port: number, host: string, octets: number, perSecond: number) {
    this.#expected = octets
    this.#socket = connect({ host: '127.0.0.1', port })
    this.#socket.write(`GET /bytes/${octets} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`)
    this.#timer = setInterval(() => {
      this.#allowed += (perSecond * GULP_MS) / 1_000
      if (this.#allowed > this.#received) this.#socket.resume()
    }, GULP_MS)
    this.#socket.on('data', chunk => {
      this.#received += chunk.length
      if (this.#received > this.#allowed) this.#socket.pause()
    })
    this.#socket.on('error', () => {
      this.#isCut = true
    })
    this.#ended = new Promise(resolve => this.#socket.once('close', () => resolve()))
  }

  /** Resolves when the connection has ended: true if every octet had come. */
  async whole(): Promise<boolean> {
    await this.#ended
    clearInterval(this.#timer)
    return !this.#isCut && this.#received >= this.#expected
  }
}
