import type { Fields } from './fields.ts'
import type { Protocol } from './head.ts'

/** This node and direction may stand in `Via` so often minus one; chains that pass a service several times are lawful, endless ones are not. */
export const MAX_VIA_PASSES = 5

/** The name of this node and direction in `Via`: a token (RFC 9110 section 5.6.2), so what a token may not hold becomes a hyphen. */
export function viaPseudonym(nodeId: string, direction: 'inbound' | 'outbound'): string {
  return `${nodeId.replace(/[^!#$%&'*+.^_`|~0-9A-Za-z-]/g, '-')}-${direction}`
}

/** What one hop appends (RFC 9110 section 7.6.3). @param protocol by which the message was received. */
export function viaEntry(protocol: Protocol, pseudonym: string): string {
  return `${protocol.slice(5)} ${pseudonym}`.replace(/^2 /, '2.0 ')
}

/** True when the pseudonym stands in `Via` five times or more. */
export function isLoop(headers: Fields, pseudonym: string): boolean {
  const via = headers.joined('via')
  if (via === null || !via.includes(pseudonym)) return false
  let passes = 0
  for (const entry of via.split(',')) if (entry.trim().split(/[ \t]+/)[1] === pseudonym) passes++
  return passes >= MAX_VIA_PASSES
}
