import { isIPv6 } from 'node:net'

/** A host outside the mesh, as a request names it. */
export interface OutsideName {
  /** Lower case; an IPv6 address without its brackets. */
  readonly host: string
  readonly port: number
}

/** Parses `host`, `host:port`, `[v6]` or `[v6]:port` (RFC 3986 section 3.2). Null: malformed. */
export function parseOutsideName(authority: string, defaultPort: number): OutsideName | null {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:@/?#[\]\s]+))(?::(\d{1,5}))?$/.exec(authority)
  if (match === null) return null
  const [, v6, name, digits] = match
  if (v6 !== undefined && !isIPv6(v6)) return null
  const port = digits === undefined ? defaultPort : Number(digits)
  if (port < 1 || port > 65_535) return null
  return { host: (v6 ?? (name as string)).toLowerCase(), port }
}
