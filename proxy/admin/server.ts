import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Counters } from '../util/counters.ts'
import { refusal } from './guard.ts'

/** What a page answers. */
export interface Page {
  readonly status: number
  /** A string goes out as plain text, anything else as JSON. */
  readonly body: unknown
  /** Left out: what the body is. */
  readonly contentType?: string
}

/** One page of a server of this kind: its method, its path, and what it does. */
export interface Route {
  readonly method: 'GET' | 'POST'
  readonly path: string
  readonly summary: string
  /** @param accept the request's field, or an empty string. */
  handle(url: URL, accept: string): Page | Promise<Page>
}

/** A request that takes longer has its connection closed: admin calls are small. */
export const ADMIN_TIMEOUT_MS = 10_000
/** Between two looks at that deadline, ms; Node's own 30 s would make 10 s up to 40. */
export const ADMIN_LOOK_MS = 1_000
/** A connection without an octet in either direction is closed: a client that does not read its answer. */
export const ADMIN_IDLE_MS = 30_000
/** Connections at once; an operator, a kubelet and Prometheus need a handful. */
export const ADMIN_MAX_CONNECTIONS = 64

/** What an admin server takes besides its pages; the times, ms, are ADMIN_* where nobody says otherwise. */
export interface AdminLimits {
  readonly counters: Counters
  readonly timeoutMs?: number
  readonly lookMs?: number
  readonly idleMs?: number
}

/** A running admin or health server. */
export interface AdminServer {
  readonly address: string
  readonly port: number
  close(): Promise<void>
}

/**
 * Serves `routes` at an address. Not the data path, so it is Node's own HTTP server.
 *
 * @param isGuarded checks Host and Origin: for pages that tell or change more than a kubelet and Prometheus need, who call by any name.
 */
export function serveAdmin(
  routes: readonly Route[],
  at: { address: string; port: number },
  isGuarded: boolean,
  { counters, timeoutMs = ADMIN_TIMEOUT_MS, lookMs = ADMIN_LOOK_MS, idleMs = ADMIN_IDLE_MS }: AdminLimits,
): Promise<AdminServer> {
  const server = createServer({ connectionsCheckingInterval: lookMs }, (request, response) => {
    answer(routes, request, response, isGuarded ? at.address : null).catch(error => send(response, { status: 500, body: `${error}\n` }))
  })
  server.maxConnections = ADMIN_MAX_CONNECTIONS
  server.requestTimeout = timeoutMs
  server.headersTimeout = timeoutMs
  server.timeout = idleMs
  server.on('drop', () => counters.add('admin_connections_refused'))
  server.on('timeout', socket => {
    // A connection that waits for its next request ends here too, and that is nobody's fault.
    if (socket.writableLength > 0) counters.add('admin_stalled_closed')
    socket.destroy()
  })
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host: at.address, port: at.port }, () => {
      server.off('error', reject)
      const { address, port } = server.address() as AddressInfo
      resolve({ address, port, close: () => close(server) })
    })
  })
}

async function answer(
  routes: readonly Route[],
  request: IncomingMessage,
  response: ServerResponse,
  guardedAt: string | null,
): Promise<void> {
  const refused = guardedAt === null ? null : refusal(request, guardedAt)
  if (refused !== null) return send(response, { status: 403, body: `${refused}\n` })
  const url = new URL(request.url ?? '/', 'http://admin')
  const here = routes.filter(route => route.path === url.pathname)
  if (here.length === 0) return send(response, { status: 404, body: index(routes, url.pathname) })
  const route = here.find(each => each.method === request.method || (each.method === 'GET' && request.method === 'HEAD'))
  if (route === undefined) {
    const allowed = here.map(each => each.method).join(', ')
    response.setHeader('allow', allowed)
    return send(response, { status: 405, body: `${request.method} ${url.pathname} is not allowed; use ${allowed}\n` })
  }
  request.resume()
  send(response, await route.handle(url, request.headers.accept ?? ''))
}

function index(routes: readonly Route[], path: string): string {
  const lines = routes.map(route => `  ${route.method.padEnd(4)} ${route.path.padEnd(16)} ${route.summary}`)
  return `${path === '/' ? 'This is an Outrider sidecar.' : `There is no ${path}.`} What there is:\n${lines.join('\n')}\n`
}

function send(response: ServerResponse, page: Page): void {
  const isText = typeof page.body === 'string'
  const body = isText ? (page.body as string) : `${JSON.stringify(page.body, null, 2)}\n`
  response.writeHead(page.status, {
    'content-type': page.contentType ?? (isText ? 'text/plain; charset=utf-8' : 'application/json'),
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-store',
  })
  response.end(body)
}

function close(server: Server): Promise<void> {
  return new Promise(resolve => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
}
