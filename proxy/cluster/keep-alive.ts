/**
 * How long an idle connection may be used again.
 *
 * A server that closes an idle connection just as we write to it makes a request fail that nobody can safely repeat. The peer's FIN is always a flight
 * behind, so the only cure is to stop earlier than the server does.
 */

/**
 * Without a hint: below the 5 s after which Node's servers close (the shortest default of the common servers: Apache 5 s, uvicorn 5 s, Go none, nginx 75 s),
 * with room for one retransmission. Linkerd uses 3 s, Envoy an hour.
 */
export const DEFAULT_IDLE_MS = 4_000
/** Whatever a server promises: NAT tables and load balancers in between forget sooner than servers do (AWS NLB 350 s, many firewalls 60 s). */
export const MAX_IDLE_MS = 55_000
/** A close after less idle time is believed only when a second one agrees: a server that stops closes connections of any age. */
export const BELIEVED_AT_ONCE_MS = 500
/** Learned times double this often, so that one wrong lesson (a restart taken for a timeout) fades. */
export const FORGET_EVERY_MS = 300_000

/** The part of a server's idle time in which a request still arrives before it closes: less 1 s or a tenth, but at least half of a short one. */
export function safePart(idleMs: number): number {
  return idleMs - Math.max(Math.min(1_000, idleMs / 2), idleMs / 10)
}

/** @param hintMs the peer's `Keep-Alive: timeout`; null: it has not said. @param learnedIdleMs Infinity: never seen. Idle for this long, ms, a connection is used no more. */
export function idleLimitMs(hintMs: number | null, learnedIdleMs: number): number {
  const told = hintMs === null ? DEFAULT_IDLE_MS : safePart(hintMs)
  const learned = learnedIdleMs === Number.POSITIVE_INFINITY ? MAX_IDLE_MS : safePart(learnedIdleMs)
  return Math.min(told, learned, MAX_IDLE_MS)
}

/** Whether two closes look like one and the same timeout. */
export function agree(oneMs: number, otherMs: number): boolean {
  return Math.abs(oneMs - otherMs) <= Math.max(20, Math.min(oneMs, otherMs) / 5)
}

/** What is left of a lesson after some time: it doubles every so often, and above what we would use anyway it is gone. */
export function faded(learnedIdleMs: number, forMs: number): number {
  const grown = learnedIdleMs * 2 ** Math.floor(forMs / FORGET_EVERY_MS)
  return safePart(grown) >= MAX_IDLE_MS ? Number.POSITIVE_INFINITY : grown
}
