import { MeshError } from '../errors.ts'
import { errorForm } from '../http/accept.ts'
import type { Response } from '../http/message.ts'
import { errorReply } from '../http/reply.ts'
import type { Counters } from '../util/counters.ts'
import type { Random } from '../util/random.ts'
import type { Exchange, Filter } from './exchange.ts'
import { identify } from './identify.ts'

/** What `rescue` needs of the process. */
export interface RescueOptions {
  readonly counters: Counters
  readonly random: Random
  /** Hears of every rejection that is not a MeshError, with its stack. Each of those is a bug. */
  readonly unexpected: (error: unknown, exchange: Exchange) => void
}

/** Turns a failure into a response: the one place where an error meets a status. Never rejects. */
export function rescue(options: RescueOptions): Filter {
  return next => async (exchange, attempt) => {
    try {
      return await next(exchange, attempt)
    } catch (thrown) {
      return answer(exchange, asMeshError(thrown, exchange, options), options.random)
    }
  }
}

function asMeshError(thrown: unknown, exchange: Exchange, options: RescueOptions): MeshError {
  if (thrown instanceof MeshError) return thrown
  options.counters.add('unexpected_errors')
  options.unexpected(thrown, exchange)
  return new MeshError('INTERNAL', 'a filter failed', { cause: thrown })
}

function answer(exchange: Exchange, error: MeshError, random: Random): Response {
  exchange.error = error
  const { flag } = error.row
  if (flag !== null) exchange.flags.add(flag)
  const { method, headers } = exchange.incoming.head
  return errorReply(error, method, identify(exchange, random), errorForm(headers.joined('accept')), String(exchange.flags))
}
