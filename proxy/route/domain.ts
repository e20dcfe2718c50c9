/** How a domain matched, from the strongest to the weakest. */
export type DomainKind = 'exact' | 'suffix' | 'prefix' | 'any'

/** One domain and whose it is. */
export interface DomainEntry<T> {
  readonly host: T
  /** As it was written. */
  readonly domain: string
  readonly kind: DomainKind
}

/**
 * Finds whose an authority is, in Envoy's order: exact, then the longest suffix (`*.x`), then the longest prefix (`x:*`), then `*`.
 * A star stands for at least one character. Of two equal domains the first counts. The port is part of the comparison, as in Envoy.
 */
export class DomainTable<T extends { readonly domains: readonly string[] }> {
  readonly #exact = new Map<string, DomainEntry<T>>()
  readonly #suffixes = new Map<string, DomainEntry<T>>()
  readonly #prefixes = new Map<string, DomainEntry<T>>()
  /** Longest first. */
  readonly #suffixLengths: readonly number[]
  readonly #prefixLengths: readonly number[]
  #any: DomainEntry<T> | null = null
  /** A connection's requests mostly name one authority. */
  #lastAuthority = ''
  #last: DomainEntry<T> | null = null

  constructor(hosts: readonly T[]) {
    for (const host of hosts) for (const domain of host.domains) this.#add(host, domain)
    this.#suffixLengths = lengths(this.#suffixes)
    this.#prefixLengths = lengths(this.#prefixes)
    this.#last = this.#search('')
  }

  /** @param authority host, or host and port, as received. */
  find(authority: string): DomainEntry<T> | null {
    if (authority === this.#lastAuthority) return this.#last
    const found = this.#exact.get(authority) ?? this.#search(normaliseAuthority(authority))
    this.#lastAuthority = authority
    this.#last = found
    return found
  }

  #search(authority: string): DomainEntry<T> | null {
    const exact = this.#exact.get(authority)
    if (exact !== undefined) return exact
    for (const length of this.#suffixLengths) {
      if (length >= authority.length) continue
      const entry = this.#suffixes.get(authority.slice(authority.length - length))
      if (entry !== undefined) return entry
    }
    for (const length of this.#prefixLengths) {
      if (length >= authority.length) continue
      const entry = this.#prefixes.get(authority.slice(0, length))
      if (entry !== undefined) return entry
    }
    return this.#any
  }

  #add(host: T, domain: string): void {
    const text = domain.toLowerCase()
    if (text === '*') this.#any ??= { host, domain, kind: 'any' }
    else if (text.startsWith('*')) addFirst(this.#suffixes, text.slice(1), { host, domain, kind: 'suffix' })
    else if (text.endsWith('*')) addFirst(this.#prefixes, text.slice(0, -1), { host, domain, kind: 'prefix' })
    else addFirst(this.#exact, normaliseAuthority(text), { host, domain, kind: 'exact' })
  }
}

/** Lower case, without the dot that ends a fully qualified name (RFC 1034 section 3.1) and without an empty port (RFC 3986 section 6.2.3). */
export function normaliseAuthority(authority: string): string {
  const lower = authority.toLowerCase()
  const colon = lower.lastIndexOf(':')
  const hasPort = colon > lower.lastIndexOf(']') && colon !== -1
  const host = hasPort ? lower.slice(0, colon) : lower
  const port = hasPort ? lower.slice(colon) : ''
  const bare = host.length > 1 && host.endsWith('.') ? host.slice(0, -1) : host
  return port === ':' || port === '' ? bare : bare + port
}

function addFirst<T>(table: Map<string, T>, key: string, entry: T): void {
  if (!table.has(key)) table.set(key, entry)
}

function lengths(table: ReadonlyMap<string, unknown>): number[] {
  return [...new Set([...table.keys()].map(key => key.length))].sort((a, b) => b - a)
}
