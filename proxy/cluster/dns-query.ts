import { promises } from 'node:dns'
import { isIP } from 'node:net'

/** What a name server says of one name and family. */
export type DnsRecords =
  | { readonly kind: 'found'; readonly records: readonly { readonly address: string; readonly ttlMs: number }[] }
  /** NXDOMAIN, or no such record (NODATA). */
  | { readonly kind: 'absent'; readonly reason: string }
  /** SERVFAIL, REFUSED, no answer in time: nothing was learned. */
  | { readonly kind: 'failed'; readonly reason: string }

/** Asks once; never rejects. Names are absolute. */
export type DnsQuery = (name: string, family: 4 | 6) => Promise<DnsRecords>

/** Of one datagram; it is sent twice. Most servers answer in milliseconds. */
const TRY_MS = 1_000
const TRIES = 2

const ABSENT: ReadonlySet<string> = new Set(['ENOTFOUND', 'ENODATA', 'EBADNAME'])

/**
 * Queries by Node's own DNS client, which does not block a thread as `lookup` does.
 * @param server `HOST:PORT` with an IP address (`[::1]:53`); null: those of the machine. Throws a TypeError on a malformed one.
 */
export function dnsQuery(server: string | null): DnsQuery {
  const resolver = new promises.Resolver({ timeout: TRY_MS, tries: TRIES })
  if (server !== null) resolver.setServers([server])
  return async (name, family) => {
    try {
      const answers = await (family === 4 ? resolver.resolve4(name, { ttl: true }) : resolver.resolve6(name, { ttl: true }))
      const records = answers.filter(each => isIP(each.address) === family).map(each => ({ address: each.address, ttlMs: each.ttl * 1000 }))
      return records.length === 0 ? { kind: 'absent', reason: 'ENODATA' } : { kind: 'found', records }
    } catch (error) {
      const reason = (error as NodeJS.ErrnoException).code ?? String(error)
      return { kind: ABSENT.has(reason) ? 'absent' : 'failed', reason }
    }
  }
}
