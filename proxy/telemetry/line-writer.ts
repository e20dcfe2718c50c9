import type { Timer, Timers } from '../util/timers.ts'
import type { LineTarget } from './line-target.ts'

/** Octets of lines that may wait for their reader: 2,000 lines of the access log, two seconds of a reader's absence at 1,000 requests a second. */
export const MAX_WAITING_BYTES = 1_048_576
/** Octets more for the process log: a flood of requests must not cost the warning that explains it. */
export const MAX_RESERVED_BYTES = 65_536
/** First pause after a write that took nothing, ms: a pipe holds 64 KiB, so a reader that comes back is fed 13 MB/s. */
const FIRST_RETRY_MS = 5
/** Longest pause: a try that fails costs 20 us, and a reader may be stuck for days. */
export const MAX_RETRY_MS = 100

/** What a writer needs. */
export interface LineWriterOptions {
  readonly target: LineTarget
  readonly timers: Timers
  /** The line that stands where `count` lines are missing, with its line end. */
  readonly note: (count: number) => string
  /** Calls back before the event loop waits the next time. */
  readonly atEndOfTurn?: (callback: () => void) => void
}

/** Lines that wait, encoded. */
interface Chunk {
  readonly buffer: Buffer
  from: number
  to: number
}

/**
 * Writes whole lines to where somebody may or may not read them, and never waits: lines of one turn of the event loop go out together; beyond a
 * limit they are dropped and counted until the reader has caught up, and one line then says how many are missing.
 */
export class LineWriter {
  readonly #target: LineTarget
  readonly #note: (count: number) => string
  readonly #atEndOfTurn: (callback: () => void) => void
  readonly #timers: Timers
  readonly #retry: Timer
  /** Never empty. */
  readonly #chunks: Chunk[]
  #waitingBytes = 0
  #inFlightBytes = 0
  #isScheduled = false
  #retryMs = FIRST_RETRY_MS
  #isFull = false
  #missing = 0
  #caughtUp: (() => void)[] = []

  constructor({ target, timers, note, atEndOfTurn = setImmediate }: LineWriterOptions) {
    this.#target = target
    this.#note = note
    this.#atEndOfTurn = atEndOfTurn
    this.#timers = timers
    this.#retry = timers.timer(this.#pump)
    this.#chunks = [chunkOf(target.chunkBytes)]
  }

  /** Lines are being dropped. Whoever is about to format one asks first, and calls `skip` instead. */
  get isFull(): boolean {
    return this.#isFull
  }

  /** Nothing waits. */
  get isCaughtUp(): boolean {
    return this.#waitingBytes === 0 && this.#missing === 0
  }

  /**
   * @param line with its line end.
   * @param isReserved the line may use what is kept for the process log.
   * @returns false: it was dropped.
   */
  write(line: string, isReserved = false): boolean {
    const bytes = Buffer.byteLength(line)
    const hasRoom = this.#waitingBytes + bytes <= MAX_WAITING_BYTES + (isReserved ? MAX_RESERVED_BYTES : 0)
    if (!hasRoom || (this.#isFull && !isReserved)) {
      this.skip()
      return false
    }
    this.#append(line, bytes)
    this.#schedule()
    return true
  }

  /** Counts a line as dropped that was not even made. */
  skip(): void {
    this.#isFull = true
    this.#missing++
    this.#schedule()
  }

  /** Resolves when nothing waits any more, or after `withinMs`: false. For an end in good order. */
  flush(withinMs: number): Promise<boolean> {
    if (this.isCaughtUp) return Promise.resolve(true)
    return new Promise(resolve => {
      const late = this.#timers.timer(() => resolve(false))
      late.arm(withinMs)
      this.#caughtUp.push(() => {
        late.disarm()
        resolve(true)
      })
    })
  }

  /** Tries once, without the event loop: for an end that nobody planned. */
  flushLast(): void {
    // What a thread of the pool has in hand is its own to finish.
    if (this.#inFlightBytes > 0) this.#took(this.#inFlightBytes)
    this.#inFlightBytes = 0
    while (this.#waitingBytes > 0) {
      const { buffer, from, to } = this.#chunks[0] as Chunk
      const written = this.#target.writeLast(buffer, from, to)
      if (written === 0) return
      this.#took(written)
    }
  }

  #append(line: string, bytes: number): void {
    let last = this.#chunks[this.#chunks.length - 1] as Chunk
    if (last.buffer.length - last.to < bytes) {
      last = chunkOf(Math.max(this.#target.chunkBytes, bytes))
      if (this.#waitingBytes === 0) this.#chunks.length = 0
      this.#chunks.push(last)
    }
    last.to += last.buffer.write(line, last.to)
    this.#waitingBytes += bytes
  }

  #schedule(): void {
    if (this.#isScheduled || this.#inFlightBytes > 0 || this.#retry.isArmed) return
    this.#isScheduled = true
    this.#atEndOfTurn(this.#pump)
  }

  readonly #pump = (): void => {
    this.#isScheduled = false
    while (this.#inFlightBytes === 0) {
      if (this.#waitingBytes === 0 && !this.#say()) return
      if (!this.#writeHead()) return
    }
  }

  /** False: the rest waits for a later call. */
  #writeHead(): boolean {
    const { buffer, from, to } = this.#chunks[0] as Chunk
    const written = this.#target.write(buffer, from, to, this.#wrote)
    if (written === null) {
      this.#inFlightBytes = to - from
      return false
    }
    return this.#hasTaken(written)
  }

  readonly #wrote = (written: number): void => {
    this.#inFlightBytes = 0
    if (this.#hasTaken(written)) this.#pump()
  }

  #hasTaken(written: number): boolean {
    if (written === 0) {
      this.#retry.arm(this.#retryMs)
      this.#retryMs = Math.min(this.#retryMs * 2, MAX_RETRY_MS)
      return false
    }
    this.#retryMs = FIRST_RETRY_MS
    this.#took(written)
    return true
  }

  #took(written: number): void {
    const head = this.#chunks[0] as Chunk
    head.from += written
    this.#waitingBytes -= written
    if (head.from < head.to) return
    if (this.#chunks.length > 1) this.#chunks.shift()
    else if (head.buffer.length > this.#target.chunkBytes) this.#chunks[0] = chunkOf(this.#target.chunkBytes)
    else head.from = head.to = 0
  }

  /** The reader has caught up: says what is missing. False: nothing is. */
  #say(): boolean {
    if (this.#missing === 0) {
      const waiting = this.#caughtUp
      this.#caughtUp = []
      for (const resolve of waiting) resolve()
      return false
    }
    const note = this.#note(this.#missing)
    this.#isFull = false
    this.#missing = 0
    this.#append(note, Buffer.byteLength(note))
    return true
  }
}

function chunkOf(bytes: number): Chunk {
  return { buffer: Buffer.allocUnsafeSlow(bytes), from: 0, to: 0 }
}
