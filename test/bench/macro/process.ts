import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { connect } from 'node:net'

/** Clock ticks of /proc/PID/stat in a second. */
const TICKS = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }))

/** CPU time that a process (with its children that it still has) has used, seconds. */
export interface Cpu {
  readonly user: number
  readonly system: number
}

/** A process under test, or one that loads it. */
export interface Running {
  readonly pid: number
  readonly child: ChildProcess
  stop(): Promise<void>
}

/** Starts a command on one core; its output is dropped unless OUTRIDER_BENCH_VERBOSE is set. */
export function start(core: number, command: string, args: readonly string[], env: Record<string, string> = {}): Running {
  const stdio = process.env['OUTRIDER_BENCH_VERBOSE'] === undefined ? 'ignore' : 'inherit'
  const child = spawn('taskset', ['-c', String(core), command, ...args], {
    stdio: ['ignore', stdio, stdio],
    env: { ...process.env, ...env },
  })
  const gone = new Promise<void>(resolve => child.once('exit', () => resolve()))
  return {
    pid: child.pid as number,
    child,
    stop: async () => {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM')
      const force = setTimeout(() => child.kill('SIGKILL'), 5_000)
      await gone
      clearTimeout(force)
    },
  }
}

/** The process and all that it started. */
export function family(pid: number): number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim()
  return [pid, ...(children === '' ? [] : children.split(' ').flatMap(child => family(Number(child))))]
}

/** CPU time of a process and its children. */
export function cpuOf(pid: number): Cpu {
  let user = 0
  let system = 0
  for (const each of family(pid)) {
    const stat = readFileSync(`/proc/${each}/stat`, 'utf8')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    user += Number(fields[11])
    system += Number(fields[12])
  }
  return { user: user / TICKS, system: system / TICKS }
}

/** Resident memory of a process and its children, MB. */
export function memoryOf(pid: number): number {
  let kilobytes = 0
  for (const each of family(pid)) kilobytes += Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${each}/status`, 'utf8'))?.[1] ?? 0)
  return kilobytes / 1024
}

/** Waits until something listens. */
export async function listening(port: number, timeoutMs = 20_000): Promise<void> {
  const until = performance.now() + timeoutMs
  for (;;) {
    const isOpen = await new Promise<boolean>(resolve => {
      const socket = connect({ host: '127.0.0.1', port })
      socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
      socket.once('connect', () => socket.destroy())
    })
    if (isOpen) return
    if (performance.now() > until) throw new Error(`nothing listens on port ${port} after ${timeoutMs} ms`)
    await new Promise(resolve => setTimeout(resolve, 50))
  }
}
