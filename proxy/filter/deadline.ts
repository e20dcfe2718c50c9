import type { RequestHead } from '../http/head.ts'
import type { Attempt, Filter } from './exchange.ts'

/** Whole milliseconds that the caller still waits, counted from when it is sent: the field that Envoy's router writes (`x-envoy-expected-rq-timeout-ms`). */
export const DEADLINE = 'x-envoy-expected-rq-timeout-ms'

/** When an exchange must be over. */
export interface TimeLimit {
  /** ms from now; the whole request timeout while the request still comes in, and less than 0 once it is past. */
  remainingMs(): number
}

/** What a request says of its deadline, ms from its head; null: nothing, or no number of 1 to 9 digits, which is ignored. */
export function deadlineOf(head: RequestHead): number | null {
  const value = head.headers.get(DEADLINE)
  return value === null ? null : parseDeadline(value)
}

/** 0 to 999,999,999 ms (11 days); null: anything else. */
export function parseDeadline(value: string): number | null {
  return /^\d{1,9}$/.test(value) ? Number(value) : null
}

/** As it is sent: rounded down, because the way takes time too; at least 1, because Envoy takes 0 for no limit. */
export function formatDeadline(remainingMs: number): string {
  return String(Math.max(1, Math.floor(remainingMs)))
}

/**
 * Tells each try's receiver how long the caller still waits, where there is a limit: its own calls can then end in time, and it need not begin what nobody
 * will read. Inside `retry`, since less remains for every further try. Hosts outside the mesh are told nothing.
 */
export function deadline(passthrough: string): Filter {
  return next => (exchange, attempt) => {
    if (exchange.limit !== null && exchange.backend?.cluster !== passthrough) tell(exchange.limit, attempt)
    return next(exchange, attempt)
  }
}

function tell(limit: TimeLimit, { head }: Attempt): void {
  head.headers.set(DEADLINE, formatDeadline(limit.remainingMs()))
}
