import type { MeshError } from '../errors.ts'
import type { Counters } from '../util/counters.ts'
import type { Body, BodySink } from './body.ts'
import type { Fields } from './fields.ts'

/** Octets of a request that are kept for another try. Larger ones are sent once: 64 KiB covers nearly all calls, and 1,000 exchanges then hold 64 MiB at most. */
export const DEFAULT_MAX_REPLAY_BYTES = 65_536

/** Kept chunks are merged at this count, so that a body of single octets does not cost an object each. */
const MAX_CHUNKS = 64

/**
 * A request body that is kept while it is sent, so that the next try can send it again: each try reads one `View`.
 *
 * A new view takes over from the one before, also in the middle: it gets what has come so far, then goes on live. Between two views the source
 * is paused; the chunk that is in hand is kept whatever the limit, because nobody else has had it.
 */
export class Replay implements BodySink {
  readonly #source: Body
  readonly #counters: Counters
  readonly #maxBytes: number
  #chunks: Buffer[] = []
  #size = 0
  #isPiped = false
  #isKept = true
  #isOver = false
  #hasEnded = false
  #trailers: Fields | null = null
  #failure: MeshError | null = null
  #view: View | null = null

  constructor(source: Body, counters: Counters, maxBytes = DEFAULT_MAX_REPLAY_BYTES) {
    this.#source = source
    this.#counters = counters
    this.#maxBytes = maxBytes
  }

  /** The whole body can be given to one more try. */
  get isReplayable(): boolean {
    return this.#isKept && this.#failure === null
  }

  get length(): number | null {
    return this.#source.length
  }

  /** The body for one try, from its first octet. The view before it gets no more calls. */
  view(): Body {
    this.#detach()
    return new View(this)
  }

  /** No further try will come: nothing is kept any more, and the present view goes on live. */
  release(): void {
    this.#isKept = false
    if (this.#view === null || this.#view.isLive) this.#chunks = []
  }

  /** Called by a view when its try starts to send. */
  attach(view: View): void {
    this.#detach()
    this.#view = view
    view.deliver()
    if (view !== this.#view || !view.isLive) return
    if (this.#isPiped) this.#source.resume()
    else {
      this.#isPiped = true
      this.#source.pipe(this)
    }
  }

  chunk(index: number): Buffer | null {
    return this.#chunks[index] ?? null
  }

  /** Passes on how the source ended, if it has. True: it has. */
  finish(sink: BodySink): boolean {
    if (this.#failure !== null) sink.fail(this.#failure)
    else if (this.#hasEnded) sink.end(this.#trailers)
    else return false
    return true
  }

  pauseSource(view: View): void {
    if (view === this.#view) this.#source.pause()
  }

  resumeSource(view: View): void {
    if (view !== this.#view || this.#isOver) return
    if (this.#isPiped) this.#source.resume()
    else {
      this.#isPiped = true
      this.#source.pipe(this)
    }
  }

  /** A try has given up its view. While another try may come the source only waits; else it is given up too. */
  cancelled(view: View, reason: MeshError): void {
    if (view !== this.#view) return
    if (this.isReplayable) this.#detach()
    else {
      this.#view = null
      this.#source.cancel(reason)
    }
  }

  data(chunk: Buffer): boolean {
    const view = this.#view
    if (view === null || !view.isLive) {
      this.#chunks.push(Buffer.from(chunk))
      this.#size += chunk.length
      return false
    }
    if (this.#isKept) this.#keep(chunk, view)
    return view.data(chunk)
  }

  end(trailers: Fields | null): void {
    this.#isOver = this.#hasEnded = true
    this.#trailers = trailers
    if (this.#view?.isLive) this.#view.end(trailers)
  }

  fail(error: MeshError): void {
    this.#isOver = true
    this.#failure = error
    this.#chunks = []
    this.#view?.fail(error)
  }

  #keep(chunk: Buffer, view: View): void {
    if (this.#size + chunk.length > this.#maxBytes) {
      this.#isKept = false
      this.#chunks = []
      this.#counters.add('replay_overflow')
      return
    }
    this.#size += chunk.length
    // What goes on is the sink's, which may give its memory back.
    this.#chunks.push(Buffer.from(chunk))
    if (this.#chunks.length >= MAX_CHUNKS) this.#chunks = [Buffer.concat(this.#chunks)]
    view.next = this.#chunks.length
  }

  #detach(): void {
    const view = this.#view
    this.#view = null
    if (view === null) return
    view.drop()
    if (this.#isPiped && !this.#isOver) this.#source.pause()
  }
}

/** One try's reading of a `Replay`. */
class View implements Body {
  readonly #replay: Replay
  readonly length: number | null
  /** Index of the kept chunk that comes next. */
  next = 0
  /** All that was kept has been delivered; what comes now goes straight on. */
  isLive = false
  #sink: BodySink | null = null
  #isPaused = false

  constructor(replay: Replay) {
    this.#replay = replay
    this.length = replay.length
  }

  pipe(sink: BodySink): void {
    this.#sink = sink
    this.#replay.attach(this)
  }

  pause(): void {
    this.#isPaused = true
    if (this.isLive) this.#replay.pauseSource(this)
  }

  resume(): void {
    this.#isPaused = false
    if (this.#sink === null) return
    if (!this.isLive) this.deliver()
    if (this.isLive) this.#replay.resumeSource(this)
  }

  cancel(reason: MeshError): void {
    this.#replay.cancelled(this, reason)
    this.#sink = null
  }

  /** Delivers what was kept, until the sink has enough. */
  deliver(): void {
    while (!this.#isPaused) {
      const chunk = this.#sink === null ? null : this.#replay.chunk(this.next)
      if (chunk === null) break
      this.next++
      if (this.#sink?.data(chunk) === false) this.#isPaused = true
    }
    if (this.#isPaused || this.#sink === null) return
    this.isLive = true
    if (this.#replay.finish(this.#sink)) this.#sink = null
  }

  data(chunk: Buffer): boolean {
    return this.#sink?.data(chunk) ?? false
  }

  end(trailers: Fields | null): void {
    const sink = this.#sink
    this.#sink = null
    sink?.end(trailers)
  }

  fail(error: MeshError): void {
    const sink = this.#sink
    this.#sink = null
    sink?.fail(error)
  }

  drop(): void {
    this.#sink = null
  }
}
