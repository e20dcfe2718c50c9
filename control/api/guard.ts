import type { IncomingMessage } from 'node:http'
import type { Address } from './options.ts'
import { ProblemError } from './problem.ts'

const LOOPBACK = new Set(['localhost', '127.0.0.1', '::1'])

/** True for an address that only this machine reaches. */
export function isLoopback(host: string): boolean {
  const plain = host.toLowerCase()
  return plain === 'localhost' || plain === '::1' || /^127(\.\d{1,3}){3}$/.test(plain) || /^::ffff:127(\.\d{1,3}){3}$/.test(plain)
}

/**
 * Refuses what a web page could have sent. The port is on loopback, so any page in a browser on this machine reaches it: by a form or script
 * (Origin and Sec-Fetch-Site tell), or after a DNS answer that turned the page's own name into 127.0.0.1 (Host tells). The page's names are
 * never ours: only loopback's, and the literal address that the listener is bound to.
 */
export function guard(request: Pick<IncomingMessage, 'headers'>, bound: Address): void {
  const host = hostOf(request.headers.host ?? '')
  if (host === null || !isOwn(host, bound)) {
    throw new ProblemError(
      403,
      `Host ${JSON.stringify(request.headers.host ?? '')} is not this control plane; call it as localhost or by its address`,
    )
  }
  const { origin } = request.headers
  if (origin !== undefined) {
    const from = /^https?:\/\/(.+)$/i.exec(origin)?.[1]
    const name = from === undefined ? null : hostOf(from)
    if (name === null || !isOwn(name, bound)) throw new ProblemError(403, `Origin ${JSON.stringify(origin)} may not use the control API`)
  }
  if (request.headers['sec-fetch-site'] === 'cross-site') throw new ProblemError(403, 'another site may not use the control API')
}

function isOwn(host: string, bound: Address): boolean {
  if (LOOPBACK.has(host) || host === bound.host.toLowerCase()) return true
  // A wildcard is reached by every address of the machine, never by a name that a page could own.
  const isWildcard = bound.host === '0.0.0.0' || bound.host === '::'
  return isWildcard && (/^\d{1,3}(\.\d{1,3}){3}$/.test(host) || host.includes(':'))
}

/** Host of HOST[:PORT], without the brackets of IPv6, in lower case; null when it is neither. */
function hostOf(authority: string): string | null {
  const match = /^(?:\[([0-9a-f:.]+)\]|([a-z0-9._-]+))(?::\d{1,5})?$/.exec(authority.toLowerCase())
  return match?.[1] ?? match?.[2] ?? null
}
