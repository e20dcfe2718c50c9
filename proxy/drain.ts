import { delay, type Timers } from './util/timers.ts'

/** Longest wait for the news of a departure to reach every caller: one that has not heard by then gets a receipt (DRAINING) and goes elsewhere. */
export const DEPARTURE_TIMEOUT_MS = 5_000
/**
 * Between the news having reached the last caller and the closing of idle connections, ms: a request that was sent just before may wait unread in the
 * socket of a connection that looks idle, and one that may not be sent twice would be lost with it.
 */
export const SETTLE_MS = 100
/** Between looks at what is still in flight. */
const LOOK_MS = 20

/** How far the news has come, as the control plane tells it. */
export interface DepartureProgress {
  readonly callers: number
  readonly callersThatKnow: number
}

/** What leaving touches. The composition root gives it. */
export interface Leaving {
  readonly service: string
  /** Readiness fails from now on. */
  failReadiness(): void
  /** Tells the control plane, and resolves when every connected caller knows; at once when there is nobody to tell. */
  depart(): Promise<DepartureProgress>
  /** The progress so far. */
  progress(): DepartureProgress
  /** Answers go out with `Connection: close` from now on; idle connections close. */
  closeConnections(): void
  /** No new inbound connections. */
  closeInbound(): Promise<void>
  /** Inbound exchanges in flight. */
  inFlight(): number
  /** Cuts what is left. */
  cut(): void
}

/** How it went. */
export interface DrainReport {
  readonly progress: DepartureProgress
  /** Until the last caller knew, or the wait was over. */
  readonly departureMs: number
  /** Exchanges that were cut. */
  readonly cut: number
}

/**
 * Leaves so that no caller sees it (product.md, "Drain"): tell everybody first and go on serving, stop accepting once they know, finish what is in
 * flight. So nobody needs a sleep before stopping.
 *
 * @param drainTimeoutMs for what is in flight, from the moment that inbound is closed.
 */
export async function drain(leaving: Leaving, drainTimeoutMs: number, timers: Timers): Promise<DrainReport> {
  const startedAt = timers.clock.now()
  leaving.failReadiness()
  await Promise.race([leaving.depart(), delay(timers, DEPARTURE_TIMEOUT_MS)])
  const departureMs = Math.round(timers.clock.now() - startedAt)
  if (leaving.progress().callers > 0) await delay(timers, SETTLE_MS)
  leaving.closeConnections()
  await leaving.closeInbound()
  const until = timers.clock.now() + drainTimeoutMs
  while (leaving.inFlight() > 0 && timers.clock.now() < until) await delay(timers, LOOK_MS)
  const cut = leaving.inFlight()
  if (cut > 0) leaving.cut()
  return { progress: leaving.progress(), departureMs, cut }
}

/** `left orders: 7 of 7 callers know, 62 ms`. */
export function drainSentence(service: string, report: DrainReport): string {
  const cut = report.cut === 0 ? '' : `, ${report.cut} ${report.cut === 1 ? 'request' : 'requests'} cut`
  return `left ${service}: ${report.progress.callersThatKnow} of ${report.progress.callers} callers know, ${report.departureMs} ms${cut}`
}
