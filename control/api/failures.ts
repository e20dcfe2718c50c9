import type { FastifyInstance } from 'fastify'
import type { FailureQuestion, FoundBySidecar } from '../xds/observation.ts'
import { answer } from './negotiation.ts'
import type { ApiOptions } from './options.ts'
import { ProblemError } from './problem.ts'

/** Failed requests of one answer at most: what one sidecar keeps. */
export const MAX_FAILURES = 1_000
/** Octets of the records of one answer: a thousand long ones of a few sidecars. Older ones are left out and counted. */
export const MAX_FAILURES_BYTES = 8_388_608
/** Octets of one record; a sidecar of this version makes none above 40 KiB. */
export const MAX_RECORD_BYTES = 65_536

/** A FailureRecord of `proxy/telemetry/failure-record.ts`, of which only this is looked at here. */
interface Item {
  readonly time: string
  readonly request_id?: unknown
}

const querystring = {
  type: 'object',
  properties: {
    id: { type: 'string', minLength: 1, maxLength: 128, description: 'request id, or trace id of 32 hexadecimal digits' },
    last: {
      type: 'integer',
      minimum: 1,
      maximum: MAX_FAILURES,
      default: 20,
      description: 'at most so many requests, the latest, each as every sidecar saw it',
    },
    service: { type: 'string', minLength: 1, maxLength: 253, description: 'that called or was called' },
    namespace: { type: 'string', minLength: 1, maxLength: 63, description: 'of the service that called or was called' },
  },
  additionalProperties: false,
}

/** `GET /v1/failures`: the last failed requests, as all connected sidecars have kept them. */
export function failureRoutes(app: FastifyInstance, options: ApiOptions): void {
  const schema = { summary: 'The last failed requests of the mesh, and why they failed', tags: ['requests'], querystring }
  app.get('/v1/failures', { schema }, async (request, reply) => {
    const { id = null, last, service = null, namespace = null } = request.query as Partial<FailureQuestion> & { last: number }
    const merged = new LatestFailures(last)
    const silent = await options.failures({ id, last, service, namespace }, (_node, found) => merged.add(found))
    if (silent === null) throw new ProblemError(503, 'the sidecars are being asked already; try again')
    return answer(request, reply, { items: merged.items, silent, asked: merged.answers + silent.length, omitted: merged.omitted })
  })
}

/** Merges what sidecars found: keeps the latest requests, within a number and octets, whatever comes. */
export class LatestFailures {
  readonly #last: number
  readonly #maxBytes: number
  #kept: { readonly item: Item; readonly bytes: number }[] = []
  /** Sidecars that answered. */
  answers = 0
  /** Found, and left out because an answer is bounded. */
  omitted = 0

  constructor(last: number, maxBytes = MAX_FAILURES_BYTES) {
    this.#last = last
    this.#maxBytes = maxBytes
  }

  /** Oldest first. */
  get items(): readonly unknown[] {
    return this.#kept.map(({ item }) => item).reverse()
  }

  add({ records, omitted }: FoundBySidecar): void {
    this.answers++
    this.omitted += omitted
    for (const octets of records) {
      const item = octets.length > MAX_RECORD_BYTES ? null : read(octets)
      if (item === null) this.omitted++
      else this.#kept.push({ item, bytes: octets.length })
    }
    // RFC 3339 in UTC with milliseconds sorts as text.
    this.#kept.sort((a, b) => (a.item.time < b.item.time ? 1 : a.item.time > b.item.time ? -1 : 0))
    this.#keepLast()
    this.#keepFitting()
  }

  /** Whole requests, however many sidecars have seen each. */
  #keepLast(): void {
    const requests = new Set<unknown>()
    this.#kept = this.#kept.filter(({ item }) => {
      const request = typeof item.request_id === 'string' ? item.request_id : item
      if (requests.size === this.#last && !requests.has(request)) return false
      requests.add(request)
      return true
    })
  }

  #keepFitting(): void {
    let fitting = 0
    for (let bytes = 0; fitting < this.#kept.length; fitting++) {
      bytes += this.#kept[fitting]?.bytes ?? 0
      if (bytes > this.#maxBytes) break
    }
    this.omitted += this.#kept.length - fitting
    this.#kept.length = fitting
  }
}

/** Null: it is no record. */
function read(octets: Uint8Array): Item | null {
  try {
    const value: unknown = JSON.parse(Buffer.from(octets.buffer, octets.byteOffset, octets.byteLength).toString())
    return typeof value === 'object' && value !== null && typeof (value as Item).time === 'string' ? (value as Item) : null
  } catch {
    return null
  }
}
