import type { Fields } from './fields.ts'
import type { Protocol } from './head.ts'

/** This node and direction may stand in `Via` so often minus one; chains that pass a service several times are lawful, endless ones are not. */
export const MAX_VIA_PASSES = 5

/** The name of this node and direction in `Via`: a token (RFC 9110 section 5.6.2), so what a token may not hold becomes a hyphen. */
export function viaPseudonym(nodeId: string, direction: 'inbound' | 'outbound'): string {
  return `${nodeId.replace(/[^!#$%&'*+.^_`|~0-9A-Za-z-]/g, '-')}-${direction}`
}

/** What one hop appends (RFC 9110 section 7.6.3), by the protocol in which the message was received. Made once for a listener. */
export function viaEntries(pseudonym: string): Readonly<Record<Protocol, string>> {
  return { 'HTTP/1.0': `1.0 ${pseudonym}`, 'HTTP/1.1': `1.1 ${pseudonym}`, 'HTTP/2': `2.0 ${pseudonym}` }
}

/** True when the pseudonym stands in `Via` five times or more. */
export function isLoop(headers: Fields, pseudonym: string): boolean {
  const via = headers.joined('via')
  if (via === null || !via.includes(pseudonym)) return false
  let passes = 0
  for (const entry of via.split(',')) if (entry.trim().split(/[ \t]+/)[1] === pseudonym) passes++
  return passes >= MAX_VIA_PASSES
}
