import { isRequestId, newRequestId, REQUEST_ID } from '../http/request-id.ts'
import type { Random } from '../util/random.ts'
import type { Exchange } from './exchange.ts'

/** The request's id, the same for its whole life: what the caller sent where that is good, else one that is made at the first call. */
export function identify(exchange: Exchange, random: Random): string {
  if (exchange.requestId !== '') return exchange.requestId
  const present = exchange.incoming.head.headers.get(REQUEST_ID)
  exchange.isRequestIdMade = present === null || !isRequestId(present)
  exchange.requestId = exchange.isRequestIdMade ? newRequestId(random) : (present as string)
  return exchange.requestId
}
