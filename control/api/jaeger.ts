import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { monotonicClock } from '../../proxy/util/clock.ts'
import { endWithProblem } from './full.ts'
import { guard } from './guard.ts'
import type { ApiLimits } from './limits.ts'
import { answer } from './negotiation.ts'
import type { ApiOptions } from './options.ts'
import type { RelayTarget } from './prefix-look.ts'
import { ProblemError } from './problem.ts'
import { Relay } from './relay.ts'

/** Where Jaeger's UI is, on the control API and on Jaeger itself: its pages name their parts by it. */
export const JAEGER_PREFIX = '/jaeger/'

/** True for a request that goes to Jaeger when it asks for an upgrade. All others may name upgrades, such as curl's to h2c, and go on without. */
export function isJaegerUpgrade({ url, headers }: IncomingMessage): boolean {
  return url?.startsWith(JAEGER_PREFIX) === true && headers.upgrade?.toLowerCase() === 'websocket'
}

/** `GET /v1/links`, and `/jaeger/` with everything below it: relayed with its path, any method, WebSockets too. */
export function jaegerRoutes(app: FastifyInstance, options: ApiOptions, limits: ApiLimits): void {
  linkRoute(app, options)
  const { jaeger, log } = options
  if (jaeger === null) {
    const refuse = async () => {
      throw new ProblemError(404, 'this control plane knows no Jaeger: start it with --jaeger URL, such as --jaeger http://127.0.0.1:16686')
    }
    early(app, '/jaeger', refuse)
    early(app, `${JAEGER_PREFIX}*`, refuse)
    return
  }
  const relay = new Relay(targetOf(jaeger), limits, options.counters, monotonicClock)
  const defect = (error: Error) => log('error', error.stack ?? error.message)
  early(app, '/jaeger', async (request, reply) => reply.redirect(JAEGER_PREFIX + request.url.slice('/jaeger'.length), 307))
  early(app, `${JAEGER_PREFIX}*`, async ({ raw }, reply) => {
    reply.hijack()
    relay.request(raw, reply.raw).catch(error => {
      defect(error)
      reply.raw.destroy()
    })
  })
  app.server.on('upgrade', (request: IncomingMessage, socket: Socket, head: Buffer) => {
    socket.on('error', () => socket.destroy())
    try {
      guard(request, options.address)
    } catch (error) {
      const { status, message } = error as ProblemError
      endWithProblem(socket, status, message)
      return
    }
    relay.upgrade(request, socket, head).catch(error => {
      defect(error)
      socket.destroy()
    })
  })
  app.addHook('preClose', async () => relay.close())
}

/** Routes every method of a path to a handler that runs after the guard and before a body is read, which is not fastify's to read. */
function early(app: FastifyInstance, url: string, handle: (request: FastifyRequest, reply: FastifyReply) => Promise<unknown>): void {
  app.all(url, { schema: { hide: true }, config: { isStreamed: true }, onRequest: handle }, handle)
}

function linkRoute(app: FastifyInstance, { jaeger }: ApiOptions): void {
  const properties = {
    jaeger: {
      type: ['string', 'null'],
      description: "path of Jaeger's UI on this API; a trace is at `trace/ID` below it; null: there is none",
    },
  }
  const schema = {
    summary: 'What else is shown here',
    tags: ['health'],
    response: { 200: { description: 'Links', type: 'object', properties, required: ['jaeger'] } },
  }
  app.get('/v1/links', { schema }, async (request, reply) => answer(request, reply, { jaeger: jaeger === null ? null : JAEGER_PREFIX }))
}

function targetOf(url: URL): RelayTarget {
  const { origin } = url
  return {
    url,
    prefix: JAEGER_PREFIX,
    unreachable: ({ message }) =>
      `Jaeger at ${origin} cannot be reached (${message}): start it with --query.base-path=/jaeger, or say by --jaeger where it is`,
    elsewhere: `Jaeger at ${origin} does not serve below /jaeger: start it with --query.base-path=/jaeger`,
  }
}
