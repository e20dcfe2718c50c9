import type { FastifyInstance } from 'fastify'
import type { ProxyStatus } from '../xds/status.ts'
import { API_LIMITS } from './limits.ts'
import { answer } from './negotiation.ts'
import type { ApiOptions } from './options.ts'
import { ProblemError } from './problem.ts'

const querystring = {
  type: 'object',
  properties: {
    revision: { type: 'integer', minimum: 0, description: 'answer when every connected sidecar has acknowledged or refused it' },
    waitMs: { type: 'integer', minimum: 0, maximum: API_LIMITS.waitMs, default: API_LIMITS.waitMs, description: 'or after so long' },
  },
  additionalProperties: false,
}

/** `GET /v1/proxies`: who runs what. With `?revision=` it waits until that revision is settled, so that nobody has to poll. */
export function proxyRoutes(app: FastifyInstance, options: ApiOptions): void {
  let waits = 0
  const schema = { summary: 'Every sidecar, what it runs, and what it refused last', tags: ['proxies'], querystring }
  app.get('/v1/proxies', { schema }, async (request, reply) => {
    const { revision, waitMs } = request.query as { readonly revision?: number; readonly waitMs: number }
    if (revision === undefined) return answer(request, reply, { items: items(options.board.list(), options) })
    const most = options.limits?.waits ?? API_LIMITS.waits
    if (waits >= most) {
      options.counters.reached('api_waits')
      throw new ProblemError(503, `${most} calls are waiting already`)
    }
    waits++
    try {
      return answer(request, reply, { items: items(await options.board.settled(revision, waitMs), options) })
    } finally {
      waits--
    }
  })
}

function items(proxies: readonly ProxyStatus[], options: ApiOptions): readonly ProxyStatus[] {
  if (options.warnings.length === 0) return proxies
  return proxies.map(proxy => ({ ...proxy, warnings: [...new Set([...options.warnings, ...proxy.warnings])] }))
}
