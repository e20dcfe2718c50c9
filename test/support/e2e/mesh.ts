import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { LAUNCHER, outrider, Running, readyOf, until } from './process.ts'

/** An address as flags take it. */
export interface Address {
  readonly host: string
  readonly port: number
}

const APP = join(import.meta.dirname, 'app.ts')

/** `HOST:PORT` taken apart. */
export function address(text: string): Address {
  const colon = text.lastIndexOf(':')
  return { host: text.slice(0, colon).replace(/^\[|\]$/g, ''), port: Number(text.slice(colon + 1)) }
}

/** A sidecar of a test, with its app where it has one. */
export interface Sidecar {
  readonly name: string
  readonly proxy: Running
  readonly app: Running | null
  readonly appPort: number
  readonly outbound: Address
  readonly inbound: Address
  readonly admin: Address
  readonly health: Address
}

/** How a sidecar is started. */
export interface SidecarOptions {
  /** Its node id, and the name of its data folder; the same again for a restart. */
  readonly name?: string
  readonly appPort?: number
  /** `HOST:PORT`; left out: a free one. */
  readonly inbound?: string
  readonly flags?: readonly string[]
  /** Of the app. */
  readonly env?: Record<string, string>
  /** Of the sidecar. */
  readonly proxyEnv?: Record<string, string>
}

/** The listeners of a ready line. */
function addressesOf(said: Record<string, string>): Pick<Sidecar, 'outbound' | 'inbound' | 'admin' | 'health'> {
  const at = (key: string) => address(said[key] as string)
  return { outbound: at('outbound'), inbound: at('inbound'), admin: at('admin'), health: at('health') }
}

/** A mesh of real processes on this machine, started through the CLI; everything ends with `stop`. */
export class Mesh {
  readonly directory = mkdtempSync(join(tmpdir(), 'outrider-e2e-'))
  readonly #running: Running[] = []
  #count = 0
  control: Running | null = null
  api = ''
  xds = ''

  /** Starts the control plane; a second time it takes the same addresses and data again. */
  async startControl(...flags: string[]): Promise<void> {
    const ready = this.file(`control-${this.#count++}.ready`)
    const api = this.api === '' ? '127.0.0.1:0' : this.api
    const xds = this.xds === '' ? '127.0.0.1:0' : this.xds
    const data = flags.includes('--data-dir') ? [] : ['--data-dir', this.file('control')]
    const args = ['control', ...data, '--api', api, '--xds', xds, '--ready-file', ready, ...flags]
    this.control = this.run(args)
    const addresses = await readyOf(ready, this.control)
    this.api = addresses['api'] as string
    this.xds = addresses['xds'] as string
  }

  /** Starts `outrider ARGS` and remembers to end it. */
  run(args: readonly string[], env: Record<string, string> = {}): Running {
    const running = new Running(process.execPath, [LAUNCHER, ...args], env)
    this.#running.push(running)
    return running
  }

  /** Starts an app that answers JSON with its name, pid and what it was asked. */
  async startApp(name: string, env: Record<string, string> = {}): Promise<{ app: Running; port: number }> {
    const app = new Running(process.execPath, [APP], { PORT: '0', NAME: name, ...env })
    this.#running.push(app)
    await until(`${name} listens`, () => app.stdout.includes('\n'))
    return { app, port: Number(app.stdout) }
  }

  /** Starts a sidecar, with an app of its own unless `appPort` says where one is. */
  async startSidecar(service: string, options: SidecarOptions = {}): Promise<Sidecar> {
    const name = options.name ?? `${service}-${this.#count++}`
    const started = options.appPort === undefined ? await this.startApp(name, options.env) : { app: null, port: options.appPort }
    const flags = ['--app', `127.0.0.1:${started.port}`, ...this.sidecarFlags(service, name, options)]
    const ready = this.file(`${name}-${this.#count++}.ready`)
    const proxy = this.run(['proxy', ...flags, '--ready-file', ready], options.proxyEnv)
    const at = addressesOf(await readyOf(ready, proxy))
    return { name, proxy, app: started.app, appPort: started.port, ...at }
  }

  /** The flags that `proxy` and `run` share. */
  sidecarFlags(service: string, name: string, { inbound, flags = [] }: SidecarOptions = {}): string[] {
    const any = '127.0.0.1:0'
    const ports = ['--outbound', any, '--inbound', inbound ?? any, '--admin', any, '--health', any]
    return ['--service', service, '--node-id', name, '--control', this.xds, ...ports, '--data-dir', join(this.directory, name), ...flags]
  }

  /** Starts an app under `outrider run`. */
  async startRun(service: string, options: SidecarOptions = {}): Promise<Sidecar> {
    const name = options.name ?? `${service}-${this.#count++}`
    const ready = this.file(`${name}-${this.#count++}.ready`)
    const command = ['run', ...this.sidecarFlags(service, name, options), '--ready-file', ready, '--', process.execPath, APP]
    const proxy = this.run(command, { NAME: name, ...options.env })
    const said = await readyOf(ready, proxy)
    return { name, proxy, app: null, appPort: address(said['app'] as string).port, ...addressesOf(said) }
  }

  /** A path in this mesh's own folder. */
  file(name: string): string {
    return join(this.directory, name)
  }

  /** Applies documents and waits until they are in force everywhere. */
  async apply(documents: string, ...flags: string[]): Promise<string> {
    const file = this.file(`apply-${this.#count++}.yaml`)
    writeFileSync(file, documents)
    const { code, stdout, stderr } = await outrider(['apply', '-f', file, '--api', `http://${this.api}`, ...flags])
    if (code !== 0) throw new Error(`apply exited ${code}\n${stdout}${stderr}`)
    return stdout
  }

  async stop(): Promise<void> {
    await Promise.all(this.#running.map(running => running.stop()))
    rmSync(this.directory, { recursive: true, force: true })
  }
}
