import { mainPort } from './services.ts'
import type { ServiceEntry } from './tables.ts'

/** The names of a service without a port, as callers in `from` may write them. A short name means a service of the caller's own namespace. */
function names(service: ServiceEntry, from: string, trustDomain: string): string[] {
  const qualified = `${service.name}.${service.namespace}`.toLowerCase()
  const long = [qualified, `${qualified}.svc`, `${qualified}.svc.${trustDomain}`]
  return service.namespace === from ? [service.name.toLowerCase(), ...long] : long
}

/** Domains of one port: each name with the port, and without it where this is the port that a bare name means. */
export function portDomains(service: ServiceEntry, port: number, from: string, trustDomain: string): string[] {
  const isMain = port === mainPort(service)
  return names(service, from, trustDomain).flatMap(name => (isMain ? [name, `${name}:${port}`] : [`${name}:${port}`]))
}

/** Domains that catch every other port of a known name, so that it never falls through to DNS. */
export function otherPortDomains(service: ServiceEntry, from: string, trustDomain: string): string[] {
  return names(service, from, trustDomain).map(name => `${name}:*`)
}
