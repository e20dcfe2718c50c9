import { type ErrorCode, MeshError } from '../errors.ts'
import { CODE, codeName } from './codes.ts'

/** Who ended a stream or a connection. A peer's reset is never echoed to it. */
export type Initiator = 'us' | 'peer' | 'caller'

/** The end of a stream by RST_STREAM, with its reason, which goes on to the other side of the proxy. */
export class StreamError extends MeshError {
  /** An error code of RFC 9113 section 7. */
  readonly http2Code: number
  readonly initiator: Initiator

  constructor(code: ErrorCode, http2Code: number, initiator: Initiator, reason: string) {
    super(code, `${reason} (${codeName(http2Code)})`)
    this.http2Code = http2Code
    this.initiator = initiator
  }
}

/** The error code with which a stream is reset because of `error`: that of the other side's reset where it was one. */
export function resetCodeOf(error: MeshError): number {
  if (error instanceof StreamError) return error.http2Code
  switch (error.code) {
    case 'DOWNSTREAM_CLOSED':
    case 'REQUEST_TIMEOUT':
    case 'PER_TRY_TIMEOUT':
    case 'MAX_DURATION':
    case 'IDLE_TIMEOUT':
      return CODE.CANCEL
    case 'DOWNSTREAM_PROTOCOL':
      return CODE.PROTOCOL_ERROR
    case 'OVERLOADED':
    case 'DRAINING':
      return CODE.REFUSED_STREAM
    default:
      return CODE.INTERNAL_ERROR
  }
}
