import { status } from '@grpc/grpc-js'
import type { Timers } from '../../proxy/util/timers.ts'
import type { LimitCounters } from './counters.ts'
import type { Call, CallHandler } from './server.ts'

/** A stream that has not said who it is within this time, ms, is ended: it would take one of the places for nothing. */
export const FIRST_MESSAGE_MS = 10_000

/** Holds a call to its first message. What the handler gets is otherwise the same. */
export function expectFirst<Request>(
  handler: CallHandler<Request>,
  call: Call<never>,
  timers: Timers,
  limits: LimitCounters,
): CallHandler<Request> {
  const deadline = timers.timer(() => {
    limits.reached('xds_first_message')
    call.fail(status.DEADLINE_EXCEEDED, `nothing was said within ${FIRST_MESSAGE_MS} ms`)
  })
  deadline.arm(FIRST_MESSAGE_MS)
  return {
    received(request) {
      deadline.disarm()
      handler.received(request)
    },
    closed() {
      deadline.disarm()
      handler.closed()
    },
  }
}
