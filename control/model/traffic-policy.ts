import { boolean, duration, integer, number, positiveDuration, word } from './fields.ts'
import { MAX_ATTEMPTS, retryCodes } from './http-route.ts'
import { targetRef } from './references.ts'
import { isMapping, list, type Mapping, object, type Path, type Report, type Schema } from './schema.ts'
import { durationMs, overlongTries } from './timing.ts'

/** Targets of one policy at most. */
export const MAX_TARGETS = 64
/** Highest threshold of a circuit breaker: what a 32-bit unsigned field of xDS holds is far more than a sidecar can. */
export const MAX_THRESHOLD = 1_000_000

/** On what a try is made again. */
const RETRY_ON = ['connect-failure', 'refused-stream', 'reset', 'gateway-error', '5xx', 'retriable-status-codes', 'per-try-timeout']

const threshold = integer(0, MAX_THRESHOLD)

/** The spec of `outrider.dev/v1` TrafficPolicy. */
export const trafficPolicySpec: Schema = object({
  required: ['targetRefs'],
  description: 'how requests to a Service, or by a route, are balanced, timed out, retried and limited',
  fields: {
    targetRefs: list(targetRef, { min: 1, max: MAX_TARGETS, rules: [distinctTargets] }),
    loadBalancer: object({
      required: ['policy'],
      fields: { policy: word(['roundRobin', 'leastRequest'], ['peakEwma', 'random', 'ringHash', 'maglev']) },
    }),
    timeouts: object({ fields: { connect: positiveDuration, request: duration, idle: duration } }),
    retry: object({
      fields: {
        attempts: integer(0, MAX_ATTEMPTS),
        perTryTimeout: duration,
        on: list(word(RETRY_ON), { max: RETRY_ON.length }),
        codes: retryCodes,
        backoff: positiveDuration,
        maxBackoff: positiveDuration,
        unsafeMethods: boolean,
        budget: object({ fields: { percent: number(0, 100), minPerSecond: number(0, 10_000) } }),
      },
      rules: [backoffOrder, codesWanted],
    }),
    circuitBreaker: object({
      fields: { maxConnections: threshold, maxPending: threshold, maxRequests: threshold, maxRetries: threshold },
    }),
  },
  later: ['outlierDetection', 'healthCheck', 'connectionPool', 'rateLimit', 'faultInjection'],
  rules: [longerTry, triesFit],
})

function distinctTargets(items: readonly unknown[], path: Path, report: Report): void {
  const seen = new Set<string>()
  items.forEach((item, index) => {
    if (!isMapping(item)) return
    const target = ['kind', 'namespace', 'name', 'port', 'sectionName'].map(field => String(item[field] ?? '')).join('/')
    if (seen.has(target)) report.fault([...path, index], item, 'the target is there twice', 'each target once')
    seen.add(target)
  })
}

function backoffOrder(retry: Mapping, path: Path, report: Report): void {
  const baseMs = durationMs(retry['backoff'])
  const maxMs = durationMs(retry['maxBackoff'])
  if (baseMs === undefined || maxMs === undefined || baseMs <= maxMs) return
  report.fault([...path, 'backoff'], retry['backoff'], `is longer than maxBackoff, ${retry['maxBackoff']}`, 'at most maxBackoff')
}

function codesWanted(retry: Mapping, path: Path, report: Report): void {
  const on = retry['on']
  if (!Array.isArray(on)) return
  const codes = Array.isArray(retry['codes']) ? retry['codes'] : []
  if (!on.includes('retriable-status-codes') || codes.length > 0) return
  report.warning([...path, 'on'], on, 'retriable-status-codes needs codes', 'codes: [503]')
}

function parts(value: Mapping): { timeouts: Mapping; retry: Mapping } {
  const { timeouts, retry } = value
  return { timeouts: isMapping(timeouts) ? timeouts : {}, retry: isMapping(retry) ? retry : {} }
}

function longerTry(value: Mapping, path: Path, report: Report): void {
  const { timeouts, retry } = parts(value)
  const requestMs = durationMs(timeouts['request']) ?? 0
  if (requestMs === 0 || (durationMs(retry['perTryTimeout']) ?? 0) <= requestMs) return
  const at = [...path, 'retry', 'perTryTimeout']
  report.fault(at, retry['perTryTimeout'], `is longer than timeouts.request, ${timeouts['request']}`, 'at most timeouts.request')
}

function triesFit(value: Mapping, path: Path, report: Report): void {
  const { timeouts, retry } = parts(value)
  const { attempts, backoff, maxBackoff, perTryTimeout: perTry } = retry
  const message = overlongTries({ request: timeouts['request'], perTry, attempts, backoff, maxBackoff })
  if (message !== null)
    report.warning([...path, 'timeouts', 'request'], timeouts['request'], message, 'a longer request, or fewer or shorter tries')
}
