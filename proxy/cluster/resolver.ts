import { isIP } from 'node:net'
import type { Counters } from '../util/counters.ts'
import type { Timers } from '../util/timers.ts'
import type { DnsQuery, DnsRecords } from './dns-query.ts'

/** A TTL of 0 would ask for each request; a day would outlive every failover. */
export const MIN_TTL_MS = 5_000
export const MAX_TTL_MS = 300_000
/** How long a name without any answer is not asked for again: short, for whoever has just repaired it. */
export const NEGATIVE_TTL_MS = 1_000
/** Of one look-up, all names of the search list together. */
export const LOOKUP_DEADLINE_MS = 5_000
/** A name that had addresses is gone only when this many answers in a row say so: name servers that restart deny everything for a moment. */
export const ABSENCES = 3
/** Names that are remembered; the one that was asked for longest ago goes first. More than a sidecar's app calls. */
export const MAX_NAMES = 1_024
/** Look-ups at once: a crawler's burst must not become a flood at the name server. */
export const MAX_LOOKUPS = 256

/** What is known of a name. `ttlMs` is how long that holds from now. */
export type Resolution =
  | { readonly kind: 'found'; readonly addresses: readonly string[]; readonly ttlMs: number }
  /** The name does not exist, or has no address. */
  | { readonly kind: 'absent'; readonly reason: string; readonly ttlMs: number }
  /** Nobody could say. */
  | { readonly kind: 'failed'; readonly reason: string; readonly ttlMs: number }

/** Where names beside DNS come from: the hosts file and the search list. */
export interface Names {
  addresses(name: string): Promise<readonly string[] | null>
  candidates(name: string): Promise<readonly string[]>
}

interface Entry {
  /** The last good answer, kept as long as nobody contradicts it. */
  good: readonly string[] | null
  absences: number
  last: Resolution
  expiresAt: number
  inFlight: Promise<Resolution> | null
}

/** Names to addresses for all clusters of the process: equal look-ups are joined, good answers kept. IPv4 addresses come first. */
export class Resolver {
  readonly #names: Names
  readonly #query: DnsQuery
  readonly #timers: Timers
  readonly #counters: Counters
  readonly #entries = new Map<string, Entry>()
  #lookups = 0

  constructor(names: Names, query: DnsQuery, timers: Timers, counters: Counters) {
    this.#names = names
    this.#query = query
    this.#timers = timers
    this.#counters = counters
  }

  /** Names that are remembered. */
  get size(): number {
    return this.#entries.size
  }

  /** Never rejects. An IP address is its own answer. */
  resolve(host: string): Promise<Resolution> {
    if (isIP(host) !== 0) return Promise.resolve({ kind: 'found', addresses: [host], ttlMs: MAX_TTL_MS })
    const name = host.toLowerCase()
    const entry = this.#entryOf(name)
    if (entry.inFlight !== null) return entry.inFlight
    const leftMs = entry.expiresAt - this.#timers.clock.now()
    if (leftMs > 0) return Promise.resolve({ ...entry.last, ttlMs: leftMs })
    if (this.#lookups >= MAX_LOOKUPS) {
      this.#counters.add('dns_lookups_overflow')
      return Promise.resolve(this.#stale(entry, `${MAX_LOOKUPS} look-ups are under way`))
    }
    entry.inFlight = this.#refresh(name, entry)
    return entry.inFlight
  }

  #entryOf(name: string): Entry {
    const known = this.#entries.get(name)
    if (known !== undefined) {
      this.#entries.delete(name)
      this.#entries.set(name, known)
      return known
    }
    if (this.#entries.size >= MAX_NAMES) {
      this.#counters.add('dns_names_evicted')
      const [oldest] = this.#entries.keys()
      if (oldest !== undefined) this.#entries.delete(oldest)
    }
    const none: Resolution = { kind: 'failed', reason: 'never asked', ttlMs: 0 }
    const entry: Entry = { good: null, absences: 0, last: none, expiresAt: 0, inFlight: null }
    this.#entries.set(name, entry)
    return entry
  }

  async #refresh(name: string, entry: Entry): Promise<Resolution> {
    this.#lookups++
    const answer = await this.#withDeadline(name)
    this.#lookups--
    entry.inFlight = null
    entry.last = this.#judge(entry, answer)
    entry.expiresAt = this.#timers.clock.now() + entry.last.ttlMs
    return entry.last
  }

  /** Weighs an answer against the last good one. */
  #judge(entry: Entry, answer: Resolution): Resolution {
    if (answer.kind === 'found') {
      entry.good = answer.addresses
      entry.absences = 0
      return answer
    }
    this.#counters.add('dns_failures')
    if (answer.kind === 'failed') return this.#stale(entry, answer.reason)
    entry.absences++
    if (entry.good !== null && entry.absences < ABSENCES) return this.#stale(entry, answer.reason)
    entry.good = null
    return answer
  }

  #stale(entry: Entry, reason: string): Resolution {
    if (entry.good === null) return { kind: 'failed', reason, ttlMs: NEGATIVE_TTL_MS }
    this.#counters.add('dns_stale_answers')
    return { kind: 'found', addresses: entry.good, ttlMs: MIN_TTL_MS }
  }

  #withDeadline(name: string): Promise<Resolution> {
    return new Promise(resolve => {
      const failed = (reason: string) => resolve({ kind: 'failed', reason, ttlMs: NEGATIVE_TTL_MS })
      const timer = this.#timers.timer(() => failed(`no answer in ${LOOKUP_DEADLINE_MS} ms`))
      timer.arm(LOOKUP_DEADLINE_MS)
      this.#lookUp(name)
        .then(resolve, error => failed(String(error)))
        .finally(() => timer.disarm())
    })
  }

  async #lookUp(name: string): Promise<Resolution> {
    const listed = await this.#names.addresses(name)
    if (listed !== null) return { kind: 'found', addresses: sorted(listed), ttlMs: MIN_TTL_MS }
    let failure: string | null = null
    let absence = 'ENOTFOUND'
    for (const candidate of await this.#names.candidates(name)) {
      this.#counters.add('dns_queries', 2)
      const answer = joined(await Promise.all([this.#query(candidate, 4), this.#query(candidate, 6)]))
      if (answer.kind === 'found') return answer
      if (answer.kind === 'failed') failure = answer.reason
      else absence = answer.reason
    }
    if (failure !== null) return { kind: 'failed', reason: failure, ttlMs: NEGATIVE_TTL_MS }
    return { kind: 'absent', reason: absence, ttlMs: NEGATIVE_TTL_MS }
  }
}

/** One family is enough: many servers answer AAAA with errors. */
function joined(answers: readonly DnsRecords[]): Resolution {
  const records = answers.flatMap(answer => (answer.kind === 'found' ? answer.records : []))
  if (records.length > 0) {
    const ttlMs = records.reduce((least, record) => Math.min(least, record.ttlMs), MAX_TTL_MS)
    return { kind: 'found', addresses: records.map(record => record.address), ttlMs: Math.max(ttlMs, MIN_TTL_MS) }
  }
  const failed = answers.find(answer => answer.kind === 'failed') ?? answers[0]
  const reason = failed === undefined || failed.kind === 'found' ? 'ENODATA' : failed.reason
  return { kind: failed?.kind === 'failed' ? 'failed' : 'absent', reason, ttlMs: NEGATIVE_TTL_MS }
}

/** IPv4 first, else as they come. */
function sorted(addresses: readonly string[]): readonly string[] {
  return [...addresses].sort((one, other) => isIP(one) - isIP(other))
}
