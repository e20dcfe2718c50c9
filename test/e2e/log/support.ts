import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { closeSync, constants, existsSync, mkdtempSync, openSync, readFileSync, readSync, rmSync, writeFileSync } from 'node:fs'
import { Agent, createServer, request, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ask, type Stats } from '../../support/e2e/ask.ts'
import { type Address, address } from '../../support/e2e/mesh.ts'
import { LAUNCHER, until } from '../../support/e2e/process.ts'

/** A request for it, with the agent below, has a line of about 2.4 KiB. */
export const LONG_PATH = `/${'x'.repeat(999)}`
const LONG_AGENT = 'y'.repeat(1_000)
/** So many of those are more than a pipe, a socket's buffers and what may wait: some lines must be lost. */
export const MANY = 800
const CALLERS = 8

/** A folder, and an app that answers 200 to everything, for sidecars that log every request. */
export class LogScene {
  readonly #directory = mkdtempSync(join(tmpdir(), 'outrider-log-'))
  readonly #app: Server
  readonly #children: ChildProcess[] = []
  #count = 0

  private constructor(app: Server) {
    this.#app = app
  }

  static async set(): Promise<LogScene> {
    const app = createServer((_, response) => response.end('ok'))
    await new Promise<void>(resolve => app.listen(0, '127.0.0.1', resolve))
    return new LogScene(app)
  }

  /** A path in the scene's own folder, new each time. */
  file(): string {
    return join(this.#directory, String(this.#count++))
  }

  /** A named pipe, with its reading end open and unread. */
  pipe(): UnreadPipe {
    return new UnreadPipe(this.file())
  }

  /**
   * Starts a sidecar of its own documents.
   *
   * @param stderr a descriptor, closed here; or `pipe`, which nobody reads.
   * @param wrap makes the command that is started of the sidecar's.
   */
  async sidecar(
    stderr: number | 'pipe',
    { command = 'proxy', app = [] as readonly string[], wrap = (words: readonly string[]) => words } = {},
  ): Promise<LoggingSidecar> {
    const ready = this.file()
    const any = '127.0.0.1:0'
    const ports = ['--outbound', any, '--inbound', any, '--admin', any, '--health', any]
    const flags = ['--service', 'web', '--documents', this.#documents(), ...ports, '--ready-file', ready]
    const [program, ...words] = wrap([process.execPath, LAUNCHER, command, ...flags, ...app])
    // Without the hooks of the test runner.
    const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => name !== 'NODE_OPTIONS'))
    const child = spawn(program as string, words, { stdio: ['ignore', 'pipe', stderr], env })
    this.#children.push(child)
    if (stderr !== 'pipe') closeSync(stderr)
    const sidecar = new LoggingSidecar(child)
    await until('the sidecar is ready', () => {
      if (sidecar.exit !== null) throw new Error(`ended with ${sidecar.exit} before it was ready`)
      return existsSync(ready)
    })
    const { outbound, admin } = JSON.parse(readFileSync(ready, 'utf8'))
    sidecar.outbound = address(outbound)
    sidecar.admin = address(admin)
    return sidecar
  }

  end(): void {
    for (const child of this.#children) child.kill('SIGKILL')
    this.#app.close()
    this.#app.closeAllConnections()
    rmSync(this.#directory, { recursive: true })
  }

  #documents(): string {
    const file = `${this.file()}.yaml`
    const { port } = this.#app.address() as AddressInfo
    const service = `apiVersion: outrider.dev/v1
kind: Service
metadata: { name: orders }
spec: { ports: [{ port: 80, protocol: http }], endpoints: [{ address: 127.0.0.1, port: ${port} }] }
`
    const mesh = `apiVersion: outrider.dev/v1
kind: Mesh
metadata: { name: default }
spec: { accessLog: { mode: all } }
`
    writeFileSync(file, `${service}---\n${mesh}`)
    return file
  }
}

/** A sidecar whose log is the matter. */
export class LoggingSidecar {
  readonly child: ChildProcess
  /** Its exit code or signal; null: it runs. */
  exit: number | string | null = null
  outbound: Address = { host: '', port: 0 }
  admin: Address = { host: '', port: 0 }

  constructor(child: ChildProcess) {
    this.child = child
    child.once('exit', (code, signal) => {
      this.exit = code ?? signal
    })
  }

  /** Sends requests over a few connections. @returns how many were answered 200. */
  async answered(count: number, path: string): Promise<number> {
    const agent = new Agent({ keepAlive: true, maxSockets: CALLERS })
    let left = count
    let answered = 0
    const caller = async () => {
      while (left-- > 0) if ((await statusOf(this.outbound, path, agent)) === 200) answered++
    }
    await Promise.all(Array.from({ length: CALLERS }, caller))
    agent.destroy()
    return answered
  }

  async dropped(): Promise<number> {
    const { counters } = JSON.parse((await ask(this.admin, { path: '/stats' })).text) as Stats
    return counters['log_lines_dropped'] as number
  }

  /** Asks it to end and waits. @returns its exit code. */
  async end(): Promise<number | string | null> {
    this.child.kill('SIGTERM')
    await until('the sidecar has ended', () => this.exit !== null)
    return this.exit
  }
}

function statusOf(at: Address, path: string, agent: Agent): Promise<number> {
  return new Promise(resolve => {
    const sent = request(
      { ...at, path, agent, headers: { host: 'orders', 'user-agent': LONG_AGENT }, signal: AbortSignal.timeout(20_000) },
      response => {
        response.resume().once('end', () => resolve(response.statusCode ?? 0))
        response.once('error', () => resolve(0))
      },
    )
    sent.once('error', () => resolve(0))
    sent.end()
  })
}

/** A named pipe that is read when the test says so. */
export class UnreadPipe {
  readonly #reading: number
  readonly writing: number
  text = ''

  constructor(path: string) {
    const made = spawnSync('mkfifo', [path])
    if (made.status !== 0) throw new Error(`mkfifo: ${made.stderr}`)
    this.#reading = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
    this.writing = openSync(path, constants.O_WRONLY)
  }

  /** Nobody will read it any more. */
  leave(): void {
    closeSync(this.#reading)
  }

  /** Takes what is in it now. */
  read(): string {
    const chunk = Buffer.alloc(65_536)
    for (;;) {
      const octets = readNow(this.#reading, chunk)
      if (octets === 0) return this.text
      this.text += chunk.toString('utf8', 0, octets)
    }
  }
}

function readNow(descriptor: number, chunk: Buffer): number {
  try {
    return readSync(descriptor, chunk)
  } catch {
    return 0
  }
}

/** Lines of the access log, and the notes about missing ones; throws if a line is no whole one. */
export function take(log: string): { readonly requests: number; readonly missing: number } {
  let requests = 0
  let missing = 0
  if (!log.endsWith('\n')) throw new Error(`the last line is cut: ${log.slice(-100)}`)
  for (const line of log.trimEnd().split('\n')) {
    const said = JSON.parse(line) as Record<string, unknown>
    if (said['path'] === LONG_PATH) requests++
    if (typeof said['lines'] === 'number') missing += said['lines']
  }
  return { requests, missing }
}
