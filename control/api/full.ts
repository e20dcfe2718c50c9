import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import type { LimitCounters } from '../xds/counters.ts'
import { PROBLEM_JSON, ProblemError } from './problem.ts'

/** Counts what a call was refused for, where that was a limit. */
export function countLimit(error: Error, counters: LimitCounters): void {
  const { code } = error as NodeJS.ErrnoException
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE') counters.reached('api_body')
  else if (code === 'STORE_FULL' || code === 'STORE_LIMIT') counters.reached('store')
}

const STATUSES: Readonly<Record<string, number>> = {
  ERR_HTTP_REQUEST_TIMEOUT: 408,
  HPE_HEADER_OVERFLOW: 431,
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 413,
}

/** Answers what never became a request, and closes: a head or a body that did not come in time, or is malformed. */
export function refuseConnection(error: NodeJS.ErrnoException, socket: Socket, counters: LimitCounters): void {
  const status = STATUSES[error.code ?? ''] ?? 400
  if (status === 408) counters.reached('api_deadline')
  if (!socket.writable) {
    socket.destroy()
    return
  }
  endWithProblem(
    socket,
    status,
    status === 408 ? 'the request did not come in time' : 'what was sent is no HTTP request that is taken here',
  )
}

/** Answers a connection that has no response of its own with a problem, and ends it. */
export function endWithProblem(socket: Socket, status: number, detail: string): void {
  const body = JSON.stringify(new ProblemError(status, detail).problem)
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\ncontent-type: ${PROBLEM_JSON}\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  )
}
