import type { MeshError } from '../errors.ts'
import { type Body, type BodySink, BufferBody } from './body.ts'
import type { Fields } from './fields.ts'

/** Hears what passes through a `MeteredBody`. One watcher may watch several bodies. */
export interface BodyWatcher {
  /** Called for each chunk, before it goes on. */
  octets(count: number, body: MeteredBody): void
  /** Called once: `null` after the last octet, else why there will be no more. */
  ended(error: MeshError | null, body: MeteredBody): void
}

/** True for a body whose last octet is in already: there is nothing to watch, and what it came over is free again. */
export function isWhole(body: Body): boolean {
  return body.length === 0 || body instanceof BufferBody
}

/** A body whose octets and end somebody watches, and that can be broken off from the side. Not for one that `isWhole`. */
export class MeteredBody implements Body, BodySink {
  readonly length: number | null
  readonly #source: Body
  readonly #watcher: BodyWatcher
  #sink: BodySink | null = null
  #failure: MeshError | null = null
  #isOver = false

  constructor(source: Body, watcher: BodyWatcher) {
    this.#source = source
    this.#watcher = watcher
    this.length = source.length
  }

  pipe(sink: BodySink): void {
    if (this.#failure !== null) {
      sink.fail(this.#failure)
      return
    }
    this.#sink = sink
    this.#source.pipe(this)
  }

  pause(): void {
    this.#source.pause()
  }

  resume(): void {
    this.#source.resume()
  }

  cancel(reason: MeshError): void {
    this.#sink = null
    this.#source.cancel(reason)
    this.#over(reason)
  }

  /** Gives up the source, and fails the sink: at once, or as soon as there is one. */
  abort(error: MeshError): void {
    if (this.#isOver) return
    const sink = this.#sink
    this.#failure = error
    this.cancel(error)
    sink?.fail(error)
  }

  data(chunk: Buffer): boolean {
    const sink = this.#sink
    if (sink === null) return false
    this.#watcher.octets(chunk.length, this)
    return sink.data(chunk)
  }

  end(trailers: Fields | null): void {
    const sink = this.#sink
    this.#sink = null
    this.#over(null)
    sink?.end(trailers)
  }

  fail(error: MeshError): void {
    const sink = this.#sink
    this.#sink = null
    this.#over(error)
    sink?.fail(error)
  }

  #over(error: MeshError | null): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#watcher.ended(error, this)
  }
}
