import { createConnection, createServer, type Socket } from 'node:net'
import { type ControlPlane, startControlPlane } from '../../../control/main.ts'
import { startProxy } from '../../../proxy/main.ts'
import type { ProxyOptions, RunningProxy } from '../../../proxy/options.ts'

/** What an upstream does with one request. */
export type Act = 'reset' | 'hang' | 'close' | { readonly answer: string; readonly after?: 'reset' | 'close' }

/** A request as an upstream got it. */
export interface Got {
  /** From 1, over all connections. */
  readonly number: number
  /** From 1, on its connection. */
  readonly onConnection: number
  readonly connection: number
  readonly line: string
  readonly head: string
  readonly body: string
}

/** A 200 (or another) with a body. */
export function respond(body: string, status = 200, fields = ''): Act {
  return { answer: `HTTP/1.1 ${status} Status\r\n${fields}Content-Length: ${body.length}\r\n\r\n${body}` }
}

/** An upstream that does what its script says with each request; reads heads and bodies with Content-Length. */
export class Upstream {
  readonly got: Got[] = []
  readonly #sockets = new Set<Socket>()
  readonly #server
  #connections = 0
  act: (request: Got) => Act | Promise<Act>

  constructor(act: (request: Got) => Act | Promise<Act>) {
    this.act = act
    this.#server = createServer({ allowHalfOpen: true }, socket => this.#accept(socket))
  }

  get port(): number {
    return (this.#server.address() as { port: number }).port
  }

  get connections(): number {
    return this.#connections
  }

  listen(port = 0): Promise<this> {
    return new Promise(resolve => this.#server.listen(port, '127.0.0.1', () => resolve(this)))
  }

  close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    return new Promise(resolve => this.#server.close(() => resolve()))
  }

  #accept(socket: Socket): void {
    const connection = ++this.#connections
    let text = ''
    let count = 0
    this.#sockets.add(socket)
    socket.on('error', () => {})
    socket.once('close', () => this.#sockets.delete(socket))
    socket.once('end', () => socket.end())
    socket.setEncoding('latin1').on('data', chunk => {
      text += chunk
      for (;;) {
        const end = text.indexOf('\r\n\r\n')
        if (end === -1) return
        const head = text.slice(0, end)
        const length = Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? 0)
        if (text.length < end + 4 + length) return
        const request: Got = {
          number: this.got.length + 1,
          onConnection: ++count,
          connection,
          line: head.split('\r\n', 1)[0] ?? '',
          head,
          body: text.slice(end + 4, end + 4 + length),
        }
        text = text.slice(end + 4 + length)
        this.got.push(request)
        void this.#do(socket, request)
      }
    })
  }

  async #do(socket: Socket, request: Got): Promise<void> {
    const act = await this.act(request)
    if (act === 'reset') socket.resetAndDestroy()
    else if (act === 'close') socket.end()
    else if (act !== 'hang') {
      socket.write(act.answer, 'latin1', () => {
        if (act.after === 'reset') socket.resetAndDestroy()
        else if (act.after === 'close') socket.end()
      })
    }
  }
}

/** An answer, taken apart. */
export interface Answer {
  readonly status: number
  readonly head: string
  readonly body: string
  /** Everything, interim responses included. */
  readonly all: string
  field(name: string): string | null
}

/** Takes the last response of what was read apart. */
export function parse(all: string): Answer {
  let start = 0
  while (/^HTTP\/1\.1 1(?!01)\d\d /.test(all.slice(start))) start = all.indexOf('\r\n\r\n', start) + 4
  const end = all.indexOf('\r\n\r\n', start)
  const head = end === -1 ? all.slice(start) : all.slice(start, end)
  const field = (name: string) => new RegExp(`\\r\\n${name}: *([^\\r]*)`, 'i').exec(head)?.[1] ?? null
  return { status: Number(/^HTTP\/1\.\d (\d+)/.exec(head)?.[1] ?? 0), head, body: end === -1 ? '' : all.slice(end + 4), all, field }
}

/** A raw client: sends what the test writes, and reads until the other side closes. */
export class Client {
  readonly socket: Socket
  readonly closed: Promise<string>
  text = ''
  #waiting: (() => void)[] = []

  constructor(port: number) {
    this.socket = createConnection({ port, host: '127.0.0.1', allowHalfOpen: true })
    const { promise, resolve } = Promise.withResolvers<string>()
    this.closed = promise
    const done = () => {
      resolve(this.text)
      this.#wake()
      this.socket.end()
    }
    this.socket.setEncoding('latin1').on('data', chunk => {
      this.text += chunk
      this.#wake()
    })
    this.socket.on('error', done)
    this.socket.once('end', done)
    this.socket.once('close', done)
  }

  write(text: string): this {
    this.socket.write(text, 'latin1')
    return this
  }

  /** Resolves once `pattern` is in what was read. */
  async read(pattern: RegExp): Promise<string> {
    while (!pattern.test(this.text)) {
      if (this.socket.readableEnded || this.socket.destroyed) throw new Error(`closed before ${pattern}: ${JSON.stringify(this.text)}`)
      await new Promise<void>(resolve => this.#waiting.push(resolve))
    }
    return this.text
  }

  destroy(): void {
    this.socket.destroy()
  }

  #wake(): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (const resolve of waiting) resolve()
  }
}

/** Sends octets and reads to the end of the connection. */
export async function exchange(port: number, text: string): Promise<Answer> {
  const client = new Client(port).write(text)
  return parse(await client.closed)
}

/** One request on a connection of its own. */
export function ask(
  port: number,
  host: string,
  path = '/',
  options: { method?: string; fields?: string; body?: string } = {},
): Promise<Answer> {
  const { method = 'GET', fields = '', body = '' } = options
  const length = body === '' && !/^P/.test(method) ? '' : `Content-Length: ${body.length}\r\n`
  return exchange(port, `${method} ${path} HTTP/1.1\r\nHost: ${host}\r\n${fields}${length}Connection: close\r\n\r\n${body}`)
}

/** What `POST /v1/apply` answered. */
export interface Applied {
  readonly status: number
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers freely
  readonly json: any
}

const ANY = { address: '127.0.0.1', port: 0 }
const SILENT = { info() {}, warn() {}, error() {}, debug() {} }

/** A control plane and sidecars in this process, over real sockets. */
export class TestMesh {
  readonly plane: ControlPlane
  readonly #proxies: RunningProxy[] = []

  private constructor(plane: ControlPlane) {
    this.plane = plane
  }

  static async start(): Promise<TestMesh> {
    const at = { host: '127.0.0.1', port: 0 }
    return new TestMesh(
      await startControlPlane({ dataDir: null, api: at, xds: at, isInsecure: false, isAdopting: false, log: SILENT, version: '0' }),
    )
  }

  get api(): string {
    return `http://127.0.0.1:${this.plane.api?.port}`
  }

  /** A sidecar whose outbound is ready. */
  async sidecar(service: string, appPort: number, options: Partial<ProxyOptions> = {}): Promise<RunningProxy> {
    const started = await startProxy({
      service,
      namespace: 'default',
      labels: {},
      nodeId: `${service}-${this.#proxies.length}`,
      build: '0',
      app: { address: '127.0.0.1', port: appPort },
      appHealthPath: null,
      control: { address: '127.0.0.1', port: this.plane.xds.port },
      outbound: ANY,
      inbound: ANY,
      admin: ANY,
      health: ANY,
      advertise: null,
      dataDir: null,
      dnsServer: null,
      otlp: null,
      drainTimeoutMs: 1_000,
      logLevel: 'error',
      ...options,
    })
    if (!started.ok) throw new Error(started.message)
    this.#proxies.push(started.proxy)
    await started.proxy.outboundReady
    return started.proxy
  }

  /** Applies documents without judging the answer. */
  async tryApply(documents: string): Promise<Applied> {
    const response = await fetch(`${this.api}/v1/apply`, {
      method: 'POST',
      headers: { 'content-type': 'application/yaml' },
      body: documents,
    })
    return { status: response.status, json: await response.json() }
  }

  /** Applies documents and waits until every sidecar runs them. */
  async apply(documents: string): Promise<void> {
    const { status, json } = await this.tryApply(documents)
    if (status !== 200) throw new Error(JSON.stringify(json))
    await this.inForce()
  }

  /** Waits until every sidecar runs what is stored. */
  async inForce(): Promise<void> {
    const revision = this.plane.store.revision
    const response = await fetch(`${this.api}/v1/proxies?revision=${revision}&waitMs=10000`)
    const { items } = (await response.json()) as { items: { id: string; version: string; lastNack: unknown }[] }
    const late = items.filter(each => Number(each.version) < revision)
    if (late.length > 0) throw new Error(`not in force: ${JSON.stringify(late)}`)
  }

  async stop(): Promise<void> {
    await Promise.all(this.#proxies.map(proxy => proxy.close()))
    await this.plane.close()
  }
}

/** A Service document with listed endpoints. */
export function service(name: string, ports: readonly number[], more = ''): string {
  const endpoints = ports.map(port => `{ address: 127.0.0.1, port: ${port} }`).join(', ')
  return `---\napiVersion: outrider.dev/v1\nkind: Service\nmetadata: { name: ${name} }\nspec: { ports: [{ port: 80, protocol: http }], endpoints: [${endpoints}]${more} }\n`
}

/** An HTTPRoute of a service; `rules` is YAML in flow style. */
export function httpRoute(name: string, rules: string): string {
  return `---\napiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: { name: ${name} }\nspec: { parentRefs: [{ group: "", kind: Service, name: ${name} }], rules: ${rules} }\n`
}

/** A TrafficPolicy of a service; `spec` is YAML in flow style without its braces. */
export function policy(name: string, spec: string): string {
  return `---\napiVersion: outrider.dev/v1\nkind: TrafficPolicy\nmetadata: { name: ${name} }\nspec: { targetRefs: [{ group: "", kind: Service, name: ${name} }], ${spec} }\n`
}
