import type { MeshError } from '../errors.ts'
import type { Fields } from './fields.ts'

/**
 * Octets of one message, delivered once, to one sink.
 * After 101 or 2xx to CONNECT both bodies carry the tunnel's octets: `end(null)` is a half-close; nothing is replayed, no request timeout runs.
 */
export interface Body {
  /** Octets in all, or null where the framing does not say. 0: there is no body; `pipe` then ends at once. */
  readonly length: number | null
  /** Starts delivery. Called at most once. May call the sink before it returns. */
  pipe(sink: BodySink): void
  /** Stops delivery after the chunk in hand: HTTP/2 lets its window close, HTTP/1.1 stops reading. */
  pause(): void
  resume(): void
  /**
   * Gives up the rest; no sink call follows. Of a response: RST_STREAM, or the connection closes. Of a request that is still being sent while its
   * response goes out (413, 401): delivery stops only; http1/server answers with `Connection: close`, half-closes, discards at most
   * 256 KiB, then reads no more, and closes when the peer does or after 1 s, so that the answer is not lost to a reset.
   */
  cancel(reason: MeshError): void
}

/** Exactly one of `end` and `fail` is called, last, unless the body was cancelled. Who drops a Response must cancel its body. */
export interface BodySink {
  /** Takes over `chunk`, which nobody else may change; who also hands it on keeps a copy, since its memory is read into again once it was written. False: the source has paused itself, and only `resume` starts it again. */
  data(chunk: Buffer): boolean
  end(trailers: Fields | null): void
  fail(error: MeshError): void
}

/** No octets: what a GET carries. Shared, since it has no state. */
export const EMPTY_BODY: Body = {
  length: 0,
  pipe: sink => sink.end(null),
  pause() {},
  resume() {},
  cancel() {},
}

/** A body that is wholly in memory. */
export class BufferBody implements Body {
  readonly length: number
  readonly #octets: Buffer
  #sink: BodySink | null = null
  #isCancelled = false

  constructor(octets: Buffer) {
    this.#octets = octets
    this.length = octets.length
  }

  pipe(sink: BodySink): void {
    this.#sink = sink
    if (this.#octets.length === 0 || sink.data(this.#octets)) this.#finish()
  }

  pause(): void {}

  resume(): void {
    this.#finish()
  }

  cancel(): void {
    this.#isCancelled = true
    this.#sink = null
  }

  #finish(): void {
    const sink = this.#sink
    this.#sink = null
    if (sink !== null && !this.#isCancelled) sink.end(null)
  }
}
