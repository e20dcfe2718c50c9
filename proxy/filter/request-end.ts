import type { Body } from '../http/body.ts'
import type { RequestHead } from '../http/head.ts'

/** False: the head was all of the request. What follows an Upgrade or a CONNECT is no part of the request but of the tunnel that it asks for. */
export function isRequestStreamed(head: RequestHead, body: Body): boolean {
  return body.length !== 0 && head.upgrade === null && head.method !== 'CONNECT'
}
