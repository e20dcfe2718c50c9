import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { type Document, documentName, KINDS, type Kind } from '../model/document.ts'
import { jsonSchemaOf, kindOf } from '../model/kinds.ts'
import { nearest } from '../model/nearest.ts'
import { placeOf, type SourceDocument } from '../model/source.ts'
import { type StatedDocument, type StatusSource, withStatus } from './conditions.ts'
import { answer, bodyFormat } from './negotiation.ts'
import type { ApiOptions } from './options.ts'
import { ProblemError, unprocessable } from './problem.ts'
import { loadModel, putOf, readDocuments, registeredServices } from './reading.ts'

interface Key {
  readonly kind: Kind
  readonly namespace: string
  readonly name: string
}

/** Documents one by one, and lists of them: `/v1/{kind}`, `/v1/{kind}/{namespace}`, `/v1/{kind}/{namespace}/{name}`. */
export function documentRoutes(app: FastifyInstance, options: ApiOptions): void {
  const { store } = options
  const body = { oneOf: KINDS.map(jsonSchemaOf) }

  app.get('/v1/:kind', { schema: { summary: 'Every document of a kind', tags: ['documents'], params: params('kind') } }, (request, reply) =>
    list(request, reply, options),
  )
  app.get(
    '/v1/:kind/:namespace',
    { schema: { summary: 'Every document of a kind in a namespace', tags: ['documents'], params: params('kind', 'namespace') } },
    (request, reply) => list(request, reply, options),
  )
  const one = params('kind', 'namespace', 'name')
  app.get(
    '/v1/:kind/:namespace/:name',
    { schema: { summary: 'One document', tags: ['documents'], params: one } },
    async (request, reply) => {
      const key = keyOf(request)
      const document = await store.get(key.kind, key.namespace, key.name)
      if (document === null) throw notFound(key)
      const etag = etagOf(document)
      reply.header('etag', etag)
      return answer(request, reply, stated(document, await statusSource(options)))
    },
  )
  app.put(
    '/v1/:kind/:namespace/:name',
    { schema: { summary: 'Creates or replaces one document', tags: ['documents'], params: one }, config: { body } },
    (request, reply) => put(request, reply, options),
  )
  app.delete(
    '/v1/:kind/:namespace/:name',
    { schema: { summary: 'Removes one document', tags: ['documents'], params: one } },
    async (request, reply) => {
      const key = keyOf(request)
      const applied = await store.apply([{ op: 'delete', ...key, ifMatch: ifMatchOf(request) }])
      if (!applied.ok) throw applied.present === null ? notFound(key) : mismatch(applied.present)
      if (applied.results[0]?.change === 'absent') throw notFound(key)
      return reply.code(204).header('etag', `"${applied.revision}"`).send()
    },
  )
}

async function list(request: FastifyRequest, reply: FastifyReply, options: ApiOptions): Promise<FastifyReply> {
  const { namespace } = request.params as { readonly namespace?: string }
  const kind = readKind(request)
  // Before the list: a caller that asks again for what came after it may see a document twice, and misses none.
  const resourceVersion = String(options.store.revision)
  const documents = await options.store.list(kind, namespace ?? null)
  const source = await statusSource(options)
  return answer(request, reply, { items: withStatus(documents, source), resourceVersion })
}

async function put(request: FastifyRequest, reply: FastifyReply, options: ApiOptions): Promise<FastifyReply> {
  const key = keyOf(request)
  const ifMatch = ifMatchOf(request)
  const model = await loadModel(options.store)
  const registered = registeredServices(await options.leases())
  const { sources } = readDocuments(request.body as string, bodyFormat(request), model, { registered })
  const document = onlyDocument(sources, key)
  const applied = await options.store.apply([putOf(document, ifMatch)])
  if (!applied.ok) throw ifMatch === null ? conflict(document, applied.present) : mismatch(applied.present)
  const result = applied.results[0]
  const stored = result?.document ?? document
  reply.code(result?.change === 'created' ? 201 : 200).header('etag', etagOf(stored))
  return answer(request, reply, stated(stored, await statusSource(options)))
}

/** The one document of a PUT, which must be the one that the address names. */
function onlyDocument(sources: readonly SourceDocument[], key: Key): Document {
  const [source] = sources
  if (source === undefined || sources.length > 1) {
    const message = `the body must hold one document, not ${sources.length}`
    const fault = {
      document: documentName({ kind: key.kind, metadata: key }),
      path: '',
      line: '',
      value: sources.length,
      message,
      allowed: 'one document; many go to POST /v1/apply',
    }
    throw unprocessable([fault], [])
  }
  const { document } = source
  const said: readonly (readonly [readonly string[], string, string])[] = [
    [['kind'], document.kind, key.kind],
    [['metadata', 'namespace'], document.metadata.namespace, key.namespace],
    [['metadata', 'name'], document.metadata.name, key.name],
  ]
  const faults = said
    .filter(([, value, allowed]) => value !== allowed)
    .map(([path, value, allowed]) => {
      const message = 'is not what the address says'
      return { document: documentName(document), path: path.join('.'), line: placeOf(source, path), value, message, allowed }
    })
  if (faults.length > 0) throw unprocessable(faults, [])
  return document
}

/** What the status of documents is computed from, at this moment. */
export async function statusSource(options: ApiOptions): Promise<StatusSource> {
  const [model, leases] = await Promise.all([loadModel(options.store), options.leases()])
  return { model, registered: registeredServices(leases), proxies: options.board.list() }
}

function stated(document: Document, source: StatusSource): StatedDocument {
  return withStatus([document], source)[0] as StatedDocument
}

function keyOf(request: FastifyRequest): Key {
  const { namespace, name } = request.params as { readonly namespace: string; readonly name: string }
  return { kind: readKind(request), namespace, name }
}

function readKind(request: FastifyRequest): Kind {
  const { kind } = request.params as { readonly kind: string }
  const known = kindOf(kind)
  if (known !== null) return known
  const near = nearest(kind, KINDS)
  throw new ProblemError(
    404,
    `there is no kind ${JSON.stringify(kind)}; ${near === null ? `known: ${KINDS.join(', ')}` : `did you mean ${near}?`}`,
  )
}

/** The resource version that If-Match asks for; `0` (it must not exist) for `If-None-Match: *`; null: any. */
function ifMatchOf(request: FastifyRequest): string | null {
  if (request.headers['if-none-match'] === '*') return '0'
  const header = request.headers['if-match']
  if (header === undefined || header === '*') return null
  const match = /^"(\d{1,16})"$/.exec(header)
  if (match === null) throw new ProblemError(412, `If-Match ${header} is no ETag of this API, such as "42"`)
  return match[1] as string
}

function etagOf(document: Document): string {
  return `"${document.metadata.resourceVersion ?? '0'}"`
}

function notFound(key: Key): ProblemError {
  return new ProblemError(404, `there is no ${documentName({ kind: key.kind, metadata: key })}`)
}

function mismatch(present: Document | null): ProblemError {
  if (present === null) return new ProblemError(412, 'the document does not exist')
  return new ProblemError(412, `${documentName(present)} is at resourceVersion ${present.metadata.resourceVersion ?? '0'}`)
}

/** A resourceVersion in a document that is not the present one. */
export function conflict(document: Document, present: Document | null): ProblemError {
  const now = present === null ? 'it does not exist' : `it is at ${present.metadata.resourceVersion ?? '0'}`
  const wanted = document.metadata.resourceVersion ?? '0'
  return new ProblemError(409, `${documentName(document)} was read at resourceVersion ${wanted}, and now ${now}; nothing was changed`)
}

function params(...names: readonly string[]) {
  const properties = Object.fromEntries(names.map(name => [name, { type: 'string', maxLength: 253 }]))
  return { type: 'object', properties, required: names }
}
