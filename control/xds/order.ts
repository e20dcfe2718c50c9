import { TYPES, type TypeUrl } from '../translate/resources.ts'

/**
 * Order in which a change reaches a proxy, so that nothing names what is not there yet (make before break). A removal goes the other way: a type's
 * removals are told only when nothing is left to say of the types behind it.
 */
export const ORDER: readonly TypeUrl[] = [TYPES.cluster, TYPES.endpoint, TYPES.listener, TYPES.routes, TYPES.virtualHost]

const KNOWN: ReadonlySet<string> = new Set(ORDER)

/** Whether we serve this type. */
export function isServed(typeUrl: string): typeUrl is TypeUrl {
  return KNOWN.has(typeUrl)
}

/** Types for which a first request without names means everything, and of which a state-of-the-world response is the whole set. */
export function isWholeSet(typeUrl: TypeUrl): boolean {
  return typeUrl === TYPES.listener || typeUrl === TYPES.cluster
}
