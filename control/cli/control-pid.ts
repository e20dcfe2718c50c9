import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { delay, type Timers } from '../../proxy/util/timers.ts'
import { CommandError } from './exit-codes.ts'

/** ms that a control plane gets to end; it has nothing to drain. */
const STOP_MS = 10_000
const LOOK_MS = 50

/** Says in a file which process runs; a later start overwrites what a killed one left. */
export function writePid(file: string): void {
  writeFileSync(file, `${process.pid}\n`, { mode: 0o600 })
}

/** Removes the file, where it is still this process'. */
export function clearPid(file: string): void {
  if (readPid(file) === process.pid) rmSync(file, { force: true })
}

/** Ends the process that a file names, and waits until it has ended. @returns what to tell the operator. */
export async function stopRunning(file: string, timers: Timers): Promise<string> {
  const pid = readPid(file)
  if (pid === null || !isControlPlane(pid)) throw new CommandError('failed', `no control plane is running (${file} names none)`)
  process.kill(pid, 'SIGTERM')
  const deadline = timers.clock.now() + STOP_MS
  while (isControlPlane(pid)) {
    if (timers.clock.now() > deadline)
      throw new CommandError('failed', `the control plane (pid ${pid}) has not ended within ${STOP_MS / 1_000} s`)
    // The wheel does not keep the process alive by itself; this does.
    const keep = setInterval(() => {}, STOP_MS)
    await delay(timers, LOOK_MS)
    clearInterval(keep)
  }
  return `the control plane (pid ${pid}) has ended`
}

function readPid(file: string): number | null {
  try {
    const pid = Number(readFileSync(file, 'utf8').trim())
    return Number.isSafeInteger(pid) && pid > 1 ? pid : null
  } catch {
    return null
  }
}

/** Alive, and, where that can be seen, no other program that got the number since. */
function isControlPlane(pid: number): boolean {
  try {
    process.kill(pid, 0)
  } catch {
    return false
  }
  try {
    const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')
    return words.includes('control')
  } catch {
    return true // Not Linux: its being alive is all that is known.
  }
}
