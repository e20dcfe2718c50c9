/** The codec alone as a proxy: one listener, one upstream address, a pool without limits. `node minimal-proxy.ts LISTEN_PORT UPSTREAM_PORT`. */
import type { Connection, Incoming } from '../../proxy/http/message.ts'
import { connectHttp1 } from '../../proxy/http1/client.ts'
import { serveHttp1 } from '../../proxy/http1/server.ts'
import { listen } from '../../proxy/net/acceptor.ts'
import { dial } from '../../proxy/net/dial.ts'
import type { RawSocket } from '../../proxy/net/socket.ts'
import { Counters } from '../../proxy/util/counters.ts'
import { startWheel } from '../../proxy/util/timers.ts'

const [listenPort, ...upstreams] = process.argv.slice(2).map(Number)
const timers = startWheel()
const counters = new Counters()
const destination = { direction: 'outbound', connect: null, original: null } as const
const idle: Connection[] = []
const events = {
  available(connection: Connection) {
    idle.push(connection)
  },
  closed(connection: Connection) {
    const index = idle.indexOf(connection)
    if (index !== -1) idle.splice(index, 1)
  },
}
let turn = 0

async function serve(incoming: Incoming): Promise<void> {
  const request = {
    head: incoming.head,
    body: incoming.body,
    cancelled: incoming.cancelled,
    informational: incoming.informational.bind(incoming),
  }
  const connection = idle.pop() ?? (await connect(incoming))
  incoming.respond(await connection.send(request))
}

async function connect(incoming: Incoming): Promise<Connection> {
  const port = upstreams[turn++ % upstreams.length] as number
  const socket = await dial({ address: '127.0.0.1', port }, { timers, timeoutMs: 1000, cancelled: incoming.cancelled })
  return connectHttp1(socket, { timers, counters, name: `127.0.0.1:${port}`, events })
}

const handlers = {
  request(incoming: Incoming) {
    serve(incoming).catch(error => {
      console.error(error.code, error.message)
    })
  },
  refused() {},
}
const listening = await listen(
  { address: '127.0.0.1', port: listenPort as number },
  { counters, accept: (socket: RawSocket) => void serveHttp1(socket, { timers, counters, destination }, handlers) },
)
console.log(listening.ok ? listening.acceptor.address.port : listening.message)
process.on('SIGTERM', () => process.exit(0))
