/**
 * What h2spec talks to: our HTTP/2 server role on a loopback port, in plaintext. Prints its port.
 * A request's octets come back behind a line of our own.
 *
 *     node test/conformance/h2spec-server.ts [port]
 */
import type { Incoming } from '../../proxy/http/message.ts'
import { textReply } from '../../proxy/http/reply.ts'
import { serveHttp2 } from '../../proxy/http2/server.ts'
import { listen } from '../../proxy/net/acceptor.ts'
import { Counters } from '../../proxy/util/counters.ts'
import { startWheel } from '../../proxy/util/timers.ts'

const LINE = Buffer.from('this is our side of the conformance test\n')

/** Answers when the request is whole: what h2spec sends to a stream in between must find it open. */
function answer(incoming: Incoming): void {
  const chunks: Buffer[] = [LINE]
  incoming.body.pipe({
    data: chunk => chunks.push(chunk) > 0,
    end: () => incoming.respond(textReply(200, incoming.head.method, Buffer.concat(chunks).toString('latin1'))),
    fail: () => {},
  })
}

const counters = new Counters()
const timers = startWheel()
const listening = await listen(
  { address: '127.0.0.1', port: Number(process.argv[2] ?? 0) },
  {
    counters,
    accept(socket) {
      serveHttp2(
        socket,
        { timers, counters, destination: { direction: 'inbound', connect: null, original: null } },
        { request: answer, refused: () => {} },
      )
    },
  },
)
if (!listening.ok) throw new Error(listening.message)
console.log(listening.acceptor.address.port)
