import type { ClientRequest, IncomingMessage, ServerResponse } from 'node:http'
import { createRequire } from 'node:module'
import type { Socket } from 'node:net'

/** What the relay uses of npm's http-proxy, which comes without types. */
export interface HttpProxy {
  /** @param failed is told of an error of either side, until the response has been written. */
  web(request: IncomingMessage, response: ServerResponse, failed: (error: Error) => void): void
  /** For an upgrade to WebSocket. After `failed` it ends `socket`. */
  ws(request: IncomingMessage, socket: Socket, head: Buffer, failed: (error: Error) => void): void
  /** A request has its socket. Not told of requests with `Expect`. */
  on(event: 'proxyReq', told: (sent: ClientRequest, request: IncomingMessage, response: ServerResponse) => void): this
  /** A response's head is in, and not yet written. */
  on(event: 'proxyRes', told: (answer: IncomingMessage, request: IncomingMessage, response: ServerResponse) => void): this
  /** An upgrade is about to be sent. */
  on(event: 'proxyReqWs', told: (sent: ClientRequest, request: IncomingMessage, socket: Socket) => void): this
  webPasses: readonly { readonly name: string }[]
}

/** A proxy to `target`: paths are kept, Host is the target's, X-Forwarded-* are added. Loaded on demand: most control planes relay nothing. */
export function createHttpProxy(target: URL): HttpProxy {
  const HttpProxyServer = loadHttpProxy()
  const { protocol, host, port } = target
  const hostname = target.hostname.replace(/^\[|\]$/g, '')
  // `toProxy`: the request's target goes on as it was written, instead of through the deprecated `url.parse`.
  const proxy = new HttpProxyServer({ target: { protocol, host, hostname, port }, changeOrigin: true, xfwd: true, toProxy: true })
  // It would send `Content-Length: 0` before the chunked body of a DELETE or OPTIONS.
  proxy.webPasses = proxy.webPasses.filter(pass => pass.name !== 'deleteLength')
  return proxy
}

/** http-proxy 1.18 takes `util._extend`, at each call of which Node warns on standard error. While it loads, it finds Object.assign there, which does the same. */
function loadHttpProxy(): new (options: object) => HttpProxy {
  const require = createRequire(import.meta.url)
  const util = require('node:util')
  const { _extend } = util
  util._extend = Object.assign
  try {
    return require('http-proxy')
  } finally {
    util._extend = _extend
  }
}
