import { ERRORS, type ErrorCode } from '../errors.ts'
import type { RequestHead } from '../http/head.ts'
import type { RetryOn, RetryPolicy } from '../route/route.ts'

/** How a try ended, as far as retries are concerned. */
export interface Outcome {
  /** Null: there was a response. */
  readonly code: ErrorCode | null
  /** Of the response; 0: there was none. */
  readonly status: number
  /** The response is a sidecar's promise that its app has seen nothing (`isReceipt`). */
  readonly isReceipt: boolean
  /** There was a connection, but no octet of the request was written to it. */
  readonly isUnwritten: boolean
}

/** RFC 9110 section 9.2.2. */
export const IDEMPOTENT: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE'])

/** Why a request may be sent again although it may have been processed. */
export type Repeatable = 'always' | 'keyed' | 'never'

/** `always`: its method is idempotent, or the policy says that all are. `keyed`: its `Idempotency-Key` tells the server that it is the same. */
export function repeatable(head: RequestHead, unsafeMethods: boolean): Repeatable {
  if (unsafeMethods || IDEMPOTENT.has(head.method)) return 'always'
  return head.headers.has('idempotency-key') ? 'keyed' : 'never'
}

/** Whether outbound may try again after `outcome`, the count and the budget apart. */
export function mayRetry(outcome: Outcome, again: Repeatable, policy: RetryPolicy): boolean {
  if (outcome.isReceipt) return true
  if (outcome.code === null) return mayRetryStatus(outcome.status, again, policy)
  const trait = ERRORS[outcome.code].retry
  if (outcome.isUnwritten && trait !== 'never') return true
  switch (trait) {
    case 'never':
      return false
    case 'unsent':
    case 'refused':
      return true
    case 'reused':
      return again !== 'never'
    case 'sent':
      return mayRetrySent(outcome.code, again, policy.on)
  }
}

/** Inbound tries again only if no octet was written, or after a kept-alive connection to the app died unanswered; what its app refuses, its callers try elsewhere. */
export function mayRetryInbound(outcome: Outcome, again: Repeatable): boolean {
  if (outcome.code === null) return false
  const trait = ERRORS[outcome.code].retry
  return (outcome.isUnwritten && trait !== 'never') || (trait === 'reused' && again !== 'never')
}

function mayRetryStatus(status: number, again: Repeatable, { on, codes }: RetryPolicy): boolean {
  if (again === 'never' || (again === 'keyed' && status !== 503)) return false
  if (on.includes('gateway-error') && status >= 502 && status <= 504) return true
  if (on.includes('5xx') && status >= 500 && status <= 599) return true
  return on.includes('retriable-status-codes') && codes.includes(status)
}

/** Which words of a policy list a failure of a request that may have been processed. */
const LISTED: Partial<Record<ErrorCode, readonly RetryOn[]>> = {
  UPSTREAM_RESET: ['reset', '5xx'],
  UPSTREAM_PROTOCOL: ['reset', 'gateway-error', '5xx'],
  PER_TRY_TIMEOUT: ['per-try-timeout', 'gateway-error', '5xx'],
}

/** With a key alone the first try may still run, so only a reset, or a per-try timeout that the policy names, is tried again. */
const LISTED_KEYED: Partial<Record<ErrorCode, readonly RetryOn[]>> = {
  UPSTREAM_RESET: ['reset', '5xx'],
  PER_TRY_TIMEOUT: ['per-try-timeout'],
}

function mayRetrySent(code: ErrorCode, again: Repeatable, on: readonly RetryOn[]): boolean {
  if (again === 'never') return false
  const words = (again === 'always' ? LISTED : LISTED_KEYED)[code] ?? []
  return words.some(word => on.includes(word))
}

/** Full jitter: between 0 and (2^n - 1) x base, at most `maxBackoffMs`, before the n-th retry. @param share from 0 to below 1. */
export function backoffMs(retry: number, policy: RetryPolicy, share: number): number {
  return share * Math.min((2 ** retry - 1) * policy.backoffMs, policy.maxBackoffMs)
}
