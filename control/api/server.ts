import type { AddressInfo } from 'node:net'
import swagger from '@fastify/swagger'
import { type FastifyInstance, type FastifyRequest, fastify } from 'fastify'
import { MAX_TEXT_BYTES } from '../model/parse.ts'
import { applyRoutes } from './apply.ts'
import { bodyGate } from './body-gate.ts'
import { documentRoutes } from './documents.ts'
import { explainRoutes } from './explain.ts'
import { failureRoutes } from './failures.ts'
import { countLimit, refuseConnection } from './full.ts'
import { guard } from './guard.ts'
import { healthRoutes } from './health.ts'
import { isJaegerUpgrade, jaegerRoutes } from './jaeger.ts'
import { API_LIMITS } from './limits.ts'
import { MethodTable } from './method-table.ts'
import { JSON_TYPE, YAML_TYPES } from './negotiation.ts'
import type { Address, ApiOptions } from './options.ts'
import { answerError, ProblemError } from './problem.ts'
import { proxyRoutes } from './proxies.ts'
import { versionRoutes } from './version.ts'

/** A running control API. */
export interface ApiServer {
  readonly address: Address
  close(): Promise<void>
}

/** Serves the control API. Rejects with the system's error when the address cannot be had. */
export async function startApi(options: ApiOptions): Promise<ApiServer> {
  const app = await buildApi(options)
  try {
    await app.listen({ host: options.address.host, port: options.address.port })
  } catch (error) {
    await app.close()
    throw error
  }
  const bound = app.addresses()[0] as AddressInfo | undefined
  if (bound === undefined) throw new Error('the control API listens nowhere')
  return { address: { host: bound.address, port: bound.port }, close: () => app.close() }
}

async function buildApi(options: ApiOptions): Promise<FastifyInstance> {
  const limits = { ...API_LIMITS, ...options.limits }
  const { counters } = options
  const app = fastify({
    logger: false,
    bodyLimit: Math.min(limits.bodyBytes, MAX_TEXT_BYTES),
    requestTimeout: limits.requestMs,
    keepAliveTimeout: limits.keepAliveMs,
    connectionTimeout: limits.idleMs,
    http: { connectionsCheckingInterval: limits.lookMs, ...(options.jaeger === null ? {} : { shouldUpgradeCallback: isJaegerUpgrade }) },
    clientErrorHandler: (error, socket) => refuseConnection(error, socket, counters),
    forceCloseConnections: true,
    routerOptions: { maxParamLength: 253 },
    ajv: { customOptions: { removeAdditional: false, coerceTypes: 'array', allErrors: true } },
  })
  app.server.maxConnections = limits.connections
  app.server.headersTimeout = limits.headMs
  app.server.on('drop', () => counters.reached('api_connections'))
  app.server.on('timeout', socket => {
    // A connection that waits for its next request ends here too, and that is nobody's fault.
    if (socket.writableLength > 0) counters.reached('api_deadline')
    socket.destroy()
  })

  app.addHook('onRequest', async request => guard(request, options.address))
  bodyGate(app, limits, counters)
  const methods = new MethodTable(app)
  // `/v1/apply` is no list of a kind named apply.
  app.addHook('onRequest', async (request, reply) => {
    const allowed = methods.own(pathOf(request))
    if (allowed.length === 0 || allowed.includes(request.method)) return
    reply.header('allow', allowed.join(', '))
    throw new ProblemError(405, `${request.method} is not allowed here; use ${allowed.join(', ')}`)
  })
  app.removeAllContentTypeParsers()
  app.addContentTypeParser([JSON_TYPE, ...YAML_TYPES], { parseAs: 'string' }, (_request, body, done) => done(null, body))
  app.setErrorHandler<Error>((error, request, reply) => {
    if (!(error instanceof ProblemError) && ((error as { statusCode?: number }).statusCode ?? 500) >= 500)
      options.log('error', error.stack ?? error.message)
    countLimit(error, counters)
    answerError(error as ProblemError, request, reply)
  })
  app.setNotFoundHandler((request, reply) => {
    const path = pathOf(request)
    const allowed = methods.at(path)
    if (allowed.length === 0)
      answerError(new ProblemError(404, `there is no ${path}; /openapi.json describes what there is`), request, reply)
    else
      answerError(
        new ProblemError(405, `${request.method} is not allowed here; use ${allowed.join(', ')}`),
        request,
        reply.header('allow', allowed.join(', ')),
      )
  })

  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Outrider control API',
        description: 'Services, routes and policies of a mesh, and what its sidecars run.',
        version: options.version,
      },
    },
    transform: ({ schema, url, route }) => {
      const body = (route.config as { readonly body?: unknown } | undefined)?.body
      return { schema: body === undefined ? schema : { ...schema, body, consumes: [JSON_TYPE, YAML_TYPES[0] as string] }, url }
    },
  })
  app.get('/openapi.json', { schema: { summary: 'This description', tags: ['health'] } }, async () => app.swagger())
  healthRoutes(app, options)
  versionRoutes(app, options)
  applyRoutes(app, options)
  proxyRoutes(app, options)
  explainRoutes(app, options)
  jaegerRoutes(app, options, limits)
  failureRoutes(app, options)
  documentRoutes(app, options)
  return app
}

function pathOf(request: FastifyRequest): string {
  return request.url.split('?')[0] as string
}
