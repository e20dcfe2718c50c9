import { endpointName } from '../cluster/endpoint.ts'
import type { Route } from '../route/route.ts'
import type { AccessRecord } from '../telemetry/access-record.ts'
import type { FailedTry, FailureNode, FailureRecord } from '../telemetry/failure-record.ts'
import { cut, type Failures, MAX_TEXT_CHARACTERS } from '../telemetry/failures.ts'
import type { Clock } from '../util/clock.ts'
import { isFailure, recordOf, recordOfRefusal } from './access-record.ts'
import type { Attempt, Exchange } from './exchange.ts'
import type { Observer } from './observer.ts'

/** Tries of one exchange that are kept, the last ones: a policy may have 100, and after a few they say the same. */
export const MAX_TRIES = 16

const NONE: readonly never[] = []
const NO_ORIGINS: FailureRecord['origins'] = {}
const rounded = (ms: number) => Math.round(ms * 1_000) / 1_000

/** Keeps what fails. What succeeds costs one look at its error and status. */
export function observeFailures(failures: Failures, node: FailureNode, clock: Clock, wallClock: Clock): Observer {
  return {
    done(exchange) {
      if (isFailure(exchange)) failures.add(failureOf(exchange, node, clock.now(), wallClock.now()))
    },
    refused(refusal) {
      failures.add({
        ...cutTexts(recordOfRefusal(refusal, wallClock.now())),
        node,
        stops: NONE,
        tries: NONE,
        timeouts: null,
        retry: null,
        origins: NO_ORIGINS,
      })
    },
    configured() {},
  }
}

/** @param now monotonic, ms. @param wallNow the same moment, ms since 1970. */
export function failureOf(exchange: Exchange, node: FailureNode, now: number, wallNow: number): FailureRecord {
  const { details, attempts, route, startedAt, direction } = exchange
  const sent = attempts.filter(each => each.startedAt > 0).slice(-MAX_TRIES)
  // Inbound has an idle timeout and one retry of its own, whatever its route says.
  const settings = direction === 'outbound' && route !== null ? settingsOf(route) : { timeouts: null, retry: null, origins: NO_ORIGINS }
  return {
    ...cutTexts(recordOf(exchange, now, wallNow)),
    node,
    stops: details.length === 0 ? NONE : [...details],
    tries: sent.map(each => tryOf(each, startedAt, attempts.at(-1) === each)),
    ...settings,
  }
}

function settingsOf({ timeouts, retry, origins }: Route): Pick<FailureRecord, 'timeouts' | 'retry' | 'origins'> {
  return {
    timeouts: { request_ms: timeouts.requestMs, per_try_ms: timeouts.perTryMs, idle_ms: timeouts.idleMs },
    retry: retry === null || retry.attempts === 0 ? null : { attempts: retry.attempts, on: retry.on, codes: retry.codes },
    // The route's own: it lives as long as the configuration, or as a record of it.
    origins,
  }
}

function tryOf(attempt: Attempt, startedAt: number, isLast: boolean): FailedTry {
  const { number, host, status, error, peerCode } = attempt
  // A try whose answer was given up for another one has failed by its status alone.
  const failure = status !== 0 && !isLast ? null : error
  return {
    number,
    endpoint: host === null ? null : endpointName(host.endpoint),
    started_ms: rounded(attempt.startedAt - startedAt),
    duration_ms: attempt.settledAt === 0 ? null : rounded(attempt.settledAt - attempt.startedAt),
    status,
    code: failure?.code ?? peerCode,
    message: failure === null ? null : cut(failure.message),
  }
}

/** The texts that come from outside; the rest is short, or the configuration's own. */
function cutTexts(record: AccessRecord): AccessRecord {
  const { method, authority, path, user_agent, details } = record
  const length = method.length + authority.length + (path?.length ?? 0) + (user_agent?.length ?? 0) + (details?.length ?? 0)
  if (length <= MAX_TEXT_CHARACTERS) return record
  return {
    ...record,
    method: cut(method),
    authority: cut(authority),
    path: path === null ? null : cut(path),
    user_agent: user_agent === null ? null : cut(user_agent),
    details: details === null ? null : cut(details),
  }
}
