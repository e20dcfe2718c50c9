/**
 * States of a stream (RFC 9113 section 5.1). Reserved ones are missing: we neither push nor allow it.
 *
 *     IDLE --HEADERS--> OPEN --END_STREAM sent--> HALF_CLOSED_LOCAL --END_STREAM received--> CLOSED
 *                       OPEN --END_STREAM received--> HALF_CLOSED_REMOTE --END_STREAM sent--> CLOSED
 *     any but IDLE --RST_STREAM--> CLOSED
 */
export const STATE = { IDLE: 0, OPEN: 1, HALF_CLOSED_LOCAL: 2, HALF_CLOSED_REMOTE: 3, CLOSED: 4 } as const

export type StreamState = (typeof STATE)[keyof typeof STATE]

/** What moves a stream. */
export const EVENT = { HEADERS: 0, END_SENT: 1, END_RECEIVED: 2, RESET: 3 } as const

export type StreamEvent = (typeof EVENT)[keyof typeof EVENT]

const { IDLE, OPEN, HALF_CLOSED_LOCAL, HALF_CLOSED_REMOTE, CLOSED } = STATE

/** By state, then by event. Those that can't be are left where they are: whoever receives checks before. */
// biome-ignore format: a table
const NEXT: readonly (readonly StreamState[])[] = [
  // HEADERS            END_SENT            END_RECEIVED        RESET
  [OPEN,                IDLE,               IDLE,               CLOSED],
  [OPEN,                HALF_CLOSED_LOCAL,  HALF_CLOSED_REMOTE, CLOSED],
  [HALF_CLOSED_LOCAL,   HALF_CLOSED_LOCAL,  CLOSED,             CLOSED],
  [HALF_CLOSED_REMOTE,  CLOSED,             HALF_CLOSED_REMOTE, CLOSED],
  [CLOSED,              CLOSED,             CLOSED,             CLOSED],
]

export function nextState(state: StreamState, event: StreamEvent): StreamState {
  return (NEXT[state] as readonly StreamState[])[event] as StreamState
}

/** Whether HEADERS and DATA may still come. */
export function canReceive(state: StreamState): boolean {
  return state === OPEN || state === HALF_CLOSED_LOCAL
}

/** Whether HEADERS and DATA may still be sent. */
export function canSend(state: StreamState): boolean {
  return state === OPEN || state === HALF_CLOSED_REMOTE
}
