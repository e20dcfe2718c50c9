import { closeSync, constants, fstatSync, openSync, write, writeSync } from 'node:fs'

/** Where a `LineWriter` puts octets. No call waits, and none throws: what could not be written is tried again. */
export interface LineTarget {
  /** Lines are handed over in pieces of at most this many octets, a longer line alone. */
  readonly chunkBytes: number
  /**
   * @returns how many octets of `from` to `to` were taken; 0: none now. Null: `done` says so later, and nothing else is handed over before.
   */
  write(buffer: Buffer, from: number, to: number, done: (written: number) => void): number | null
  /** The same when the event loop turns no more. */
  writeLast(buffer: Buffer, from: number, to: number): number
  /** A write is on its way that may never come back, and would keep the process from ending. */
  readonly isStuck: boolean
}

/** PIPE_BUF of Linux: a write of so many octets goes into a pipe whole or not at all, so lines of others that share the pipe never land within ours. */
const PIPE_BUF_BYTES = 4_096
/** One trip to the thread pool costs as much as formatting ten lines, so it carries many. */
const DEFERRED_BYTES = 65_536

/**
 * The way to write to an open descriptor that never stops the event loop.
 *
 * A pipe or terminal is opened once more through /proc, non-blocking: the flag is one of the open file description, which the app may share, and
 * an app does not expect it. What cannot be opened again (a socket, a pipe of another user, a system without /proc) and a file, whose disk may
 * stall, is written to by the thread pool.
 */
export function openTarget(descriptor: number): LineTarget {
  const kind = fstatSync(descriptor)
  if (kind.isFIFO() || kind.isCharacterDevice()) {
    const own = openAgain(descriptor)
    if (own !== null) return new OwnDescription(own)
  }
  return new SharedDescription(descriptor, !kind.isFile())
}

function openAgain(descriptor: number): number | null {
  try {
    const own = openSync(`/proc/self/fd/${descriptor}`, constants.O_WRONLY | constants.O_NONBLOCK | constants.O_APPEND | constants.O_NOCTTY)
    if (fstatSync(own).ino === fstatSync(descriptor).ino) return own
    closeSync(own)
  } catch {
    // ENOENT: no /proc; EACCES: another user's; ENXIO: the reader is gone.
  }
  return null
}

/** A non-blocking descriptor of our own. */
class OwnDescription implements LineTarget {
  readonly chunkBytes = PIPE_BUF_BYTES
  readonly isStuck = false
  readonly #descriptor: number

  constructor(descriptor: number) {
    this.#descriptor = descriptor
  }

  write(buffer: Buffer, from: number, to: number): number {
    return writtenNow(this.#descriptor, buffer, from, to)
  }

  writeLast(buffer: Buffer, from: number, to: number): number {
    return writtenNow(this.#descriptor, buffer, from, to)
  }
}

/** A descriptor that others share and that may block: one thread of the pool waits, never the event loop. */
class SharedDescription implements LineTarget {
  readonly chunkBytes = DEFERRED_BYTES
  readonly #descriptor: number
  readonly #hasReader: boolean
  #inFlight = 0

  /** @param hasReader it is no file, so a write may wait for ever. */
  constructor(descriptor: number, hasReader: boolean) {
    this.#descriptor = descriptor
    this.#hasReader = hasReader
  }

  get isStuck(): boolean {
    return this.#hasReader && this.#inFlight > 0
  }

  write(buffer: Buffer, from: number, to: number, done: (written: number) => void): null {
    this.#inFlight++
    // No position: the offset of the open file description holds, which keeps the order with what others write.
    write(this.#descriptor, buffer, from, to - from, null, (error, written) => {
      this.#inFlight--
      done(error === null ? written : 0)
    })
    return null
  }

  writeLast(buffer: Buffer, from: number, to: number): number {
    if (!this.#hasReader) return writtenNow(this.#descriptor, buffer, from, to)
    this.write(buffer, from, to, () => {})
    return to - from
  }
}

function writtenNow(descriptor: number, buffer: Buffer, from: number, to: number): number {
  // An EAGAIN with a stack costs twice as much.
  const limit = Error.stackTraceLimit
  Error.stackTraceLimit = 0
  try {
    return writeSync(descriptor, buffer, from, to - from)
  } catch {
    return 0
  } finally {
    Error.stackTraceLimit = limit
  }
}
