import { MeshError } from '../errors.ts'
import type { Counters } from '../util/counters.ts'
import type { Exchange, Filter } from './exchange.ts'

/** Exchanges of one direction at once: 16,384 with 64 KiB of replay each are 1 GiB, about where a sidecar's memory ends. */
export const DEFAULT_MAX_EXCHANGES = 16_384

/** When requests are refused unseen. */
export interface OverloadOptions {
  /** Above it: OVERLOADED. */
  readonly maxExchanges: number
  /** True once nothing new is to begin (after `Connection: close` and the callers' notice): DRAINING. */
  readonly isDraining: () => boolean
  /** False: the app is known not to take requests: APP_UNAVAILABLE. Null: not watched (outbound). */
  readonly isAppReady: (() => boolean) | null
  readonly counters: Counters
}

/** Refuses, before anything else is done, what could not be carried out. All three refusals are receipts: the caller may try elsewhere with any method. */
export function overload(options: OverloadOptions): Filter {
  let active = 0
  const left = () => {
    active--
  }
  const check = (exchange: Exchange) => {
    if (options.isDraining()) throw new MeshError('DRAINING', 'the sidecar is leaving')
    if (active >= options.maxExchanges) {
      options.counters.add('overloaded')
      throw new MeshError('OVERLOADED', `${active} exchanges are in progress (maxExchanges)`)
    }
    active++
    exchange.onDone(left)
    if (options.isAppReady?.() === false) throw new MeshError('APP_UNAVAILABLE', 'the app is not ready')
  }
  return next => (exchange, attempt) => {
    check(exchange)
    return next(exchange, attempt)
  }
}
