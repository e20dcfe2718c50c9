import { once } from 'node:events'
import { createServer, type IncomingMessage, type OutgoingHttpHeaders, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Test } from 'tap'
import { WebSocket, WebSocketServer } from 'ws'
import type { ApiLimits } from '../../../control/api/limits.ts'
import { RunningApi } from './running-api.ts'

/** Answers a request to the other server. */
export type Handler = (request: IncomingMessage, response: ServerResponse) => void

/** What Jaeger's page says below the base path. */
export const PAGE = '<html><head><base href="/jaeger/" data-inject-target="BASE_URL"/></head></html>'

/** A server that is to Jaeger as the relay sees it: its page, WebSockets that echo, and what the test adds. */
export interface Upstream {
  readonly url: URL
  readonly server: Server
  /** Its open connections. */
  readonly connections: () => Promise<number>
}

/** Starts one, which ends with the test. */
export async function upstream(t: Test, handle: Handler, page: Handler = (_, response) => response.end(PAGE), port = 0): Promise<Upstream> {
  const server = createServer((request, response) => (request.url === '/jaeger/' ? page(request, response) : handle(request, response)))
  const sockets = new WebSocketServer({ noServer: true })
  server.on('upgrade', (request, socket, head) => {
    if (request.url === '/jaeger/refused') socket.end('HTTP/1.1 403 Forbidden\r\ntransfer-encoding: chunked\r\n\r\n2\r\nno\r\n0\r\n\r\n')
    else if (request.url !== '/jaeger/silent')
      sockets.handleUpgrade(request, socket, head, echo => echo.on('message', (data, isBinary) => echo.send(data, { binary: isBinary })))
  })
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    for (const socket of sockets.clients) socket.terminate()
    server.closeAllConnections()
    server.close()
  })
  return {
    url: new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`),
    server,
    connections: () => new Promise(resolve => server.getConnections((_, count) => resolve(count))),
  }
}

/** A control API that relays to it. */
export async function relaying(t: Test, jaeger: URL | null, limits: Partial<ApiLimits> = {}): Promise<RunningApi> {
  const api = new RunningApi()
  api.jaeger = jaeger
  api.limits = limits
  await api.start()
  t.teardown(async () => {
    await api.stop()
    if (api.logged.length > 0) throw new Error(`a defect was logged: ${api.logged}`)
  })
  return api
}

/** A WebSocket through the control API. */
export function socketTo(api: RunningApi, path: string, headers: OutgoingHttpHeaders = {}): WebSocket {
  return new WebSocket(`${api.base.replace('http', 'ws')}${path}`, { headers: headers as Record<string, string> })
}

/** Status and text of the answer to an upgrade that is refused. */
export async function refusal(socket: WebSocket): Promise<readonly [number, string]> {
  const [, response] = (await once(socket, 'unexpected-response')) as [unknown, IncomingMessage]
  let text = ''
  for await (const chunk of response) text += chunk
  return [response.statusCode ?? 0, text]
}

/** Has no such thing. */
export const nothing: Handler = (_, response) => response.writeHead(404).end()
