/** Signals that ask a process to end. */
export const END_SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const
export type EndSignal = (typeof END_SIGNALS)[number]

/**
 * Resolves when an end that was asked for is done: by a signal or by the admin port.
 *
 * @param asked resolves when the admin port asks: `drain` as a signal does, `quit` without leaving first.
 * @param leave is called once, with the signal where there was one.
 * @param endAtOnce is called for a second signal. Does not return.
 */
export function untilAskedToEnd(
  asked: Promise<'drain' | 'quit'>,
  leave: (signal: EndSignal | null) => Promise<void>,
  endAtOnce: (signal: EndSignal) => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    let isLeaving = false
    const begin = (signal: EndSignal | null) => {
      if (isLeaving) return
      isLeaving = true
      leave(signal).then(resolve, reject)
    }
    for (const signal of END_SIGNALS) process.on(signal, () => (isLeaving ? endAtOnce(signal) : begin(signal)))
    asked.then(what => (what === 'drain' ? begin(null) : resolve()), reject)
  })
}

/** What nobody waits for may keep a process that is done for this long, ms: longer than the last lines of the log may take (`LAST_LINES_MS`). */
const LINGER_MS = 600

/** Lets the process end, with whatever exit code is set: a call to a collector that never answers would keep it to that call's deadline. */
export function endSoon(): void {
  setTimeout(() => process.exit(), LINGER_MS).unref()
}
