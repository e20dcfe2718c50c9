import { MeshError } from '../errors.ts'
import type { Response } from '../http/message.ts'
import { errorReply } from '../http/reply.ts'
import { isRequestId, REQUEST_ID } from '../http/request-id.ts'
import type { Counters } from '../util/counters.ts'
import type { Attempt, Exchange, Filter } from './exchange.ts'

/** What `rescue` needs of the process. */
export interface RescueOptions {
  readonly counters: Counters
  /** Hears of every rejection that is not a MeshError, with its stack. Each of those is a bug. */
  readonly unexpected: (error: unknown, exchange: Exchange) => void
}

/** Turns a failure into a response: the one place where an error meets a status. Never rejects. */
export function rescue(options: RescueOptions): Filter {
  return next => async (exchange, attempt) => {
    try {
      return await next(exchange, attempt)
    } catch (thrown) {
      return answer(exchange, attempt, asMeshError(thrown, exchange, options))
    }
  }
}

function asMeshError(thrown: unknown, exchange: Exchange, options: RescueOptions): MeshError {
  if (thrown instanceof MeshError) return thrown
  options.counters.add('unexpected_errors')
  options.unexpected(thrown, exchange)
  return new MeshError('INTERNAL', 'a filter failed', { cause: thrown })
}

function answer(exchange: Exchange, attempt: Attempt, error: MeshError): Response {
  exchange.error = error
  const { flag } = error.row
  if (flag !== null) exchange.flags.add(flag)
  const requestId = attempt.head.headers.get(REQUEST_ID)
  return errorReply(error, exchange.incoming.head.method, requestId !== null && isRequestId(requestId) ? requestId : null)
}
