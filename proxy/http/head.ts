import type { Fields } from './fields.ts'

export type Protocol = 'HTTP/1.0' | 'HTTP/1.1' | 'HTTP/2'

/** A request's head, whichever protocol carried it. Hop-by-hop fields are already gone (RFC 9110 section 7.6.1). */
export interface RequestHead {
  method: string
  scheme: 'http' | 'https'
  /** `:authority` or Host: host, or host:port, as received. Empty only for HTTP/1.0 without Host. */
  authority: string
  /** Origin form, query included; `*` for OPTIONS; null for CONNECT. */
  path: string | null
  readonly protocol: Protocol
  /** Protocol asked for: the HTTP/1.1 Upgrade token in lower case, or RFC 8441 `:protocol`. Null: none. */
  upgrade: string | null
  /** `TE: trailers` was there (gRPC needs it passed on). */
  readonly trailersAccepted: boolean
  /** The target came in absolute form (RFC 9112 section 3.2.2): the caller takes us for its forward proxy. */
  readonly isAbsoluteForm: boolean
  readonly headers: Fields
}

/** A final response's head. 1xx heads travel apart, through `informational`. */
export interface ResponseHead {
  status: number
  readonly headers: Fields
}

/** A head that may be changed without the first one seeing it: each attempt gets its own. */
export function copyRequestHead(head: RequestHead): RequestHead {
  return {
    method: head.method,
    scheme: head.scheme,
    authority: head.authority,
    path: head.path,
    protocol: head.protocol,
    upgrade: head.upgrade,
    trailersAccepted: head.trailersAccepted,
    isAbsoluteForm: head.isAbsoluteForm,
    headers: head.headers.copy(),
  }
}
