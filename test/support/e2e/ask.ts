import { type IncomingHttpHeaders, request } from 'node:http'
import type { Address, Mesh, Sidecar } from './mesh.ts'
import { outrider, until } from './process.ts'

/** One answer. Status 0: there was none, and `text` says why. */
export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
}

/** Sends one request on a connection of its own. */
export function ask(
  at: Address,
  options: { path?: string; host?: string; method?: string; body?: string; timeoutMs?: number } = {},
): Promise<Answer> {
  const { path = '/', host = `${at.host}:${at.port}`, method = 'GET', body, timeoutMs = 20_000 } = options
  return new Promise(resolve => {
    const fail = (error: Error) => resolve({ status: 0, headers: {}, text: error.message })
    const sent = request(
      { host: at.host, port: at.port, path, method, agent: false, headers: { host }, signal: AbortSignal.timeout(timeoutMs) },
      response => {
        let text = ''
        response.setEncoding('utf8').on('data', chunk => {
          text += chunk
        })
        response.once('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, text }))
        response.once('error', fail)
      },
    )
    sent.once('error', fail)
    sent.end(body)
  })
}

/** The part of `/stats` that tests look at. */
export interface Stats {
  readonly active: { readonly inbound: number; readonly outbound: number }
  readonly connections: { readonly inbound: number; readonly outbound: number }
  readonly counters: Record<string, number>
  readonly memory: { readonly residentBytes: number; readonly heapBytes: number }
  readonly configuration: { readonly isConnected: boolean; readonly source: string; readonly revision: number; readonly storeId: string }
}

export async function statsOf(sidecar: Sidecar): Promise<Stats> {
  return JSON.parse((await ask(sidecar.admin, { path: '/stats' })).text)
}

/** The part of `/clusters` that tests look at. */
export interface HostState {
  readonly address: string
  readonly port: number
  readonly state: string
  readonly connections: { readonly active: number; readonly idle: number; readonly connecting: number; readonly pending: number }
}

/** The hosts of all clusters of a service, as a caller's sidecar has them. */
export async function hostsOf(sidecar: Sidecar, service: string): Promise<readonly HostState[]> {
  const clusters = JSON.parse((await ask(sidecar.admin, { path: '/clusters' })).text) as { name: string; hosts: HostState[] }[]
  return clusters.filter(({ name }) => name.includes(`/${service}`)).flatMap(({ hosts }) => hosts)
}

/** How a caller's sidecar sees one instance; `none`: not at all. */
export async function stateOf(caller: Sidecar, service: string, { inbound }: Sidecar): Promise<string> {
  return (await hostsOf(caller, service)).find(({ port }) => port === inbound.port)?.state ?? 'none'
}

/** Waits until a caller has so many healthy instances of a service. */
export function untilHealthy(caller: Sidecar, service: string, count: number): Promise<void> {
  return until(`${caller.name} has ${count} healthy instances of ${service}`, async () => {
    return (await hostsOf(caller, service)).filter(({ state }) => state === 'healthy').length === count
  })
}

/** A proxy, as `outrider proxies` shows it. */
export interface Shown {
  readonly id: string
  readonly inSync: boolean
  readonly isConnected: boolean
  readonly version: string
  readonly warnings: readonly string[]
}

/** What `outrider proxies` says; empty while the control plane does not answer. */
export async function proxiesOf(mesh: Mesh): Promise<readonly Shown[]> {
  const { code, stdout } = await outrider(['proxies', '-o', 'json', '--api', `http://${mesh.api}`])
  return code === 0 ? (JSON.parse(stdout) as { items: Shown[] }).items : []
}

/** Waits until so many sidecars are connected and run what the control plane has. */
export function untilInSync(mesh: Mesh, count: number): Promise<void> {
  return until(
    `${count} sidecars are in sync`,
    async () => (await proxiesOf(mesh)).filter(({ inSync, isConnected }) => inSync && isConnected).length === count,
    60_000,
  )
}
