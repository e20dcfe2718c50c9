import { MeshError } from '../errors.ts'
import { setForwarded } from '../http/forwarded.ts'
import type { ResponseHead } from '../http/head.ts'
import { REQUEST_ID } from '../http/request-id.ts'
import { isLoop, viaEntries } from '../http/via.ts'
import { modifyRequest, modifyResponse } from '../route/modify.ts'
import type { Counters } from '../util/counters.ts'
import type { Random } from '../util/random.ts'
import { DEADLINE } from './deadline.ts'
import type { Attempt, Exchange, Filter } from './exchange.ts'
import { identify } from './identify.ts'

/** What a listener adds to requests. */
export interface HeadersOptions {
  readonly random: Random
  readonly counters: Counters
  /** This node and direction in `Via` (`viaPseudonym`); null: `Mesh.via` is off, and loops are not looked for. */
  readonly via: string | null
  /** The cluster of hosts outside the mesh: to them nothing is added. */
  readonly passthrough: string
}

/** Changes a request's head on its way: request id, X-Forwarded-* (inbound), the modifiers of rule and backendRef, Via; refuses loops. */
export function headers(options: HeadersOptions): Filter {
  const entries = options.via === null ? null : viaEntries(options.via)
  return next => (exchange, attempt) => {
    if (exchange.backend?.cluster === options.passthrough) leaveMesh(exchange, attempt)
    else {
      stayInMesh(options, exchange, attempt)
      if (entries !== null) attempt.head.headers.append('via', entries[exchange.incoming.head.protocol])
    }
    return next(exchange, attempt)
  }
}

/** To hosts outside the mesh nothing is added, and what is meant for the mesh stays here. What the operator wrote holds for them too. */
function leaveMesh(exchange: Exchange, attempt: Attempt): void {
  attempt.head.headers.delete('baggage')
  attempt.head.headers.delete(DEADLINE)
  modify(exchange, attempt)
}

function stayInMesh(options: HeadersOptions, exchange: Exchange, attempt: Attempt): void {
  const { head } = attempt
  if (options.via !== null && isLoop(head.headers, options.via)) {
    options.counters.add('loop_refused')
    throw new MeshError('LOOP', `${head.authority} comes back here again and again`)
  }
  const requestId = identify(exchange, options.random)
  if (exchange.isRequestIdMade) head.headers.set(REQUEST_ID, requestId)
  if (exchange.direction === 'inbound') setForwarded(head, exchange.incoming.peer)
  modify(exchange, attempt)
}

function modify(exchange: Exchange, { head }: Attempt): void {
  const ofRule = exchange.route?.modifiers ?? null
  const ofBackend = exchange.backend?.modifiers ?? null
  if (ofRule !== null) modifyRequest(ofRule, head, exchange.matchedPrefix)
  if (ofBackend !== null) modifyRequest(ofBackend, head, exchange.matchedPrefix)
}

/**
 * What is done to the head of a response that came from upstream, just before it goes out: the modifiers of rule and backendRef, and Via.
 * For `serve`, which has the response in hand anyway: a filter would cost every request one promise more.
 */
export function responseHeaders(options: Pick<HeadersOptions, 'via' | 'passthrough'>): (exchange: Exchange, head: ResponseHead) => void {
  // Upstreams speak HTTP/1.1 to us in this version.
  const entry = options.via === null ? null : viaEntries(options.via)['HTTP/1.1']
  return (exchange, head) => {
    const ofRule = exchange.route?.modifiers ?? null
    const ofBackend = exchange.backend?.modifiers ?? null
    if (ofRule !== null) modifyResponse(ofRule, head)
    if (ofBackend !== null) modifyResponse(ofBackend, head)
    if (entry !== null && exchange.backend?.cluster !== options.passthrough) head.headers.append('via', entry)
  }
}
