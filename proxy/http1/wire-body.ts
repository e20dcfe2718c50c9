import { type ErrorCode, MeshError } from '../errors.ts'
import type { Body, BodySink } from '../http/body.ts'
import type { Fields } from '../http/fields.ts'
import { cutChunk } from '../net/slabs.ts'
import { ChunkedDecoder } from './chunked.ts'
import type { Framing } from './framing.ts'
import type { Limits } from './limits.ts'

/** The connection that a body comes from. */
export interface BodySource {
  /** The body can take octets again: read on. */
  bodyReady(): void
  /** Nobody wants the rest. */
  bodyCancelled(reason: MeshError): void
}

/** Which code a malformed or too long body gets. */
export interface BodyCodes {
  readonly malformed: ErrorCode
  readonly tooLarge: ErrorCode
}

export const REQUEST_CODES: BodyCodes = { malformed: 'DOWNSTREAM_PROTOCOL', tooLarge: 'DOWNSTREAM_BODY_TOO_LARGE' }
export const RESPONSE_CODES: BodyCodes = { malformed: 'UPSTREAM_PROTOCOL', tooLarge: 'UPSTREAM_PROTOCOL' }

/** A body of which more than this is to come is read into buffers of its own instead of being copied. */
export const PRIVATE_READ_BYTES = 16_384

/** What arrives over one connection for one message. Between the connection and the sink it holds no more than one read. */
export class WireBody implements Body {
  readonly length: number | null
  /** Octets of the body that have come so far, without its framing. */
  received = 0
  readonly #source: BodySource
  readonly #codes: BodyCodes
  readonly #decoder: ChunkedDecoder | null
  /** Octets to come; Infinity where the end of the connection is the end. */
  #left: number
  /** Octets that may still come before the limit. */
  #allowed: number
  #sink: BodySink | null = null
  #queue: Buffer[] | null = null
  #isPaused = false
  /** No octet comes any more: whole, broken or given up. */
  #isComplete = false
  #trailers: Fields | null = null
  #error: MeshError | null = null

  /** @param framing any but `none` and `refused`. */
  constructor(framing: Framing, limits: Limits, maxBytes: number | null, source: BodySource, codes: BodyCodes) {
    this.#source = source
    this.#codes = codes
    this.length = framing.kind === 'length' ? framing.octets : null
    this.#left = this.length ?? Number.POSITIVE_INFINITY
    this.#allowed = maxBytes ?? Number.POSITIVE_INFINITY
    this.#decoder = framing.kind === 'chunked' ? new ChunkedDecoder(limits) : null
    this.#isComplete = this.length === 0
  }

  /** Every octet has arrived, or none will. */
  get isComplete(): boolean {
    return this.#isComplete
  }

  /** Broken: what follows on the connection can't be read. */
  get error(): MeshError | null {
    return this.#error
  }

  /** Reading should stop: there is no sink yet, or it is slow. */
  get isBlocked(): boolean {
    return this.#sink === null || this.#isPaused
  }

  /** Octets that are certain to come; Infinity where that is not known. */
  get expected(): number {
    return this.#left
  }

  /** Takes what belongs to the body of `octets[start..end)`. Where that ends. Owned octets are handed on, others copied. */
  read(octets: Buffer, start: number, end: number, isOwned: boolean): number {
    if (this.#decoder !== null) return this.#readChunked(this.#decoder, octets, start, end, isOwned)
    const count = Math.min(this.#left, end - start)
    this.#left -= count
    if (count > 0) this.#push(octets, start, start + count, isOwned)
    if (this.#left === 0) this.finish(null)
    return start + count
  }

  /** The last octet has arrived. */
  finish(trailers: Fields | null): void {
    if (this.#isComplete) return
    this.#isComplete = true
    this.#trailers = trailers
    if (this.#queue === null && !this.#isPaused) this.#end()
  }

  /** No further octet will arrive. What is queued is still delivered, then the failure. */
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

  #readChunked(decoder: ChunkedDecoder, octets: Buffer, start: number, end: number, isOwned: boolean): number {
    const stop = decoder.run(octets, start, end)
    const runs = decoder.runs
    for (let i = 0; i < runs.length; i += 2) {
      this.#allowed -= (runs[i + 1] as number) - (runs[i] as number)
      if (this.#allowed < 0) {
        this.fail(new MeshError(this.#codes.tooLarge, 'a chunked body is longer than the limit'))
        return end
      }
      this.#push(octets, runs[i] as number, runs[i + 1] as number, isOwned)
    }
    if (stop === -1) {
      this.fail(new MeshError(this.#codes.malformed, `a malformed chunked body: ${decoder.fault}`))
      return end
    }
    if (decoder.isDone) this.finish(decoder.trailers)
    return stop
  }

  #push(octets: Buffer, start: number, end: number, isOwned: boolean): void {
    if (this.#isComplete) return
    this.received += end - start
    const chunk = isOwned ? cutChunk(octets, start, end) : ownCopy(octets, start, end)
    if (this.#sink === null || this.#isPaused || this.#queue !== null) {
      if (this.#queue === null) this.#queue = [chunk]
      else this.#queue.push(chunk)
    } else if (!this.#sink.data(chunk)) this.#isPaused = true
  }

  #deliver(): void {
    while (this.#queue !== null && this.#sink !== null && !this.#isPaused) {
      const chunk = this.#queue.shift() as Buffer
      if (this.#queue.length === 0) this.#queue = null
      if (!this.#sink.data(chunk)) this.#isPaused = true
    }
    if (this.#queue !== null || this.#isPaused) return
    if (this.#isComplete) this.#end()
    else this.#source.bodyReady()
  }

  #end(): void {
    const sink = this.#sink
    if (sink === null) return
    this.#sink = null
    if (this.#error !== null) sink.fail(this.#error)
    else sink.end(this.#trailers)
  }
}

/** `octets[start..end)` in memory of their own. */
export function ownCopy(octets: Buffer, start: number, end: number): Buffer {
  const own = Buffer.allocUnsafe(end - start)
  octets.copy(own, 0, start, end)
  return own
}
