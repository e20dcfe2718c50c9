import type { ClientRequest, IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Clock } from '../../proxy/util/clock.ts'
import type { LimitCounters } from '../xds/counters.ts'
import { endWithProblem } from './full.ts'
import { createHttpProxy, type HttpProxy } from './http-proxy.ts'
import type { ApiLimits } from './limits.ts'
import { PrefixLook, type RelayTarget } from './prefix-look.ts'
import { PROBLEM_JSON, ProblemError } from './problem.ts'

/**
 * Passes requests and WebSockets on to another HTTP server, bodies in both directions as they come. Where one side leaves, the other one is left.
 * Whether the target serves below the prefix is looked up before, once for many requests, so that a wrong base path is said and not guessed from a
 * blank page.
 */
export class Relay {
  readonly #target: RelayTarget
  readonly #limits: ApiLimits
  readonly #counters: LimitCounters
  readonly #look: PrefixLook
  readonly #proxy: HttpProxy
  readonly #tunnels = new Set<Socket>()
  #active = 0

  constructor(target: RelayTarget, limits: ApiLimits, counters: LimitCounters, clock: Clock) {
    this.#target = target
    this.#limits = limits
    this.#counters = counters
    this.#look = new PrefixLook(target, limits, counters, clock)
    this.#proxy = createHttpProxy(target.url)
      .on('proxyReq', (sent, _, response) => {
        this.#limitSilence(sent)
        // http-proxy sees only callers that leave while they send.
        if (response.destroyed) sent.destroy()
        else response.once('close', () => sent.destroy())
      })
      .on('proxyRes', (answer, _, response) => {
        // Of the other connection (RFC 9110 section 7.6.1).
        delete answer.headers.connection
        delete answer.headers['keep-alive']
        answer.once('close', () => {
          if (!answer.complete) response.destroy()
        })
      })
      .on('proxyReqWs', (sent, _, socket) => this.#upgrading(sent, socket))
  }

  /** Passes a request on, and answers it in any case. */
  async request(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (this.#isFull(response)) return answerProblem(response, this.#full())
    const problem = await this.#look.problem()
    if (response.destroyed) return
    if (problem !== null) return answerProblem(response, problem)
    withoutHop(request)
    this.#proxy.web(request, response, error => answerProblem(response, this.#failure(error)))
  }

  /** Passes an upgrade to WebSocket on, and answers it in any case. Takes over the socket, whose errors the caller takes. */
  async upgrade(request: IncomingMessage, socket: Socket, head: Buffer): Promise<void> {
    this.#tunnels.add(socket)
    socket.once('close', () => this.#tunnels.delete(socket))
    if (this.#isFull(socket)) return endWithProblem(socket, 503, this.#full().message)
    const problem = await this.#look.problem()
    if (socket.destroyed) return
    if (problem !== null) return endWithProblem(socket, problem.status, problem.message)
    const written = socket.bytesWritten
    this.#proxy.ws(request, socket, head, error => {
      if (socket.bytesWritten > written) socket.destroy()
      else {
        const { status, message } = this.#failure(error)
        endWithProblem(socket, status, message)
      }
    })
  }

  /** Ends the WebSockets, which no server closes. */
  close(): void {
    for (const socket of this.#tunnels) socket.destroy()
  }

  /** Counts one more until `end` closes, unless there are too many. */
  #isFull(end: ServerResponse | Socket): boolean {
    if (this.#active >= this.#limits.relays) return true
    this.#active++
    end.once('close', () => this.#active--)
    return false
  }

  #full(): ProblemError {
    this.#counters.reached('api_relays')
    return new ProblemError(503, `${this.#limits.relays} requests and WebSockets are being relayed; try again`)
  }

  #upgrading(sent: ClientRequest, socket: Socket): void {
    this.#limitSilence(sent)
    socket.once('close', () => sent.destroy())
    sent.once('response', answer => {
      // http-proxy writes the head as it is and the body without its framing: the end of the connection is what ends it.
      delete answer.headers['transfer-encoding']
      answer.headers.connection = 'close'
    })
    sent.once('upgrade', (_, upstream) => {
      socket.setTimeout(this.#limits.relayTunnelMs, () => {
        this.#counters.reached('api_relay_deadline')
        socket.destroy()
      })
      socket.once('close', () => upstream.destroy())
      upstream.once('close', () => socket.destroySoon())
    })
  }

  #limitSilence(sent: ClientRequest): void {
    sent.setTimeout(this.#limits.relayMs, () => {
      this.#counters.reached('api_relay_deadline')
      sent.destroy(new SilenceError())
    })
  }

  /** What a caller reads of an error of the way to the target, which is looked at anew after it. */
  #failure(error: Error): ProblemError {
    this.#look.forget()
    if (error instanceof SilenceError)
      return new ProblemError(504, `${this.#target.url.origin} sent nothing for ${this.#limits.relayMs} ms`)
    return new ProblemError(502, this.#target.unreachable(error))
  }
}

/** The target was silent for too long. */
class SilenceError extends Error {}

/** Takes out what was meant for this connection, where http-proxy would pass it on (RFC 9110 section 7.6.1): Node has answered Expect with 100. */
function withoutHop({ headers }: IncomingMessage): void {
  for (const name of ['expect', 'upgrade', 'keep-alive', 'proxy-connection']) delete headers[name]
  headers.connection = /\bclose\b/i.test(headers.connection ?? '') ? 'close' : 'keep-alive'
}

/** Answers with a problem; where the response has begun, only its end can say that something is wrong. */
function answerProblem(response: ServerResponse, error: ProblemError): void {
  if (response.headersSent) {
    response.destroy()
    return
  }
  response.writeHead(error.status, { 'content-type': PROBLEM_JSON, ...(error.status === 503 ? { 'retry-after': '1' } : {}) })
  response.end(JSON.stringify(error.problem))
}
