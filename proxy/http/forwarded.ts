import type { RequestHead } from './head.ts'
import type { Peer } from './message.ts'

/** Sets X-Forwarded-For, -Proto and -Host where they are absent: what inbound does. Outbound never touches them. */
export function setForwarded(head: RequestHead, peer: Peer): void {
  const { headers } = head
  if (!headers.has('x-forwarded-for')) headers.append('x-forwarded-for', peer.address)
  if (!headers.has('x-forwarded-proto')) headers.append('x-forwarded-proto', head.scheme)
  if (head.authority !== '' && !headers.has('x-forwarded-host')) headers.append('x-forwarded-host', head.authority)
}
