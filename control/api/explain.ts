import type { FastifyInstance } from 'fastify'
import type { ExplainRequest } from '../../proxy/route/explain.ts'
import { nearest } from '../model/nearest.ts'
import { explain } from './explanation.ts'
import { answer } from './negotiation.ts'
import type { ApiOptions } from './options.ts'
import { ProblemError } from './problem.ts'

interface Query {
  readonly as?: string
  readonly namespace?: string
  readonly method: string
  readonly url: string
  readonly header: readonly string[]
}

const querystring = {
  type: 'object',
  required: ['url'],
  properties: {
    as: {
      type: 'string',
      maxLength: 253,
      description: 'the caller: a service, or NAMESPACE/SERVICE; short names resolve in its namespace',
    },
    namespace: { type: 'string', maxLength: 63, description: "the caller's namespace" },
    method: { type: 'string', default: 'GET', pattern: "^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,32}$" },
    url: { type: 'string', maxLength: 8_192, pattern: '^https?://[^/?#]+', description: 'such as http://orders/api/1' },
    header: {
      type: 'array',
      maxItems: 64,
      default: [],
      items: { type: 'string', maxLength: 8_192, pattern: '^[^:]+:' },
      description: 'NAME:VALUE',
    },
  },
  additionalProperties: false,
}

/** `GET /v1/explain`: where a request would go, answered from what the sidecars of the caller's namespace are told. */
export function explainRoutes(app: FastifyInstance, options: ApiOptions): void {
  const schema = { summary: 'Where a request would go, and why', tags: ['proxies'], querystring }
  app.get('/v1/explain', { schema }, async (request, reply) => {
    const query = request.query as Query
    const view = options.view({ namespace: await namespaceOf(query, options), client: 'outrider' })
    return answer(request, reply, explain(view, questionOf(query)))
  })
}

/** The namespace of the caller, who must be known: by a document or by registration. */
async function namespaceOf({ as, namespace }: Query, options: ApiOptions): Promise<string> {
  if (as === undefined) return namespace ?? 'default'
  const full = as.includes('/') ? as : `${namespace ?? 'default'}/${as}`
  const services = await options.store.list('Service', null)
  const known = new Set(services.map(each => `${each.metadata.namespace}/${each.metadata.name}`))
  for (const lease of await options.leases()) known.add(`${lease.namespace}/${lease.service}`)
  for (const proxy of options.board.list()) known.add(`${proxy.namespace}/${proxy.service}`)
  if (known.has(full)) return full.slice(0, full.indexOf('/'))
  const near = nearest(full, known)
  throw new ProblemError(404, `there is no service ${full}${near === null ? '' : `; did you mean ${near}?`}`)
}

/** The path stays as it was written: a parsed URL has lost its dot segments, which are what somebody may ask about. */
function questionOf({ method, url, header }: Query): ExplainRequest {
  const [, authority = '', rest = ''] = /^https?:\/\/([^/?#]+)([^#]*)/.exec(url) ?? []
  const headers = header.map((line): readonly [string, string] => {
    const colon = line.indexOf(':')
    return [line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim()]
  })
  return { method, authority, path: rest.startsWith('/') ? rest : `/${rest}`, headers }
}
