import type { Http2Limits } from './limits.ts'

/** What came of a fragment. */
export type BlockProgress = 'more' | 'too-long' | 'too-many'

/** A header block that comes in several frames: HEADERS and its CONTINUATIONs, with nothing between them (RFC 9113 section 4.3). */
export class HeaderBlock {
  /** Of the block that has begun; 0: there is none. */
  streamId = 0
  isEnd = false
  dependsOnItself = false
  readonly #limits: Http2Limits
  #parts: Buffer[] = []
  #length = 0

  constructor(limits: Http2Limits) {
    this.#limits = limits
  }

  begin(streamId: number, isEnd: boolean, dependsOnItself: boolean): void {
    this.streamId = streamId
    this.isEnd = isEnd
    this.dependsOnItself = dependsOnItself
  }

  add(octets: Buffer, start: number, end: number): BlockProgress {
    this.#length += end - start
    if (this.#length > this.#limits.maxBlockBytes) return 'too-long'
    if (this.#parts.length > this.#limits.maxContinuations) return 'too-many'
    const own = Buffer.allocUnsafe(end - start)
    octets.copy(own, 0, start, end)
    this.#parts.push(own)
    return 'more'
  }

  /** The whole block; a next one can begin. */
  take(): Buffer {
    const whole = Buffer.concat(this.#parts)
    this.streamId = 0
    this.#parts = []
    this.#length = 0
    return whole
  }
}
