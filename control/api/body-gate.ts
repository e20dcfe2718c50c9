import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { LimitCounters } from '../xds/counters.ts'
import type { ApiLimits } from './limits.ts'
import { ProblemError } from './problem.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Bodies pass through and are never kept. */
    isStreamed?: boolean
  }
}

/** Lets only a few large bodies in at once, so that the memory for them has a bound: connections x body limit would be 4 GiB. */
export function bodyGate(app: FastifyInstance, limits: ApiLimits, counters: LimitCounters): void {
  const large = new Set<FastifyRequest>()
  app.addHook('onRequest', async (request, reply) => {
    if (!isLarge(request, limits)) return
    if (large.size >= limits.largeBodies) {
      counters.reached('api_large_bodies')
      reply.header('retry-after', '1').header('connection', 'close')
      throw new ProblemError(503, `${limits.largeBodies} large bodies are being read; try again`)
    }
    large.add(request)
    // Also where the client leaves in the middle.
    reply.raw.once('close', () => large.delete(request))
  })
}

/** What is only passed on takes no memory. Chunked bodies count as large: nobody knows before they end. */
function isLarge(request: FastifyRequest, limits: ApiLimits): boolean {
  if (request.routeOptions.config.isStreamed === true) return false
  if (request.headers['transfer-encoding'] !== undefined) return true
  return Number(request.headers['content-length'] ?? 0) > limits.largeBytes
}
