import { monotonicClock } from '../../proxy/util/clock.ts'
import { type Document, type ObjectReference, ORIGIN_ANNOTATION } from '../model/document.ts'
import type { ProxyStatus } from '../xds/status.ts'
import type { ApiClient } from './api-client.ts'
import { EXIT_CODES } from './exit-codes.ts'
import type { Output } from './output.ts'

/** What is waited for. */
export interface Awaited {
  readonly client: ApiClient
  readonly output: Output
  /** Of the documents. */
  readonly revision: number
  readonly timeoutMs: number
  /** Monotonic, ms: what the time that is printed counts from. */
  readonly startedAt: number
  /** Those that were sent, with their origins: where a refusal is looked up. */
  readonly documents: readonly Document[]
}

/** ms of one call's wait; the control API allows 30 s. */
const WAIT_MS = 20_000

/** Waits until every connected sidecar runs a revision, says how many do, and returns the exit code. */
export async function awaitForce(awaited: Awaited): Promise<number> {
  const { client, output, revision } = awaited
  const deadline = awaited.startedAt + awaited.timeoutMs
  for (;;) {
    const waitMs = Math.round(Math.min(WAIT_MS, Math.max(0, deadline - monotonicClock.now())))
    const path = `/v1/proxies?revision=${revision}&waitMs=${waitMs}`
    const { text } = await client.expect({ method: 'GET', path, timeoutMs: waitMs + 10_000 })
    const connected = (JSON.parse(text) as { readonly items: readonly ProxyStatus[] }).items.filter(proxy => proxy.isConnected)
    const pending = connected.filter(proxy => Number(proxy.version) < revision)
    const refusing = pending.filter(proxy => proxy.lastNack !== null && proxy.lastNack.revision >= revision)
    const isOver = monotonicClock.now() >= deadline
    if (pending.length > refusing.length && !isOver) continue
    const ms = Math.round(monotonicClock.now() - awaited.startedAt)
    output.line(`in force on ${connected.length - pending.length} of ${connected.length} sidecars, ${ms} ms`)
    for (const proxy of refusing) output.note(refusal(proxy, awaited.documents))
    if (refusing.length > 0) return EXIT_CODES.failed.code
    if (pending.length === 0) return EXIT_CODES.ok.code
    for (const proxy of pending)
      output.note(`not yet on ${proxy.id} (${proxy.namespace}/${proxy.service}), which runs revision ${proxy.version}`)
    return EXIT_CODES.timeout.code
  }
}

function refusal(proxy: ProxyStatus, documents: readonly Document[]): string {
  const { lastNack } = proxy
  if (lastNack === null) return `refused by ${proxy.id}`
  const places = placesOf(lastNack.resource, documents)
  const resource = lastNack.resource === '' ? '' : ` (${lastNack.resource})`
  return `${places.length === 0 ? '' : `${places.join(', ')}: `}refused by ${proxy.id}: ${lastNack.message}${resource}`
}

/** Where the documents of a resource such as `outbound/default/orders:80` were written: those that are that service or hang on it; all where none does. */
function placesOf(resource: string, documents: readonly Document[]): readonly string[] {
  const name = /([^/]+\/[^/:]+)(?::[\d*]+)?$/.exec(resource)?.[1] ?? ''
  const concerned = documents.filter(document => servicesOf(document).includes(name))
  const places = (concerned.length > 0 ? concerned : documents).flatMap(
    document => document.metadata.annotations?.[ORIGIN_ANNOTATION] ?? [],
  )
  return [...new Set(places)].slice(0, 10)
}

function servicesOf(document: Document): readonly string[] {
  const { namespace, name } = document.metadata
  if (document.kind === 'Service') return [`${namespace}/${name}`]
  const { parentRefs = [], targetRefs = [] } = document.spec as {
    readonly parentRefs?: readonly ObjectReference[]
    readonly targetRefs?: readonly ObjectReference[]
  }
  return [...parentRefs, ...targetRefs].map(reference => `${reference.namespace ?? namespace}/${reference.name}`)
}
