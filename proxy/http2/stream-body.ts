import type { MeshError } from '../errors.ts'
import type { Body, BodySink } from '../http/body.ts'
import type { Fields } from '../http/fields.ts'

/** The stream that a body comes by. */
export interface StreamBodySource {
  /** The sink has taken so many octets: the peer may send as many more. */
  bodyTook(octets: number): void
  /** Nobody wants the rest. */
  bodyCancelled(reason: MeshError): void
}

/** What arrives on one stream. Holds no more than the stream's window, since octets that no sink has taken are not given back. */
export class StreamBody implements Body {
  readonly length: number | null
  /** Octets that have come so far. */
  received = 0
  readonly #source: StreamBodySource
  #sink: BodySink | null = null
  #queue: Buffer[] | null = null
  #isPaused = false
  #isComplete = false
  #trailers: Fields | null = null
  #error: MeshError | null = null

  /** @param length as content-length says; -1: nothing is said. */
  constructor(length: number, source: StreamBodySource) {
    this.length = length === -1 ? null : length
    this.#source = source
  }

  /** No octet comes any more: whole, broken or given up. */
  get isComplete(): boolean {
    return this.#isComplete
  }

  push(chunk: Buffer): void {
    this.received += chunk.length
    if (this.#isComplete) return
    if (this.#sink === null || this.#isPaused || this.#queue !== null) {
      if (this.#queue === null) this.#queue = [chunk]
      else this.#queue.push(chunk)
    } else this.#give(this.#sink, chunk)
  }

  /** The last octet has come. */
  finish(trailers: Fields | null): void {
    if (this.#isComplete) return
    this.#isComplete = true
    this.#trailers = trailers
    if (this.#queue === null && !this.#isPaused) this.#end()
  }

  /** No further octet will come. What is queued is still delivered, then the failure. */
  fail(error: MeshError): void {
    if (this.#isComplete) return
    this.#isComplete = true
    this.#error = error
    if (this.#queue === null) this.#end()
  }

  pipe(sink: BodySink): void {
    this.#sink = sink
    this.#deliver()
  }

  pause(): void {
    this.#isPaused = true
  }

  resume(): void {
    if (!this.#isPaused) return
    this.#isPaused = false
    this.#deliver()
  }

  cancel(reason: MeshError): void {
    const isOpen = !this.#isComplete
    this.#sink = null
    this.#queue = null
    this.#isComplete = true
    if (isOpen) this.#source.bodyCancelled(reason)
  }

  #give(sink: BodySink, chunk: Buffer): void {
    const { length } = chunk
    if (!sink.data(chunk)) this.#isPaused = true
    this.#source.bodyTook(length)
  }

  #deliver(): void {
    while (this.#queue !== null && this.#sink !== null && !this.#isPaused) {
      const chunk = this.#queue.shift() as Buffer
      if (this.#queue.length === 0) this.#queue = null
      this.#give(this.#sink, chunk)
    }
    if (this.#queue === null && !this.#isPaused && this.#isComplete) this.#end()
  }

  #end(): void {
    const sink = this.#sink
    if (sink === null) return
    this.#sink = null
    if (this.#error !== null) sink.fail(this.#error)
    else sink.end(this.#trailers)
  }
}
