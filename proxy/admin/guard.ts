import type { IncomingMessage } from 'node:http'

/** Names that a loopback listener may be called by. */
const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]', '::1'])

/**
 * Why a request to the admin port is refused; null when it is not.
 *
 * The port is on loopback, so any web page in the user's browser can reach it: by a plain form (Origin tells, or
 * Sec-Fetch-Site), or after a DNS answer that turns the page's own name into 127.0.0.1 (Host tells). Neither may change or
 * read anything.
 *
 * @param ownAddress what the listener is bound to: an operator who bound it elsewhere calls it by that address.
 */
export function refusal(request: IncomingMessage, ownAddress: string): string | null {
  const host = hostOf(request.headers.host ?? '')
  if (!isOwnName(host, ownAddress))
    return `Host ${JSON.stringify(request.headers.host ?? '')} is not this sidecar; call it as localhost or by its address`
  const { origin } = request.headers
  if (origin !== undefined && !isOwnOrigin(origin, ownAddress)) return `Origin ${JSON.stringify(origin)} may not use this port`
  if (request.headers['sec-fetch-site'] === 'cross-site') return 'another site may not use this port'
  return null
}

function isOwnName(host: string, ownAddress: string): boolean {
  if (LOOPBACK.has(host)) return true
  // A wildcard bind is called by whatever address the machine has: any literal address, but never a name.
  if (ownAddress === '0.0.0.0' || ownAddress === '::') return /^\[?[0-9a-f:.]+\]?$/.test(host) && /[.:]/.test(host)
  return host === ownAddress || host === `[${ownAddress}]`
}

function isOwnOrigin(origin: string, ownAddress: string): boolean {
  const match = /^https?:\/\/(.+)$/.exec(origin)
  return match !== null && isOwnName(hostOf(match[1] ?? ''), ownAddress)
}

function hostOf(authority: string): string {
  return authority.toLowerCase().replace(/:\d+$/, '')
}
