// One run of WebSocket clients through a sidecar, under whatever Node runs this file: a line of JSON for each thing tried.
//
//     node websocket.mjs LIBRARY MODE OUTBOUND SERVICE
//
// LIBRARY is `ws` or `undici` (the one that Node 22 and later have built in). MODE is `host` (connected to, with the service in Host) or `connect` (a
// CONNECT tunnel, as clients do that are told of a proxy).
import { createHash } from 'node:crypto'
import http from 'node:http'
import { ProxyAgent, WebSocket as UndiciWebSocket } from 'undici'
import { WebSocket } from 'ws'

const [library, mode, outbound, service] = process.argv.slice(2)
const [host, port] = [outbound.slice(0, outbound.lastIndexOf(':')), Number(outbound.slice(outbound.lastIndexOf(':') + 1))]
const MEBI = 1024 * 1024
const sha = octets => createHash('sha256').update(octets).digest('hex')
const pattern = length => Buffer.from(Array.from({ length: 251 }, (_, octet) => octet).join(',').repeat(length / 891 + 1)).subarray(0, length)

class TunnelAgent extends http.Agent {
  createConnection(options, callback) {
    const asked = http.request({ host, port, method: 'CONNECT', path: `${options.host}:${options.port}`, agent: false })
    asked.once('connect', (answer, socket) => (answer.statusCode === 200 ? callback(null, socket) : callback(new Error(`CONNECT ${answer.statusCode}`))))
    asked.once('error', callback)
    asked.end()
  }
}

/** A WebSocket of either library, with the browser's interface and `binaryType` of Node's buffers. */
function open(path, protocols = []) {
  if (library === 'undici') return new UndiciWebSocket(`ws://${service}${path}`, { protocols, dispatcher: new ProxyAgent({ uri: `http://${outbound}` }) })
  if (mode === 'connect') return new WebSocket(`ws://${service}${path}`, protocols, { agent: new TunnelAgent(), maxPayload: 64 * MEBI })
  return new WebSocket(`ws://${outbound}${path}`, protocols, { headers: { host: service }, maxPayload: 64 * MEBI })
}

const next = (socket, event) => new Promise(resolve => socket.addEventListener(event, resolve, { once: true }))

async function opened(path, protocols) {
  const socket = open(path, protocols)
  socket.binaryType = 'arraybuffer'
  await new Promise((resolve, reject) => {
    socket.addEventListener('open', resolve, { once: true })
    socket.addEventListener('error', event => reject(event.error ?? new Error('no connection')), { once: true })
  })
  return socket
}

/** Sends, and answers with what came back. */
async function echoed(socket, message) {
  const answer = next(socket, 'message')
  socket.send(message)
  return (await answer).data
}

async function end(socket, code, reason) {
  const closed = next(socket, 'close')
  socket.close(code, reason)
  const event = await closed
  return { code: event.code, reason: event.reason, wasClean: event.wasClean }
}

/** What the app noted of a connection, once it has ended. */
async function seen(id) {
  for (let left = 100; left > 0; left--) {
    const events = await new Promise((resolve, reject) => {
      const request = http.get({ host, port, path: `/seen?id=${id}`, headers: { host: service } }, response => {
        let text = ''
        response.on('data', chunk => (text += chunk))
        response.once('end', () => resolve(JSON.parse(text)))
      })
      request.once('error', reject)
    })
    if (events.some(event => event.startsWith('closed'))) return events
    await new Promise(resolve => setTimeout(resolve, 50))
  }
  return 'nothing'
}

const id = which => `${library}-${mode}-${service}-${process.pid}-${which}`

const scenarios = {
  async text() {
    const socket = await opened('/ws')
    const text = 'gr\u00fc\u00dfe \u{1f30d}'
    const isSame = (await echoed(socket, text)) === text
    return { isSame, ...(await end(socket, 1000, '')) }
  },
  async binary() {
    const socket = await opened('/ws')
    const octets = pattern(100_000)
    const answer = Buffer.from(await echoed(socket, octets))
    await end(socket, 1000, '')
    return { octets: answer.length, isSame: sha(answer) === sha(octets) }
  },
  async 'large frame'() {
    const socket = await opened('/ws')
    const octets = pattern(16 * MEBI)
    const answer = Buffer.from(await echoed(socket, octets))
    await end(socket, 1000, '')
    return { octets: answer.length, isSame: sha(answer) === sha(octets) }
  },
  async burst() {
    const socket = await opened('/ws')
    const frames = []
    const all = new Promise(resolve => {
      socket.addEventListener('message', event => {
        if (frames.push(event.data) === 1_000) resolve()
      })
    })
    socket.send('burst')
    await all
    await end(socket, 1000, '')
    return { inOrder: frames.every((frame, at) => frame === `frame ${at}`) }
  },
  async subprotocol() {
    const socket = await opened('/ws', ['chat', 'other'])
    const { protocol } = socket
    await end(socket, 1000, '')
    return { protocol }
  },
  async 'closed by the client'() {
    const socket = await opened(`/ws?id=${id('client')}`)
    const event = await end(socket, 4000, 'bye')
    return { ...event, app: await seen(id('client')) }
  },
  async 'closed by the app'() {
    const socket = await opened('/ws')
    const closed = next(socket, 'close')
    socket.send('close 4001')
    const { code, reason, wasClean } = await closed
    return { code, reason, wasClean }
  },
  async 'dropped by the app'() {
    const socket = await opened('/ws')
    const closed = next(socket, 'close')
    socket.addEventListener('error', () => {})
    socket.send('terminate')
    const { code, wasClean } = await closed
    return { code, wasClean }
  },
}
if (library === 'ws') {
  scenarios.ping = async () => {
    const socket = await opened(`/ws?id=${id('ping')}`)
    const pong = new Promise(resolve => socket.once('pong', payload => resolve(String(payload))))
    socket.ping('are you there')
    const payload = await pong
    await end(socket, 1000, '')
    return { payload, app: await seen(id('ping')) }
  }
  scenarios['dropped by the client'] = async () => {
    const socket = await opened(`/ws?id=${id('drop')}`)
    socket.terminate()
    return { app: await seen(id('drop')) }
  }
  scenarios.refused = async () => {
    const socket = open('/ws-refused')
    const status = await new Promise(resolve => {
      socket.once('unexpected-response', (_, response) => resolve(response.statusCode))
      socket.once('error', error => resolve(String(error)))
    })
    return { status }
  }
}

for (const [name, run] of Object.entries(scenarios)) {
  const late = new Promise(resolve => setTimeout(resolve, 20_000, { failed: 'no end within 20 s' }).unref())
  const result = await Promise.race([run().catch(error => ({ failed: error.message })), late])
  process.stdout.write(`${JSON.stringify({ library, mode, service, name, ...result })}\n`)
}
process.exit(0)
