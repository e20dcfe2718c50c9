import { MeshError } from '../errors.ts'

/**
 * Why a connection to an upstream was lost. UPSTREAM_CLOSED only where the peer may have closed before it saw the request: a connection that had
 * been kept alive, and no octet of a response.
 */
export function lostError(name: string, what: string, isIdle: boolean, isStale: boolean, isSilent: boolean): MeshError {
  if (isIdle) return new MeshError('UPSTREAM_CLOSED', `${name} ${what} while it was idle`)
  if (isStale) return new MeshError('UPSTREAM_CLOSED', `${name} ${what} that had been kept alive, before any octet of a response`)
  return new MeshError('UPSTREAM_RESET', `${name} ${what} ${isSilent ? 'before' : 'within'} its response`)
}

/** What the operating system says about the end of a connection. */
export function describeEnd(error: Error | null): string {
  return error === null ? 'closed the connection' : `failed (${(error as NodeJS.ErrnoException).code ?? error.message})`
}

/** @param what it sent, such as `a malformed status`. */
export function protocolError(name: string, what: string): MeshError {
  return new MeshError('UPSTREAM_PROTOCOL', `${name} sent ${what}`)
}
