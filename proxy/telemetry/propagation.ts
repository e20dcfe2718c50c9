import { B3_MULTI, formatB3, multiDecision, readB3Multi, readB3Single } from './b3.ts'
import type { Propagator } from './config.ts'
import { formatTraceparent, keptTracestate, parentIdOf, SAMPLED, traceIdOf, traceparentFlags } from './trace-context.ts'

/** The field lines that trace context is read from and written to: `Fields` of a head. */
export interface Carrier {
  get(name: string): string | null
  /** All values of that name. */
  joined(name: string): string | null
  set(name: string, value: string): void
  delete(name: string): void
}

/** A span of somebody else, as its trace context names it. */
export interface RemoteParent {
  readonly traceId: string
  readonly spanId: string
}

/** The trace context of a request that is recorded: what came, and in which forms it goes on. */
export interface Propagation {
  /** Null: a new trace begins here. */
  readonly parent: RemoteParent | null
  /** Of the trace, see `formatTraceparent`. */
  readonly flags: number
  /** Null: none goes on. */
  readonly tracestate: string | null
  readonly isB3Single: boolean
  readonly isB3Multi: boolean
  readonly isDebug: boolean
}

/**
 * Whether the caller records the trace; null: it has not decided, or said nothing that is well-formed. W3C beats B3. Four look-ups and no object where
 * nothing came, since it is asked of each request.
 */
export function callersDecision(fields: Carrier): boolean | null {
  const traceparent = fields.joined('traceparent')
  if (traceparent !== null) {
    const flags = traceparentFlags(traceparent)
    if (flags !== -1) return (flags & SAMPLED) !== 0
  }
  const single = fields.get('b3')
  const b3 = single === null ? null : readB3Single(single)
  return b3 === null ? multiDecision(fields).isSampled : b3.isSampled
}

/** The id of the trace that a request belongs to, recorded or not; null: it came with none. */
export function callersTraceId(fields: Carrier): string | null {
  return w3c(fields)?.parent.traceId ?? b3Of(fields)?.traceId ?? null
}

/**
 * Reads the trace context of a request that is recorded. What is malformed counts as not sent, and `tracestate` counts only beside a `traceparent` that
 * is well-formed (section 3.3). B3 goes on in each form that came, and in those of `propagators`.
 */
export function readPropagation(fields: Carrier, propagators: readonly Propagator[]): Propagation {
  const fromW3c = w3c(fields)
  const b3 = b3Of(fields)
  const hasMulti = fields.get(B3_MULTI.traceId) !== null || fields.get(B3_MULTI.sampled) !== null || fields.get(B3_MULTI.flags) !== null
  return {
    parent: fromW3c?.parent ?? parentOfB3(b3),
    flags: fromW3c?.flags ?? 0,
    tracestate: fromW3c?.tracestate ?? null,
    isB3Single: propagators.includes('b3') || fields.get('b3') !== null,
    isB3Multi: propagators.includes('b3multi') || hasMulti,
    isDebug: b3?.isDebug ?? false,
  }
}

/** Puts a span that is recorded into a request's fields, as the parent of what comes next; what was there of other spans goes. */
export function writePropagation(fields: Carrier, propagation: Propagation, traceId: string, spanId: string): void {
  fields.set('traceparent', formatTraceparent(traceId, spanId, propagation.flags))
  if (propagation.tracestate === null) fields.delete('tracestate')
  else fields.set('tracestate', propagation.tracestate)
  if (propagation.isB3Single) fields.set('b3', formatB3(traceId, spanId, propagation.isDebug))
  if (!propagation.isB3Multi) return
  fields.set(B3_MULTI.traceId, traceId)
  fields.set(B3_MULTI.spanId, spanId)
  fields.delete(B3_MULTI.parentSpanId)
  // Debug implies sampled, and then only one of the two may be sent.
  fields.delete(propagation.isDebug ? B3_MULTI.sampled : B3_MULTI.flags)
  fields.set(propagation.isDebug ? B3_MULTI.flags : B3_MULTI.sampled, '1')
}

function w3c(fields: Carrier): { parent: RemoteParent; flags: number; tracestate: string | null } | null {
  const traceparent = fields.joined('traceparent')
  const flags = traceparent === null ? -1 : traceparentFlags(traceparent)
  if (traceparent === null || flags === -1) return null
  const tracestate = fields.joined('tracestate')
  return {
    parent: { traceId: traceIdOf(traceparent), spanId: parentIdOf(traceparent) },
    flags,
    tracestate: tracestate === null ? null : keptTracestate(tracestate),
  }
}

function b3Of(fields: Carrier) {
  const single = fields.get('b3')
  return (single === null ? null : readB3Single(single)) ?? readB3Multi(fields)
}

function parentOfB3(b3: ReturnType<typeof b3Of>): RemoteParent | null {
  return b3 === null || b3.traceId === null || b3.spanId === null ? null : { traceId: b3.traceId, spanId: b3.spanId }
}
