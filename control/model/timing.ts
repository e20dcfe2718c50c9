import { DEFAULT_RETRY } from '../../proxy/route/route.ts'
import { formatDuration, parseDuration } from './duration.ts'

/** What of a route decides how long its tries may take together. Durations as written; undefined: not said. */
export interface Timing {
  readonly request: unknown
  readonly perTry: unknown
  readonly attempts: unknown
  readonly backoff: unknown
  readonly maxBackoff: unknown
}

/** Milliseconds of a document's duration; undefined where it says nothing readable. */
export function durationMs(value: unknown): number | undefined {
  return typeof value === 'string' ? (parseDuration(value) ?? undefined) : undefined
}

/**
 * Says so if all tries with their longest backoffs take longer than the whole request may: the last of them would be cut off.
 * Null: they fit, or one of both has no limit.
 */
export function overlongTries(timing: Timing): string | null {
  const requestMs = durationMs(timing.request) ?? 0
  const perTryMs = durationMs(timing.perTry) ?? 0
  if (requestMs === 0 || perTryMs === 0) return null
  const attempts = typeof timing.attempts === 'number' ? timing.attempts : DEFAULT_RETRY.attempts
  const baseMs = durationMs(timing.backoff) ?? DEFAULT_RETRY.backoffMs
  const maxMs = durationMs(timing.maxBackoff) ?? Math.max(DEFAULT_RETRY.maxBackoffMs, baseMs * 10)
  let sumMs = perTryMs
  for (let retry = 1; retry <= attempts; retry++) sumMs += Math.min(maxMs, baseMs * (2 ** retry - 1)) + perTryMs
  if (sumMs <= requestMs) return null
  return `${attempts + 1} tries of ${formatDuration(perTryMs)} and their backoffs take up to ${formatDuration(sumMs)}, longer than the request's ${formatDuration(requestMs)}`
}
