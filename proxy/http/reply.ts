import type { MeshError } from '../errors.ts'
import { BufferBody, EMPTY_BODY } from './body.ts'
import { FieldList } from './fields.ts'
import type { Response } from './message.ts'

/** Stands for "nothing is to be answered": the caller has left, or was answered another way. Its status is 0. */
export const NO_ANSWER: Response = { head: { status: 0, headers: new FieldList() }, body: EMPTY_BODY }

/**
 * The answer that the sidecar makes of a failure: the code, and nothing of addresses.
 *
 * @param requestId of the request, when it has a good one.
 * @returns `NO_ANSWER` for a code whose status is 0.
 */
export function errorReply(error: MeshError, method: string, requestId: string | null): Response {
  const { status, proxyStatus } = error.row
  if (status === 0) return NO_ANSWER
  const text = requestId === null ? `outrider: ${error.code}\n` : `outrider: ${error.code}, request ${requestId}\n`
  const reply = textReply(status, method, text)
  reply.head.headers.append('proxy-status', `outrider; error=${proxyStatus}; details="${error.code}"`)
  return reply
}

/** A direct response in plain text. To HEAD without its octets (RFC 9110 section 9.3.2). */
export function textReply(status: number, method: string, text: string): Response {
  const octets = Buffer.from(text)
  const headers = new FieldList()
  if (octets.length > 0) headers.append('content-type', 'text/plain; charset=utf-8')
  if (status >= 200 && status !== 204 && status !== 304) headers.append('content-length', `${octets.length}`)
  const isBodiless = octets.length === 0 || method === 'HEAD' || status === 204 || status === 304
  return { head: { status, headers }, body: isBodiless ? EMPTY_BODY : new BufferBody(octets) }
}

/** A redirect (RFC 9110 section 15.4). */
export function redirectReply(status: number, location: string): Response {
  const headers = new FieldList([
    ['location', location],
    ['content-length', '0'],
  ])
  return { head: { status, headers }, body: EMPTY_BODY }
}

/** Codes by which a sidecar says that its app has seen nothing of the request (receipts). */
const RECEIPT = /(?:^|,)\s*outrider\s*;[^,"]*details="(?:APP_UNAVAILABLE|DRAINING|OVERLOADED)"/

/** True for a 503 by which a sidecar promises that the request was not handed to its app: safe to try elsewhere with any method. */
export function isReceipt(response: Response): boolean {
  if (response.head.status !== 503) return false
  const proxyStatus = response.head.headers.joined('proxy-status')
  return proxyStatus !== null && RECEIPT.test(proxyStatus)
}
