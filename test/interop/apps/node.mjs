// The app that the clients talk to: Node's own HTTP server and `ws`, under any Node. It takes a free port and prints it.
// What an answer says of its request, the tests compare with what was sent.
import { createHash } from 'node:crypto'
import { createServer } from 'node:http'
import { gzipSync } from 'node:zlib'
import { WebSocketServer } from 'ws'

const BLOCK = Buffer.from(Array.from({ length: 251 }, (_, octet) => octet))
const sha = octets => createHash('sha256').update(octets).digest('hex')

/** The octets 0 to 250 over and over: a prime, so that no lost or moved buffer goes unseen. */
function pattern(length) {
  const octets = Buffer.alloc(length)
  for (let at = 0; at < length; at += BLOCK.length) BLOCK.copy(octets, at)
  return octets
}

const large = new Map()
function body(length) {
  if (!large.has(length)) large.set(length, pattern(length))
  return large.get(length)
}

/** What happened to requests that gave an `id`, for `/seen`. */
const seen = new Map()
function note(url, what) {
  const id = url.searchParams.get('id')
  if (id !== null) seen.set(id, [...(seen.get(id) ?? []), what])
}

/** When each connection's last answer had left. */
const answeredAt = new WeakMap()

function json(response, value, status = 200, fields = {}) {
  const text = JSON.stringify(value)
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text), ...fields }).end(text)
}

/** Reads the request whole and says what it was. */
function echo(request, response) {
  const digest = createHash('sha256')
  let octets = 0
  request.on('data', chunk => {
    octets += chunk.length
    digest.update(chunk)
  })
  request.on('end', () => {
    const { headers, method } = request
    const text = name => headers[name] ?? null
    const { socket } = request
    const idleMs = answeredAt.has(socket) ? performance.now() - answeredAt.get(socket) : null
    response.on('finish', () => answeredAt.set(socket, performance.now()))
    json(response, {
      idleMs,
      method,
      path: request.url,
      octets,
      sha: digest.digest('hex'),
      contentLength: text('content-length'),
      transferEncoding: text('transfer-encoding'),
      expect: text('expect'),
      cookie: text('cookie'),
      host: text('host'),
      via: text('via'),
      latin1: headers['x-latin1'] === undefined ? null : Buffer.from(headers['x-latin1'], 'latin1').toString('hex'),
      trailers: request.trailers,
    })
  })
}

const routes = {
  '/echo': echo,
  '/continue': echo,
  '/download': (request, response, url) => {
    const octets = body(Number(url.searchParams.get('bytes')))
    const fields = { 'content-type': 'application/octet-stream' }
    if (!url.searchParams.has('chunked')) fields['content-length'] = octets.length
    response.writeHead(200, fields)
    if (request.method === 'HEAD') response.end()
    else if (url.searchParams.has('chunked')) {
      for (let at = 0; at < octets.length; at += 100_000) response.write(octets.subarray(at, at + 100_000))
      response.end()
    } else response.end(octets)
  },
  '/204': (_, response) => response.writeHead(204, { 'x-kind': 'empty' }).end(),
  '/304': (request, response) => {
    if (request.headers['if-none-match'] === '"one"') response.writeHead(304, { etag: '"one"' }).end()
    else json(response, {}, 200, { etag: '"one"' })
  },
  '/gzip': (_, response) => {
    const plain = pattern(100_000)
    const packed = gzipSync(plain)
    response.writeHead(200, { 'content-encoding': 'gzip', 'content-length': packed.length, 'x-packed-sha': sha(packed) }).end(packed)
  },
  '/trailers': (_, response) => {
    response.writeHead(200, { trailer: 'x-checksum', 'content-type': 'text/plain' })
    response.write('with ')
    response.write('trailers')
    response.addTrailers({ 'x-checksum': sha('with trailers') })
    response.end()
  },
  '/redirect': (_, response, url) => {
    const status = Number(url.searchParams.get('status') ?? 302)
    response.writeHead(status, { location: url.searchParams.get('to'), 'content-length': 0 }).end()
  },
  '/cookies': (_, response) => json(response, {}, 200, { 'set-cookie': ['a=1; Path=/', 'b=2; Path=/; HttpOnly'] }),
  '/latin1': (_, response) => {
    // Octets, not text: Node writes fields and a text body together as UTF-8.
    response.writeHead(200, { 'x-latin1': 'caf\u00e9', 'content-length': 2 }).end(Buffer.from('ok'))
  },
  '/early-hints': (_, response) => {
    response.writeEarlyHints({ link: '</style.css>; rel=preload; as=style' })
    json(response, { hinted: true })
  },
  // Answers before it has read the body, and reads none of it.
  '/too-large': (_, response) => json(response, { error: 'too large' }, 413, { connection: 'close' }),
  // Sends for as long as somebody reads.
  '/endless': (request, response, url) => {
    note(url, 'began')
    const timer = setInterval(() => response.write(pattern(1_000)), 10)
    response.on('close', () => {
      clearInterval(timer)
      note(url, response.writableFinished ? 'finished' : 'aborted')
    })
    response.write('first')
    request.resume()
  },
  '/upload': (request, response, url) => {
    note(url, 'began')
    request.on('aborted', () => note(url, 'aborted'))
    request.on('error', () => {})
    echo(request, response)
  },
  '/seen': (_, response, url) => json(response, seen.get(url.searchParams.get('id')) ?? []),
}

function serve(request, response) {
  // What says Connection on its own gets no `Keep-Alive: timeout=5` from Node: a server that does not say when it closes.
  if (process.env.NO_HINT !== undefined) response.setHeader('connection', 'keep-alive')
  const url = new URL(request.url, 'http://app')
  const route = routes[url.pathname]
  if (route === undefined) json(response, { error: 'unknown' }, 404)
  else route(request, response, url)
}

const server = createServer({ maxHeaderSize: 65_536 }, serve)
// Set or left at Node's five seconds, after which an idle connection is closed: the race that proxies lose.
if (process.env.KEEP_ALIVE_MS !== undefined) server.keepAliveTimeout = Number(process.env.KEEP_ALIVE_MS)
server.on('checkContinue', (request, response) => {
  if (new URL(request.url, 'http://app').searchParams.has('refuse')) return json(response, { error: 'no' }, 417, { connection: 'close' })
  response.writeContinue()
  serve(request, response)
})

const sockets = new WebSocketServer({ noServer: true, maxPayload: 64 * 1024 * 1024, handleProtocols: offered => [...offered][0] ?? false })
server.on('upgrade', (request, socket, head) => {
  const url = new URL(request.url, 'http://app')
  if (url.pathname === '/ws-refused') {
    socket.end('HTTP/1.1 403 Forbidden\r\ncontent-length: 2\r\nconnection: close\r\n\r\nno')
    return
  }
  sockets.handleUpgrade(request, socket, head, peer => {
    peer.on('message', (message, isBinary) => {
      if (!isBinary && message.toString() === 'close 4001') peer.close(4001, 'as asked')
      else if (!isBinary && message.toString() === 'terminate') peer.terminate()
      else if (!isBinary && message.toString() === 'burst') for (let i = 0; i < 1_000; i++) peer.send(`frame ${i}`)
      else peer.send(message, { binary: isBinary })
    })
    peer.on('error', () => {})
    peer.on('close', (code, reason) => note(url, `closed ${code} ${reason}`))
    peer.on('ping', payload => note(url, `ping ${payload}`))
  })
})

server.listen(Number(process.env.PORT ?? 0), '127.0.0.1', () => process.stdout.write(`${server.address().port}\n`))
process.once('SIGTERM', () => process.exit(0))
