import type { FastifyInstance } from 'fastify'
import { type Document, KINDS } from '../model/document.ts'
import { jsonSchemaOf } from '../model/kinds.ts'
import { documentKey, documentsOf } from '../model/model.ts'
import { conflict } from './documents.ts'
import { isSameDocument } from './equality.ts'
import { answer, bodyFormat } from './negotiation.ts'
import type { ApiOptions } from './options.ts'
import { loadModel, putOf, readDocuments, registeredServices } from './reading.ts'

/** What has happened to one document of an apply, in the order of the body. */
export interface ApplyResult {
  readonly kind: string
  readonly namespace: string
  readonly name: string
  readonly change: string
}

const querystring = {
  type: 'object',
  properties: { dryRun: { type: 'boolean', description: 'true: checks and compares, and changes nothing' } },
  additionalProperties: false,
}

/** `POST /v1/apply`: many documents, all or nothing. The revision that holds them is in the ETag. */
export function applyRoutes(app: FastifyInstance, options: ApiOptions): void {
  const body = { type: 'array', items: { oneOf: KINDS.map(jsonSchemaOf) } }
  const schema = { summary: 'Creates or replaces many documents, all or nothing', tags: ['documents'], querystring }
  app.post('/v1/apply', { schema, config: { body } }, async (request, reply) => {
    const { dryRun = false } = request.query as { readonly dryRun?: boolean }
    const model = await loadModel(options.store)
    const registered = registeredServices(await options.leases())
    const { sources, warnings } = readDocuments(request.body as string, bodyFormat(request), model, { registered })
    const documents = sources.map(source => source.document)
    const changes = dryRun ? foreseen(documents, documentsOf(model)) : await commit(documents, options)
    const results = documents.map((document, index): ApplyResult => {
      const { namespace, name } = document.metadata
      return { kind: document.kind, namespace, name, change: changes[index] ?? 'unchanged' }
    })
    reply.header('etag', `"${options.store.revision}"`)
    return answer(request, reply, { dryRun, results, warnings })
  })
}

async function commit(documents: readonly Document[], options: ApiOptions): Promise<readonly string[]> {
  const applied = await options.store.apply(documents.map(document => putOf(document, null)))
  if (!applied.ok) throw conflict(documents[applied.conflict] as Document, applied.present)
  return applied.results.map(result => result.change)
}

/** What an apply would do. */
function foreseen(documents: readonly Document[], present: readonly Document[]): readonly string[] {
  const byKey = new Map(present.map(document => [documentKey(document), document]))
  return documents.map(document => {
    const before = byKey.get(documentKey(document)) ?? null
    const wanted = document.metadata.resourceVersion
    if (wanted !== undefined && wanted !== (before?.metadata.resourceVersion ?? '0')) throw conflict(document, before)
    if (before === null) return 'created'
    return isSameDocument(before, document) ? 'unchanged' : 'updated'
  })
}
