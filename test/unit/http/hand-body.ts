import type { MeshError } from '../../../proxy/errors.ts'
import type { Body, BodySink } from '../../../proxy/http/body.ts'
import { FieldList, type Fields } from '../../../proxy/http/fields.ts'

/** A body whose octets the test sends by hand. */
export class HandBody implements Body {
  readonly length: number | null
  sink: BodySink | null = null
  isPaused = false
  pipes = 0
  cancelled: MeshError | null = null

  constructor(length: number | null = null) {
    this.length = length
  }

  pipe(sink: BodySink): void {
    this.pipes++
    this.sink = sink
  }

  pause(): void {
    this.isPaused = true
  }

  resume(): void {
    this.isPaused = false
  }

  cancel(reason: MeshError): void {
    this.cancelled = reason
    this.sink = null
  }

  send(text: string | Buffer): void {
    if (this.sink?.data(Buffer.from(text)) === false) this.isPaused = true
  }

  end(trailers: Fields | null = null): void {
    this.sink?.end(trailers)
  }

  fail(error: MeshError): void {
    this.sink?.fail(error)
  }
}

/** Keeps what a body delivers. */
export class Collector implements BodySink {
  text = ''
  end_ = 0
  trailers: Fields | null = null
  error: MeshError | null = null
  /** Chunks that it takes before it says that it has enough. */
  appetite = Number.POSITIVE_INFINITY

  data(chunk: Buffer): boolean {
    this.text += chunk.toString()
    return --this.appetite > 0
  }

  end(trailers: Fields | null): void {
    this.end_++
    this.trailers = trailers
  }

  fail(error: MeshError): void {
    this.error = error
  }

  get isEnded(): boolean {
    return this.end_ === 1 && this.error === null
  }
}

/** Trailers of one field. */
export const trailers = (name: string, value: string): FieldList => new FieldList([[name, value]])
