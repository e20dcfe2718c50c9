import { MeshError } from '../errors.ts'
import type { Filter } from './exchange.ts'

/**
 * Keeps inbound from being an open proxy: CONNECT is refused, and so is an absolute form (RFC 9112 section 3.2.2) whose host is not a name of
 * this service. Origin form passes whatever Host says, because nothing but the app is dialled.
 */
export function target(isOwnName: (authority: string) => boolean): Filter {
  return next => (exchange, attempt) => {
    const { head } = exchange.incoming
    if (head.method === 'CONNECT') throw new MeshError('FORBIDDEN_TARGET', `CONNECT ${head.authority} to inbound`)
    if (head.isAbsoluteForm && !isOwnName(head.authority)) throw new MeshError('FORBIDDEN_TARGET', `${head.authority} is not this service`)
    return next(exchange, attempt)
  }
}

/** Tells a service's own names, in all spellings and with any port, from others. */
export function ownNames(service: string, namespace: string): (authority: string) => boolean {
  const names = new Set(
    [service, ...['', '.svc', '.svc.cluster.local'].map(suffix => `${service}.${namespace}${suffix}`)].map(name => name.toLowerCase()),
  )
  return authority => names.has(authority.toLowerCase().replace(/:\d+$/, ''))
}
