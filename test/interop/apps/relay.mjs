// An app of a chain, under any Node. It knows nothing of propagation: it serves `/HOP/HOP?via=LIBRARY` by asking the first hop for the rest of the path, and
// answers what it was sent and what that one answered. Before it asks it takes one of the ways in which code of a request runs later.
import { pbkdf2 } from 'node:crypto'
import { EventEmitter } from 'node:events'
import http from 'node:http'
import { performance } from 'node:perf_hooks'
import { EnvHttpProxyAgent, fetch as fetchOfUndici, Pool, request as undici, setGlobalDispatcher } from 'undici'

const CARRIED = ['traceparent', 'tracestate', 'baggage', 'x-request-id', 'x-envoy-expected-rq-timeout-ms']

const proxy = new URL(process.env.OUTBOUND ?? process.env.HTTP_PROXY)
const [major, minor] = process.versions.node.split('.').map(Number)
const readsProxy = process.env.NODE_USE_ENV_PROXY === '1' && (major > 24 || (major === 24 && minor >= 5) || (major === 22 && minor >= 21))
const envAgent = new EnvHttpProxyAgent()
// What Node 20's own fetch needs to find a proxy.
if (!readsProxy && process.env.HTTP_PROXY) setGlobalDispatcher(envAgent)
// Fewer connections than requests: those that wait are sent when others end.
const pool = new Pool(proxy.origin, { connections: 2 })
const limitedAgent = new EnvHttpProxyAgent({ connections: 2 })
const agent = new http.Agent({ keepAlive: true, maxSockets: 2 })

/** Ways in which code of a request runs later. */
const LATER = [
  () => {},
  () => new Promise(resolve => setImmediate(resolve)),
  () => new Promise(resolve => setTimeout(resolve, 1 + Math.random() * 5)),
  () => new Promise(resolve => process.nextTick(resolve)),
  () => new Promise((resolve, reject) => pbkdf2('p', 's', 10, 16, 'sha256', error => (error ? reject(error) : resolve()))),
  () => {
    const emitter = new EventEmitter()
    const heard = new Promise(resolve => emitter.once('go', resolve))
    setImmediate(() => emitter.emit('go'))
    return heard
  },
  async () => {
    for (let i = 0; i < 5; i++) await null
    await Promise.all([new Promise(resolve => setTimeout(resolve, 1)), new Promise(resolve => queueMicrotask(resolve))])
  },
]
let turn = 0

/** node:http with callbacks; `read` is called with status, Proxy-Status and body. */
function byHttp(call, { host, path, headers, body }, read, fail) {
  const isList = Array.isArray(headers)
  const direct = { host: proxy.hostname, port: proxy.port, path, agent }
  const options =
    readsProxy && !isList ? { host, path, headers } : { ...direct, headers: isList ? [...headers, 'host', host] : { ...headers, host } }
  const request = call({ ...options, method: body === null ? 'GET' : 'POST' }, response => {
    let text = ''
    response.setEncoding('utf8')
    response.on('data', chunk => {
      text += chunk
    })
    response.on('end', () => read(response.statusCode, response.headers['proxy-status'] ?? null, text))
  })
  request.on('error', fail)
  if (call === http.request) request.end(body ?? undefined)
}

const fromUndici = async response => [response.statusCode, response.headers['proxy-status'] ?? null, await response.body.text()]

const CLIENTS = {
  http: to => new Promise((resolve, reject) => byHttp(http.request, to, (...answer) => resolve(answer), reject)),
  get: to => new Promise((resolve, reject) => byHttp(http.get, { ...to, body: null }, (...answer) => resolve(answer), reject)),
  // Asks twice, the second time from the first answer's last event.
  twice: to =>
    new Promise((resolve, reject) =>
      byHttp(http.request, { ...to, path: '/' }, () => byHttp(http.request, to, (...answer) => resolve(answer), reject), reject),
    ),
  // Node writes such a head before anybody else can add to it.
  list: to =>
    new Promise((resolve, reject) => byHttp(http.request, { ...to, headers: ['x-list', '1'] }, (...answer) => resolve(answer), reject)),
  async fetch({ host, path, headers, body }) {
    const response = await fetch(`http://${host}${path}`, { method: body === null ? 'GET' : 'POST', headers, body })
    return [response.status, response.headers.get('proxy-status'), await response.text()]
  },
  // Its requests wait like the pool's, and have no context of their own.
  async limited({ host, path, headers, body }) {
    const options = { method: body === null ? 'GET' : 'POST', headers, body, dispatcher: limitedAgent }
    const response = await fetchOfUndici(`http://${host}${path}`, options)
    return [response.status, response.headers.get('proxy-status'), await response.text()]
  },
  undici: async ({ host, path, headers, body }) =>
    fromUndici(await undici(`http://${host}${path}`, { method: body === null ? 'GET' : 'POST', headers, body, dispatcher: envAgent })),
  pool: async ({ host, path, headers, body }) =>
    fromUndici(await pool.request({ path, method: body === null ? 'GET' : 'POST', headers: { ...headers, host }, body })),
}

/** Asks the next hop, if there is one. */
async function relay(url, body) {
  const [, host, ...rest] = url.pathname.split('/')
  if (host === '') return null
  const via = url.searchParams.get('via')
  await LATER[turn++ % LATER.length]()
  const own = url.searchParams.has('own') ? { TraceParent: url.searchParams.get('own'), baggage: 'own=1' } : {}
  const [status, proxyStatus, text] = await CLIENTS[via]({ host, path: `/${rest.join('/')}${url.search}`, headers: own, body })
  return { status, proxyStatus, answer: status === 200 ? JSON.parse(text) : text }
}

let served = 0

const server = http.createServer((request, response) => {
  served++
  const url = new URL(request.url, 'http://app')
  const seen = Object.fromEntries(CARRIED.map(name => [name, request.headers[name] ?? null]))
  // What an app could see of the hook in its own request.
  const events = emitter => emitter.eventNames().map(name => `${String(name)}: ${emitter.listenerCount(name)}`)
  seen.surface = JSON.stringify([events(request), events(response), Object.keys(request), Object.keys(response), request.rawHeaders.length])
  const answer = value => response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(value))
  if (url.pathname === '/' && url.searchParams.has('count')) return answer(served - 1)
  if (url.pathname === '/' && url.searchParams.has('hang')) return request.resume()
  const chunks = []
  request.on('data', chunk => chunks.push(chunk))
  // From the stream's last event on, as body parsers do.
  request.on('end', async () => {
    const past = performance.now() + Number(seen['x-envoy-expected-rq-timeout-ms'] ?? 0)
    if (url.searchParams.has('dally')) while (performance.now() <= past) await new Promise(resolve => setTimeout(resolve, 5))
    try {
      answer({ seen, next: await relay(url, chunks.length === 0 ? null : Buffer.concat(chunks)) })
    } catch (error) {
      response.writeHead(500).end(String(error?.stack ?? error))
    }
  })
})
server.on('upgrade', async (request, socket) => {
  const answer = await relay(new URL(request.url, 'http://app'), null)
  socket.end(`HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: test\r\n\r\n${JSON.stringify({ seen: {}, next: answer })}`)
})
server.keepAliveTimeout = 60_000
server.listen(Number(process.env.PORT), '127.0.0.1', () => console.log(`relay on ${server.address().port}`))
process.on('SIGTERM', () => process.exit(0))
