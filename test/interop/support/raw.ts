import { once } from 'node:events'
import { type AddressInfo, createConnection, createServer, type Socket } from 'node:net'
import type { Test } from 'tap'
import type { Sidecar } from '../../support/e2e/mesh.ts'
import { until } from '../../support/e2e/process.ts'

/** A server that records octets and answers what it is told to, on a free port. */
export interface RawServer {
  readonly port: number
  /** What each request's head was, octet for octet (latin1), probes without a request left out. */
  readonly heads: string[]
}

/** Answers each request's head; bodies are the answerer's own business. */
export async function rawServer(t: Test, answer: (socket: Socket, head: string) => void): Promise<RawServer> {
  const heads: string[] = []
  const sockets = new Set<Socket>()
  const server = createServer({ allowHalfOpen: true }, socket => {
    sockets.add(socket)
    let text = ''
    socket.on('error', () => {})
    socket.once('close', () => sockets.delete(socket))
    socket.on('end', () => socket.end())
    socket.on('data', octets => {
      text += octets.toString('latin1')
      for (let end = text.indexOf('\r\n\r\n'); end >= 0; end = text.indexOf('\r\n\r\n')) {
        const head = text.slice(0, end)
        text = text.slice(end + 4)
        heads.push(head)
        answer(socket, head)
      }
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return { port: (server.address() as AddressInfo).port, heads }
}

/** A client of octets. */
export class RawClient {
  readonly socket: Socket
  received = ''
  isEnded = false

  constructor(t: Test, { outbound }: Sidecar) {
    this.socket = createConnection(outbound)
    this.socket.on('error', () => {})
    this.socket.on('data', octets => {
      this.received += octets.toString('latin1')
    })
    this.socket.on('close', () => {
      this.isEnded = true
    })
    t.teardown(() => this.socket.destroy())
  }

  say(text: string): this {
    this.socket.write(Buffer.from(text, 'latin1'))
    return this
  }

  /** Everything received, once it holds `what`. */
  async hears(what: string): Promise<string> {
    await until(`the client hears ${JSON.stringify(what)}`, () => {
      if (this.isEnded && !this.received.includes(what)) throw new Error(`closed after ${JSON.stringify(this.received)}`)
      return this.received.includes(what)
    })
    return this.received
  }

  async ended(): Promise<string> {
    await until('the client is closed', () => this.isEnded)
    return this.received
  }
}
