import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** The launcher that users call. */
export const LAUNCHER = join(import.meta.dirname, '../../../bin/outrider.js')

/** How a process ended. */
export interface Exit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

/** A process of a test, with all that it has printed. */
export class Running {
  readonly child: ChildProcess
  readonly exited: Promise<Exit>
  exit: Exit | null = null
  stdout = ''
  stderr = ''

  /** @param as the user that it runs as; left out: this one. */
  constructor(
    command: string,
    args: readonly string[],
    env: Record<string, string> = {},
    as: { readonly uid?: number; readonly gid?: number } = {},
  ) {
    // The test runner puts hooks into every Node that a test starts; a sidecar must run as it does for its users.
    const own = env['NODE_OPTIONS'] === undefined ? [] : [`NODE_OPTIONS=${env['NODE_OPTIONS']}`]
    this.child = spawn('env', ['-u', 'NODE_OPTIONS', ...own, command, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, NO_COLOR: '1', ...env },
      ...as,
    })
    this.child.stdout?.setEncoding('utf8').on('data', text => {
      this.stdout += text
    })
    this.child.stderr?.setEncoding('utf8').on('data', text => {
      this.stderr += text
    })
    this.exited = new Promise(resolve => {
      // `close`, not `exit`: only then is all output in.
      this.child.once('close', (code, signal) => {
        this.exit = { code, signal }
        resolve(this.exit)
      })
    })
  }

  get pid(): number {
    return this.child.pid as number
  }

  signal(signal: NodeJS.Signals): void {
    if (this.exit === null) this.child.kill(signal)
  }

  /** Ends it with `signal`, and with SIGKILL after 20 s. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<Exit> {
    this.signal(signal)
    this.signal('SIGCONT')
    const force = setTimeout(() => this.child.kill('SIGKILL'), 20_000)
    const exit = await this.exited
    clearTimeout(force)
    return exit
  }
}

/** Runs `outrider ARGS` to its end. */
export async function outrider(
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<Exit & { stdout: string; stderr: string }> {
  const running = new Running(process.execPath, [LAUNCHER, ...args], env)
  const exit = await running.exited
  return { ...exit, stdout: running.stdout, stderr: running.stderr }
}

/** Lets a load run for a while. Never to wait for something to happen: that is `until`. */
export function wait(ms: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, ms))
}

/** Asks until the answer is true. @param what says in the error what was waited for. */
export async function until(what: string, isTrue: () => boolean | Promise<boolean>, timeoutMs = 30_000): Promise<void> {
  const end = performance.now() + timeoutMs
  while (!(await isTrue())) {
    if (performance.now() > end) throw new Error(`after ${timeoutMs} ms still not: ${what}`)
    await new Promise(resolve => setTimeout(resolve, 20))
  }
}

/** The JSON of a ready file, once it is there. */
export async function readyOf(file: string, running: Running): Promise<Record<string, string>> {
  await until(`ready file of ${running.child.spawnargs.slice(5, 8).join(' ')}\n${running.stderr.slice(-2_000)}`, () => {
    if (running.exit !== null) throw new Error(`ended before it was ready: ${JSON.stringify(running.exit)}\n${running.stderr}`)
    return existsSync(file)
  })
  return JSON.parse(readFileSync(file, 'utf8'))
}
