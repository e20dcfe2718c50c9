import { once } from 'node:events'
import { get } from 'node:http'
import type { Test } from 'tap'
import { dnsServer } from '../../integration/cluster/dns-server.ts'
import { Mesh, type Sidecar } from '../../support/e2e/mesh.ts'
import { Running, until } from '../../support/e2e/process.ts'
import { node, program } from './tools.ts'

/** The name that leads to a server outside the mesh, by the suite's own name server. */
const OUTSIDE_NAME = 'outside.test'

/** A mesh for clients to be tried in. `orders` is reached through two sidecars, `plain` through one, `empty` not at all. */
export interface InteropMesh {
  readonly mesh: Mesh
  /** What the clients connect to. */
  readonly web: Sidecar
  readonly orders: Sidecar
  /** `HOST:PORT` of `web`'s outbound listener. */
  readonly outbound: string
  /** The authority of the app as a host that the mesh does not know. */
  readonly outside: string
  readonly appPort: number
}

/** The two ways of a request to the app. */
export const SERVICES = ['plain', 'orders'] as const

/** Ends a process with the test. */
export function startProcess(t: Test, command: string, args: readonly string[], env: Record<string, string> = {}): Running {
  const running = new Running(command, args, env)
  t.teardown(() => running.stop())
  return running
}

/** Starts an app that prints its port. */
export async function startApp(t: Test, command: string, args: readonly string[], env: Record<string, string> = {}): Promise<number> {
  const app = startProcess(t, command, args, { PORT: '0', ...env })
  await until(`${args.join(' ')} listens\n${app.stderr}`, () => {
    if (app.exit !== null) throw new Error(`the app ended: ${app.stderr}`)
    return app.stdout.includes('\n')
  })
  return Number(app.stdout)
}

/** A Service document whose one endpoint is on this machine. */
export function listed(name: string, port: number): string {
  return `apiVersion: outrider.dev/v1
kind: Service
metadata: { name: ${name} }
spec: { ports: [{ port: 80, protocol: http }], endpoints: [{ address: 127.0.0.1, port: ${port} }] }
`
}

const EMPTY = `apiVersion: outrider.dev/v1
kind: Service
metadata: { name: empty }
spec: { ports: [{ port: 80, protocol: http }], selector: { service: nobody } }
`

/** Starts control plane, app and both sidecars. @param app the port of an app; left out, `apps/node.mjs` under this Node. */
export async function startMesh(t: Test, app?: number): Promise<InteropMesh> {
  const appPort = app ?? (await startApp(t, node('26'), [program('apps/node.mjs')], { KEEP_ALIVE_MS: '60000' }))
  const names = await dnsServer(new Map([[OUTSIDE_NAME, { addresses: ['127.0.0.1'], ttl: 60 }]]))
  t.teardown(() => names.close())
  const mesh = new Mesh()
  t.teardown(() => mesh.stop())
  await mesh.startControl()
  const [orders, web] = await Promise.all([
    mesh.startSidecar('orders', { appPort }),
    mesh.startSidecar('web', { appPort, flags: ['--dns-server', names.address] }),
  ])
  await mesh.apply(`${listed('plain', appPort)}---\n${EMPTY}`)
  const outbound = `${web.outbound.host}:${web.outbound.port}`
  await until('orders answers through two sidecars', async () => (await status(web, 'orders')).startsWith('200'))
  return { mesh, web, orders, outbound, outside: `${OUTSIDE_NAME}:${appPort}`, appPort }
}

/** The status that a GET of `/echo` is answered. */
async function status({ outbound }: Sidecar, service: string): Promise<string> {
  const [response] = await once(get({ ...outbound, path: '/echo', headers: { host: service }, agent: false }), 'response')
  response.resume()
  return `${response.statusCode} ${response.headers['proxy-status'] ?? ''}`
}

/** Runs a client program to its end. @returns its lines of JSON. */
export async function runClient(command: string, args: readonly string[], env: Record<string, string> = {}): Promise<ClientResult[]> {
  const running = new Running(command, args, { NO_PROXY: '', no_proxy: '', HTTP_PROXY: '', http_proxy: '', ...env })
  const { code } = await running.exited
  if (code !== 0) throw new Error(`${args.join(' ')} exited ${code}\n${running.stdout.slice(-2_000)}\n${running.stderr}`)
  return running.stdout
    .split('\n')
    .filter(line => line !== '')
    .map(line => JSON.parse(line))
}

/** A line that a client program prints: what it tried, and the facts. */
export interface ClientResult {
  readonly library: string
  readonly mode: string
  readonly service: string
  readonly name: string
  readonly [fact: string]: unknown
}
