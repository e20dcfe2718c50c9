import { monotonicClock, wallClock } from '../util/clock.ts'
import { startWheel } from '../util/timers.ts'
import { openTarget } from './line-target.ts'
import { LineWriter } from './line-writer.ts'

/** How long an end in good order waits for a slow reader to take what was logged last, ms: a pipe is read in less than ten. */
export const LAST_LINES_MS = 500
/** How long a write that a thread has in hand may take once the process ends, ms: a reader that reads takes it in less than one. */
const LAST_WRITE_MS = 50

let shared: LineWriter | null = null

/** The one writer of standard error: every log of the process goes through it. Opened at the first call. */
export function standardError(): LineWriter {
  shared ??= open()
  return shared
}

/** Before an end in good order: resolves when all that was logged is written, or after `LAST_LINES_MS`: false. Keeps the process alive meanwhile. */
export async function flushStandardError(): Promise<boolean> {
  if (shared === null) return true
  const keepAlive = setInterval(() => {}, LAST_LINES_MS)
  const isFlushed = await shared.flush(LAST_LINES_MS)
  clearInterval(keepAlive)
  return isFlushed
}

function open(): LineWriter {
  const target = openTarget(2)
  const writer = new LineWriter({ target, timers: startWheel(monotonicClock), note: missingLines })
  process.once('exit', code => {
    writer.flushLast()
    if (target.isStuck) leave(code)
  })
  return writer
}

/** `count` lines are missing at this place: a line of the process log. */
export function missingLines(count: number): string {
  const message = 'log lines were dropped: standard error was read more slowly than they came'
  return `${JSON.stringify({ level: 'warn', time: new Date(wallClock.now()).toISOString(), lines: count, message })}\n`
}

/**
 * Ends the process without the thread that waits for a reader: an exit would wait for it, for ever. A process that becomes another one waits
 * for no thread, and has the same id and whatever exit code it likes.
 */
function leave(code: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, LAST_WRITE_MS)
  try {
    process.execve?.(process.execPath, [process.execPath, '-e', `process.exit(${code})`], { ...process.env, NODE_OPTIONS: '' })
  } catch {
    // Node is not where it was. To end matters more than the code.
  }
  process.kill(process.pid, 'SIGKILL')
}
