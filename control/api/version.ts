import type { FastifyInstance } from 'fastify'
import { answer } from './negotiation.ts'
import type { ApiOptions } from './options.ts'

/** What `GET /v1/version` answers. */
export interface ControlVersion {
  /** Of the program. */
  readonly version: string
  readonly storeId: string
  /** Of the documents. */
  readonly revision: number
}

/** `GET /v1/version`: which program answers, and what it holds. What `outrider check` compares sidecars with. */
export function versionRoutes(app: FastifyInstance, { store, version }: ApiOptions): void {
  const schema = { summary: 'Version of the control plane, its store and the revision of the documents', tags: ['health'] }
  app.get('/v1/version', { schema }, async (request, reply) => {
    const body: ControlVersion = { version, storeId: store.id, revision: store.revision }
    return answer(request, reply, body)
  })
}
