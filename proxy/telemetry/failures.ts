import type { FailureQuery, FailureRecord } from './failure-record.ts'

/** Failed exchanges that a sidecar keeps. An incident's first minutes at a few failures a second; the access log has the rest. */
export const MAX_FAILURES = 1_000
/** Octets of them all: 1,000 of usual length need half of it, and long URLs must not take more. */
export const MAX_FAILURE_BYTES = 2_097_152
/** Of each text of a record; a message that names ten endpoints has 700, a longer URL is told by its beginning. */
export const MAX_TEXT_CHARACTERS = 1_024

/** What a record takes beside its texts, and each of its tries: measured on V8, rounded up. */
const RECORD_BYTES = 700
const TRY_BYTES = 150

/** The last failures of one sidecar: a ring, bounded in number and octets, that forgets the oldest. */
export class Failures {
  readonly #records: (FailureRecord | null)[]
  readonly #bytes: Float64Array
  readonly #maxBytes: number
  #first = 0
  #count = 0
  #total = 0

  constructor(max = MAX_FAILURES, maxBytes = MAX_FAILURE_BYTES) {
    this.#records = new Array<FailureRecord | null>(max).fill(null)
    this.#bytes = new Float64Array(max)
    this.#maxBytes = maxBytes
  }

  /** How many are kept. */
  get count(): number {
    return this.#count
  }

  /** What they take, octets. */
  get bytes(): number {
    return this.#total
  }

  add(record: FailureRecord): void {
    const size = sizeOf(record)
    while (this.#count > 0 && (this.#count === this.#records.length || this.#total + size > this.#maxBytes)) this.#forget()
    const at = (this.#first + this.#count) % this.#records.length
    this.#records[at] = record
    this.#bytes[at] = size
    this.#count++
    this.#total += size
  }

  /** Those that were asked for, oldest first. */
  find(query: FailureQuery): readonly FailureRecord[] {
    const found: FailureRecord[] = []
    const requests = new Set<unknown>()
    for (let i = this.#count - 1; i >= 0; i--) {
      const record = this.#records[(this.#first + i) % this.#records.length]
      if (!record || !isAskedFor(record, query)) continue
      const request = record.request_id ?? record
      if (requests.size === query.last && !requests.has(request)) continue
      requests.add(request)
      found.push(record)
    }
    return found.reverse()
  }

  #forget(): void {
    this.#records[this.#first] = null
    this.#total -= this.#bytes[this.#first] as number
    this.#first = (this.#first + 1) % this.#records.length
    this.#count--
  }
}

/** Cuts a text to MAX_TEXT_CHARACTERS, in memory of its own: a slice would keep the whole text alive. */
export function cut(text: string): string {
  if (text.length <= MAX_TEXT_CHARACTERS) return text
  return `${Buffer.from(text.slice(0, MAX_TEXT_CHARACTERS - 3)).toString()}...`
}

function sizeOf(record: FailureRecord): number {
  let bytes = RECORD_BYTES + record.tries.length * TRY_BYTES
  for (const value of Object.values(record)) if (typeof value === 'string') bytes += value.length
  for (const { endpoint, message } of record.tries) bytes += (endpoint?.length ?? 0) + (message?.length ?? 0)
  return bytes
}

function isAskedFor(record: FailureRecord, { id, service, namespace }: FailureQuery): boolean {
  if (id !== null && record.request_id !== id && record.trace_id !== id) return false
  if (service === null && namespace === null) return true
  const isIt = (theirs: { readonly service: string; readonly namespace: string }) =>
    (service === null || theirs.service === service) && (namespace === null || theirs.namespace === namespace)
  const called = calledService(record)
  return isIt(record.node) || (called !== null && isIt(called))
}

/** The service that a request was for: of the cluster it went to, else as its authority names it. Null: a host outside the mesh, or nothing tells. */
export function calledService(
  record: Pick<FailureRecord, 'cluster' | 'authority' | 'direction' | 'node'>,
): { readonly service: string; readonly namespace: string } | null {
  if (record.direction === 'inbound') return record.node
  if (record.cluster !== null) {
    const [, namespace = '', service = ''] = /^([^/]+)\/(.+):\d+$/.exec(record.cluster) ?? []
    return service === '' ? null : { service, namespace }
  }
  const [service = '', inNamespace = record.node.namespace] = record.authority.toLowerCase().replace(/:\d+$/, '').split('.')
  return service === '' ? null : { service, namespace: inNamespace }
}
