import { ADVICE } from '../advice.ts'
import type { MeshError } from '../errors.ts'
import { ERROR_TYPES, type ErrorForm } from './accept.ts'
import { BufferBody, EMPTY_BODY } from './body.ts'
import { FieldList } from './fields.ts'
import type { ResponseHead } from './head.ts'
import type { Response } from './message.ts'
import { REASONS } from './reasons.ts'

/** Stands for "nothing is to be answered": the caller has left, or was answered another way. Its status is 0. */
export const NO_ANSWER: Response = { head: { status: 0, headers: new FieldList() }, body: EMPTY_BODY }

/**
 * The answer that the sidecar makes of a failure: the code, and nothing of addresses.
 *
 * @param requestId of the request, when it has a good one.
 * @param form that the request likes best.
 * @param flags Envoy's, comma-joined; `-`: none.
 * @returns `NO_ANSWER` for a code whose status is 0.
 */
export function errorReply(error: MeshError, method: string, requestId: string | null, form: ErrorForm = 'text', flags = '-'): Response {
  const { status, proxyStatus } = error.row
  if (status === 0) return NO_ANSWER
  const reply =
    form === 'text'
      ? textReply(status, method, requestId === null ? `outrider: ${error.code}\n` : `outrider: ${error.code}, request ${requestId}\n`)
      : direct(status, method, ERROR_TYPES[form], `${JSON.stringify(problemOf(error, requestId, flags))}\n`)
  reply.head.headers.append('vary', 'accept')
  reply.head.headers.append('proxy-status', `outrider; error=${proxyStatus}; details="${error.code}"`)
  return reply
}

/** A problem document (RFC 9457) with our members `code`, `flags` and `requestId`. */
function problemOf({ code, row }: MeshError, requestId: string | null, flags: string): object {
  return {
    type: 'about:blank',
    title: REASONS[row.status],
    status: row.status,
    detail: ADVICE[code].meaning,
    code,
    flags: flags === '-' ? [] : flags.split(','),
    ...(requestId === null ? {} : { requestId }),
  }
}

/** A direct response in plain text. To HEAD without its octets (RFC 9110 section 9.3.2). */
export function textReply(status: number, method: string, text: string): Response {
  return direct(status, method, 'text/plain; charset=utf-8', text)
}

function direct(status: number, method: string, type: string, text: string): Response {
  const octets = Buffer.from(text)
  const headers = new FieldList()
  if (octets.length > 0) headers.append('content-type', type)
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

/** A sidecar's member of Proxy-Status, as `errorReply` writes it. */
const OWN_STATUS = /(?:^|,)\s*outrider\s*;[^,"]*details="([A-Z_]{1,64})"/

/** The code by which a sidecar says that it made an answer itself; null: it did not. */
export function codeOfAnswer(head: ResponseHead): string | null {
  const proxyStatus = head.headers.joined('proxy-status')
  return proxyStatus === null ? null : (OWN_STATUS.exec(proxyStatus)?.[1] ?? null)
}

/** Codes by which a sidecar says that its app has seen nothing of the request (receipts). */
const RECEIPTS: ReadonlySet<string | null> = new Set(['APP_UNAVAILABLE', 'DRAINING', 'OVERLOADED'])

/** True for a 503 by which a sidecar promises that the request was not handed to its app: safe to try elsewhere with any method. */
export function isReceipt(response: Response): boolean {
  return response.head.status === 503 && RECEIPTS.has(codeOfAnswer(response.head))
}
