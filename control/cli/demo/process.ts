import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import type { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { CommandError } from '../exit-codes.ts'

/** The program itself, as the demo's processes are started: sources in a checkout, the build in the package. */
const MAIN = fileURLToPath(new URL(`../main${import.meta.url.slice(import.meta.url.lastIndexOf('.'))}`, import.meta.url))
/** Longest wait for one process to be ready: a cold disk and two cores. */
const START_TIMEOUT_MS = 45_000
/** Standard error that is kept for the message when a process fails to start. */
const KEPT_CHARACTERS = 4_000

/** One process of the demo. */
export interface Part {
  readonly name: string
  readonly child: ChildProcess
  /** Addresses by flag, and `pid`, once it is ready; empty before. */
  ready: Readonly<Record<string, string>>
}

/**
 * Starts `outrider ARGS --ready-file FILE` and waits for it. Rejects with what it said when it does not come up.
 * @param parts gets it at once: what is still starting must be ended too when another one fails.
 */
export async function startPart(
  parts: Part[],
  name: string,
  readyFile: string,
  args: readonly string[],
  rest: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<Part> {
  const words = [...args, '--ready-file', readyFile, ...(rest.length === 0 ? [] : ['--', ...rest])]
  const child = spawn(process.execPath, [MAIN, ...words], { stdio: ['ignore', 'ignore', 'pipe'], env })
  const part: Part = { name, child, ready: {} }
  parts.push(part)
  const said = new Kept(child.stderr)
  const until = performance.now() + START_TIMEOUT_MS
  while (!existsSync(readyFile)) {
    if (hasEnded(part)) throw new CommandError('failed', `${name} did not start: ${said.last()}`)
    if (performance.now() > until) {
      child.kill('SIGKILL')
      throw new CommandError('failed', `${name} was not ready within ${START_TIMEOUT_MS / 1_000} s: ${said.last()}`)
    }
    await sleep(20)
  }
  part.ready = JSON.parse(readFileSync(readyFile, 'utf8'))
  return part
}

/** Whether its process is gone. */
export function hasEnded({ child }: Part): boolean {
  return child.exitCode !== null || child.signalCode !== null
}

/** Ends a process: SIGTERM, and SIGKILL after `graceMs`. */
export async function stopPart(part: Part, graceMs: number): Promise<void> {
  if (hasEnded(part)) return
  const { child } = part
  const gone = new Promise<void>(resolve => child.once('exit', () => resolve()))
  child.kill('SIGTERM')
  const force = setTimeout(() => child.kill('SIGKILL'), graceMs)
  await gone
  clearTimeout(force)
}

/** The last of what a process says on standard error. */
export class Kept {
  #text = ''

  constructor(stream: Readable | null) {
    stream?.setEncoding('utf8').on('data', text => {
      this.#text = (this.#text + text).slice(-KEPT_CHARACTERS)
    })
  }

  /** What an operator must read of a process that failed: its last line that is no log line. */
  last(): string {
    const lines = this.#text.trim().split('\n')
    return lines.findLast(line => line.startsWith('outrider')) ?? (lines.at(-1) || 'it said nothing')
  }
}
