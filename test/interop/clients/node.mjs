// One run of Node's HTTP clients through a sidecar, under whatever Node runs this file: a line of JSON for each thing tried.
//
//     node node.mjs LIBRARY MODE OUTBOUND SERVICE OUTSIDE
//
// LIBRARY is `http`, `fetch` or `undici`. MODE is how the sidecar is used: `host` (connected to, with the service in Host), `proxy` (absolute form, as a
// proxy), `connect` (a CONNECT tunnel), `env` (Node's own reading of HTTP_PROXY). OUTSIDE is the authority of a server that is not in the mesh.
import { createHash } from 'node:crypto'
import http from 'node:http'
import net from 'node:net'
import { Readable } from 'node:stream'
import { Agent as UndiciAgent, EnvHttpProxyAgent, ProxyAgent, fetch as undiciFetch, request as undiciRequest } from 'undici'

const [library, mode, outbound, service, outside] = process.argv.slice(2)
const [proxyHost, proxyPort] = [outbound.slice(0, outbound.lastIndexOf(':')), Number(outbound.slice(outbound.lastIndexOf(':') + 1))]
const MEBI = 1024 * 1024
const BLOCK = Buffer.from(Array.from({ length: 251 }, (_, octet) => octet))

function pattern(length) {
  const octets = Buffer.alloc(length)
  for (let at = 0; at < length; at += BLOCK.length) BLOCK.copy(octets, at)
  return octets
}
const sha = octets => createHash('sha256').update(octets).digest('hex')
async function* pieces(octets, size) {
  for (let at = 0; at < octets.length; at += size) yield octets.subarray(at, at + size)
}

// --- the libraries, as one function: ({authority, path, method, headers, body, follow}) -> {status, headers: [[name, value]], body, trailers}

const TIMEOUT_MS = 20_000

/** Connects through the sidecar by CONNECT, for `http`. */
class TunnelAgent extends http.Agent {
  createConnection(options, callback) {
    const asked = http.request({ host: proxyHost, port: proxyPort, method: 'CONNECT', path: `${options.host}:${options.port}`, agent: false })
    asked.once('connect', (answer, socket) => {
      if (answer.statusCode === 200) callback(null, socket)
      else callback(Object.assign(new Error(`CONNECT was answered ${answer.statusCode}`), { answer }))
    })
    asked.once('error', callback)
    asked.end()
  }
}

const agent = mode === 'connect' ? new TunnelAgent({ keepAlive: true, maxSockets: 50 }) : new http.Agent({ keepAlive: true, maxSockets: 50 })

function viaHttp({ authority, path, method = 'GET', headers = {}, body = null, trailers = null, informational = () => {} }) {
  return new Promise((resolve, reject) => {
    const colon = authority.lastIndexOf(':')
    const target = colon < 0 ? { host: authority, port: 80 } : { host: authority.slice(0, colon), port: Number(authority.slice(colon + 1)) }
    const where = {
      host: { host: proxyHost, port: proxyPort, path, headers: { host: authority, ...headers }, agent },
      proxy: { host: proxyHost, port: proxyPort, path: `http://${authority}${path}`, headers: { host: authority, ...headers }, agent },
      connect: { ...target, path, headers, agent },
      env: { ...target, path, headers },
    }[mode]
    const request = http.request({ ...where, method, signal: AbortSignal.timeout(TIMEOUT_MS) }, response => {
      const chunks = []
      response.on('data', chunk => chunks.push(chunk))
      response.once('error', reject)
      response.once('end', () => {
        const fields = []
        for (let at = 0; at < response.rawHeaders.length; at += 2) fields.push([response.rawHeaders[at], response.rawHeaders[at + 1]])
        resolve({
          status: response.statusCode,
          headers: fields,
          body: Buffer.concat(chunks),
          trailers: response.trailers,
          localPort: localPort,
        })
      })
    })
    let localPort = null
    let isAnswered = false
    request.once('socket', socket => {
      const note = () => {
        localPort = socket.localPort
      }
      if (socket.connecting) socket.once('connect', note)
      else note()
    })
    request.on('information', informational)
    request.once('response', () => {
      isAnswered = true
    })
    // Once the answer is there, that the rest of the body could not be sent is no failure.
    request.on('error', error => {
      if (!isAnswered) reject(error)
    })
    if (trailers !== null) request.addTrailers(trailers)
    if (headers.expect !== undefined) {
      request.flushHeaders()
      request.once('continue', () => {
        informational({ statusCode: 100 })
        request.end(body)
      })
      request.once('response', () => request.end())
    } else if (body === null || Buffer.isBuffer(body) || typeof body === 'string') request.end(body)
    else Readable.from(body, { objectMode: false }).pipe(request)
  })
}

const proxyUri = `http://${outbound}`
/** As many connections as `http` has, in each way of using the sidecar. */
const dispatcher = {
  host: () => new UndiciAgent({ connections: 50 }),
  proxy: () => new ProxyAgent({ uri: proxyUri, proxyTunnel: false, connections: 50 }),
  connect: () => new ProxyAgent({ uri: proxyUri, proxyTunnel: true, connections: 50 }),
  env: () => new EnvHttpProxyAgent(),
}[mode]()

async function viaUndici({ authority, path, method = 'GET', headers = {}, body = null, informational = () => {} }) {
  const origin = mode === 'host' ? proxyUri : `http://${authority}`
  const response = await undiciRequest(`${origin}${path}`, {
    dispatcher,
    method,
    headers: mode === 'host' ? { host: authority, ...headers } : headers,
    body: body === null || Buffer.isBuffer(body) ? body : Readable.from(body, { objectMode: false }),
    onInfo: ({ statusCode }) => informational({ statusCode }),
    responseHeaders: 'raw',
    signal: AbortSignal.timeout(TIMEOUT_MS),
  })
  const octets = Buffer.from(await response.body.arrayBuffer())
  const raw = response.headers
  const fields = []
  if (Array.isArray(raw)) for (let at = 0; at < raw.length; at += 2) fields.push([raw[at], raw[at + 1]].map(each => (Buffer.isBuffer(each) ? each.toString('latin1') : each)))
  else for (const [name, value] of Object.entries(raw)) for (const each of [value].flat()) fields.push([name, each])
  return { status: response.statusCode, headers: fields, body: octets, trailers: response.trailers }
}

async function viaFetch({ authority, path, method = 'GET', headers = {}, body = null, follow = false }) {
  const isOwn = mode === 'env'
  const origin = mode === 'host' ? proxyUri : `http://${authority}`
  const options = {
    method,
    headers: mode === 'host' ? { host: authority, ...headers } : headers,
    redirect: follow ? 'follow' : 'manual',
    signal: AbortSignal.timeout(TIMEOUT_MS),
  }
  if (body !== null) options.body = Buffer.isBuffer(body) || typeof body === 'string' ? body : Readable.toWeb(Readable.from(body, { objectMode: false }))
  if (options.body instanceof ReadableStream) options.duplex = 'half'
  // Node's own fetch has no proxy but by the environment; undici's is the same program with a dispatcher.
  const response = isOwn || mode === 'host' ? await fetch(`${origin}${path}`, options) : await undiciFetch(`${origin}${path}`, { ...options, dispatcher })
  return { status: response.status, headers: [...response.headers], body: Buffer.from(await response.arrayBuffer()), trailers: null, redirected: response.redirected }
}

const send = { http: viaHttp, undici: viaUndici, fetch: viaFetch }[library]
const ask = options => send({ authority: service, ...options })
const field = (answer, name) => answer.headers.filter(([each]) => each.toLowerCase() === name).map(([, value]) => value)
const latin1 = text => Buffer.from(text, 'latin1').toString('hex')

const told = answer => {
  const { method, octets, sha, contentLength, transferEncoding } = JSON.parse(answer.body.toString())
  return { status: answer.status, method, octets, sha, contentLength, transferEncoding }
}

/** What is tried. Each answers with the facts that the test compares. */
const scenarios = {
  async 'keep-alive'() {
    const ports = new Set()
    let good = 0
    for (let n = 0; n < 50; n++) {
      const answer = await ask({ path: `/echo?n=${n}` })
      if (answer.status === 200 && JSON.parse(answer.body).path === `/echo?n=${n}`) good++
      ports.add(answer.localPort)
    }
    return library === 'http' && mode !== 'env' ? { good, connections: ports.size } : { good }
  },
  async parallel() {
    const answers = await Promise.all(Array.from({ length: 50 }, (_, n) => ask({ path: `/echo?n=${n}` })))
    return { good: answers.filter((answer, n) => answer.status === 200 && JSON.parse(answer.body).path === `/echo?n=${n}`).length }
  },
  async 'post-length'() {
    return told(await ask({ path: '/echo', method: 'POST', body: pattern(12_345) }))
  },
  async 'post-chunked'() {
    return told(await ask({ path: '/echo', method: 'POST', body: pieces(pattern(54_321), 1_000) }))
  },
  async 'put-empty'() {
    return told(await ask({ path: '/echo', method: 'PUT', body: Buffer.alloc(0) }))
  },
  async 'upload-large'() {
    return told(await ask({ path: '/echo', method: 'POST', body: pattern(10 * MEBI) }))
  },
  async 'download-large'() {
    const answer = await ask({ path: `/download?bytes=${10 * MEBI}` })
    return { status: answer.status, octets: answer.body.length, sha: sha(answer.body), contentLength: field(answer, 'content-length') }
  },
  async 'download-chunked'() {
    const answer = await ask({ path: `/download?bytes=${10 * MEBI}&chunked` })
    return { status: answer.status, octets: answer.body.length, sha: sha(answer.body), transferEncoding: field(answer, 'transfer-encoding') }
  },
  async head() {
    const answer = await ask({ path: '/download?bytes=1000', method: 'HEAD' })
    const next = await ask({ path: '/echo' })
    return { status: answer.status, contentLength: field(answer, 'content-length'), octets: answer.body.length, next: next.status }
  },
  async 204() {
    const answer = await ask({ path: '/204' })
    const next = await ask({ path: '/echo' })
    return { status: answer.status, kind: field(answer, 'x-kind'), octets: answer.body.length, next: next.status }
  },
  async 304() {
    const answer = await ask({ path: '/304', headers: { 'if-none-match': '"one"' } })
    const next = await ask({ path: '/echo' })
    return { status: answer.status, etag: field(answer, 'etag'), octets: answer.body.length, next: next.status }
  },
  async gzip() {
    const answer = await ask({ path: '/gzip' })
    const isUnpacked = library === 'fetch'
    const isSame = sha(answer.body) === (isUnpacked ? sha(pattern(100_000)) : field(answer, 'x-packed-sha')[0])
    return { status: answer.status, encoding: field(answer, 'content-encoding'), isSame }
  },
  async cookies() {
    const answer = await ask({ path: '/cookies' })
    const back = await ask({ path: '/echo', headers: { cookie: 'a=1; b=2' } })
    return { setCookie: field(answer, 'set-cookie'), cookie: JSON.parse(back.body).cookie }
  },
  async latin1() {
    const answer = await ask({ path: '/latin1' })
    const back = await ask({ path: '/echo', headers: { 'x-latin1': 'na\u00efve' } })
    return { received: latin1(field(answer, 'x-latin1')[0]), sent: JSON.parse(back.body).latin1 }
  },
  async 'long-url'() {
    const path = `/echo?q=${'x'.repeat(12_000)}`
    const answer = await ask({ path })
    return { status: answer.status, isSame: JSON.parse(answer.body).path === path }
  },
  async 'too-long-url'() {
    const answer = await ask({ path: `/echo?q=${'x'.repeat(20_000)}` })
    return { status: answer.status, proxyStatus: field(answer, 'proxy-status') }
  },
  async 'unknown-port'() {
    const answer = await ask({ authority: `${service}:8123`, path: '/echo' })
    return { status: answer.status, proxyStatus: field(answer, 'proxy-status') }
  },
  async 'no-endpoints'() {
    const answer = await ask({ authority: 'empty', path: '/echo' })
    return { status: answer.status, proxyStatus: field(answer, 'proxy-status') }
  },
  async outside() {
    const answer = await ask({ authority: outside, path: '/echo?outside' })
    return { status: answer.status, path: JSON.parse(answer.body).path, host: JSON.parse(answer.body).host }
  },
  async 'early-response'() {
    const answer = await ask({ path: '/too-large', method: 'POST', body: pieces(pattern(2 * MEBI), 65_536) })
    return { status: answer.status }
  },
  async disconnect() {
    const [read, upload] = [`${library}-${mode}-${service}-${process.pid}-r`, `${library}-${mode}-${service}-${process.pid}-w`]
    await leaveHalfWay(`/endless?id=${read}`)
    await stopSending(`/upload?id=${upload}`)
    return { reading: await seenOf(read), sending: await seenOf(upload) }
  },
}

if (library !== 'undici') scenarios.redirect = async () => {
  const to = mode === 'host' ? '/echo?moved' : `http://${service}/echo?moved`
  const answer = await follow({ path: `/redirect?to=${encodeURIComponent(to)}` })
  const kept = await follow({ path: `/redirect?status=307&to=${encodeURIComponent(to)}`, method: 'POST', body: 'x'.repeat(100) })
  return { status: answer.status, path: JSON.parse(answer.body).path, kept: JSON.parse(kept.body).method, octets: JSON.parse(kept.body).octets }
}
if (library === 'http' || library === 'undici') scenarios.trailers = async () => {
  const answer = await ask({ path: '/trailers' })
  return { body: answer.body.toString(), trailers: { ...answer.trailers } }
}
if (library === 'http') {
  scenarios['request-trailers'] = async () => {
    const answer = await ask({ path: '/echo', method: 'POST', headers: { trailer: 'x-sum', 'transfer-encoding': 'chunked' }, body: Buffer.from('abc'), trailers: { 'x-sum': '3' } })
    return { octets: JSON.parse(answer.body).octets, trailers: JSON.parse(answer.body).trailers }
  }
  scenarios['expect-continue'] = async () => {
    const infos = []
    const informational = ({ statusCode }) => infos.push(statusCode)
    const answer = await ask({ path: '/continue', method: 'POST', headers: { expect: '100-continue', 'content-length': 1000 }, body: pattern(1000), informational })
    const refused = await ask({ path: '/continue?refuse', method: 'POST', headers: { expect: '100-continue', 'content-length': 1000 }, body: pattern(1000) })
    return { continued: infos.includes(100), octets: JSON.parse(answer.body).octets, refused: refused.status }
  }
}
if (library !== 'fetch') scenarios['early-hints'] = async () => {
  const infos = []
  const answer = await ask({ path: '/early-hints', informational: ({ statusCode }) => infos.push(statusCode) })
  return { infos, status: answer.status }
}

/** Redirects are `http`'s user's own business. */
async function follow(options) {
  const answer = await ask({ ...options, follow: true })
  if (library === 'fetch' || answer.status < 300 || answer.status > 399) return answer
  const to = new URL(field(answer, 'location')[0], `http://${service}`)
  return ask({ ...options, path: `${to.pathname}${to.search}` })
}

/** Reads the beginning of an answer and closes. */
async function leaveHalfWay(path) {
  if (library === 'fetch') {
    const leave = new AbortController()
    const isOwn = mode === 'env' || mode === 'host'
    const url = mode === 'host' ? `${proxyUri}${path}` : `http://${service}${path}`
    const options = { signal: leave.signal, headers: mode === 'host' ? { host: service } : {} }
    const response = isOwn ? await fetch(url, options) : await undiciFetch(url, { ...options, dispatcher })
    await response.body.getReader().read()
    leave.abort()
  } else await rawRequest(`GET ${path} HTTP/1.1\r\nhost: ${service}\r\n\r\n`)
}

/** Sends a part of a body and closes. */
async function stopSending(path) {
  await rawRequest(`POST ${path} HTTP/1.1\r\nhost: ${service}\r\ncontent-length: 1000\r\n\r\nonly this`, 200)
}

async function rawRequest(text, waitMs = 0) {
  const socket = net.connect(proxyPort, proxyHost)
  socket.on('error', () => {})
  await new Promise(resolve => socket.write(text, resolve))
  if (waitMs > 0) await new Promise(resolve => setTimeout(resolve, waitMs))
  else await new Promise(resolve => socket.once('data', resolve))
  socket.destroy()
}

/** What the app saw of a request, once it has seen its end. */
async function seenOf(id) {
  for (let left = 100; ; left--) {
    const answer = await ask({ path: `/seen?id=${id}` })
    const events = JSON.parse(answer.body)
    if (events.length > 1 || left === 0) return events
    await new Promise(resolve => setTimeout(resolve, 50))
  }
}

/** A CONNECT that was refused is the answer; anything else is a failure. */
function failure(error) {
  const causes = []
  for (let cause = error; cause !== undefined && cause !== null; cause = cause.cause) causes.push(`${cause.message} ${cause.code ?? ''}`)
  const text = causes.join(': ')
  const refused = /CONNECT was answered (\d+)|Proxy response \((\d+)\) !== 200/.exec(text)
  return refused === null ? { failed: text } : { connect: Number(refused[1] ?? refused[2]) }
}

for (const [name, run] of Object.entries(scenarios)) {
  let result
  try {
    result = await run()
  } catch (error) {
    result = failure(error)
  }
  process.stdout.write(`${JSON.stringify({ library, mode, service, name, ...result })}\n`)
}
process.exit(0)
