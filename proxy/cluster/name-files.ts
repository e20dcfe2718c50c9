import { readFile } from 'node:fs/promises'
import { isIP } from 'node:net'
import type { Clock } from '../util/clock.ts'

/** How long what was read is taken to be so: an edit is seen after this at the latest. */
const REREAD_MS = 5_000
/** Lines beyond it are not read: hosts files of ad blockers have a hundred thousand, no mesh has. */
const MAX_HOSTS = 100_000

/** What `resolv.conf` says of names; its servers are read by the DNS client itself. */
export interface SearchConfig {
  /** Appended in this order. */
  readonly search: readonly string[]
  /** A name with at least so many dots is tried as it stands first. */
  readonly ndots: number
}

/** Addresses by name, lower case, in the file's order (hosts(5)). */
export function parseHosts(text: string): ReadonlyMap<string, readonly string[]> {
  const names = new Map<string, string[]>()
  for (const line of text.split('\n', MAX_HOSTS)) {
    const [address, ...rest] = (line.split('#', 1)[0] as string).trim().split(/\s+/)
    if (address === undefined || isIP(address) === 0) continue
    for (const name of rest) {
      const known = names.get(name.toLowerCase())
      if (known === undefined) names.set(name.toLowerCase(), [address])
      else if (!known.includes(address)) known.push(address)
    }
  }
  return names
}

/** The last `search` or `domain` line counts (resolv.conf(5)). */
export function parseSearch(text: string): SearchConfig {
  let search: string[] = []
  let ndots = 1
  for (const line of text.split('\n')) {
    const [word, ...rest] = line.trim().split(/\s+/)
    if (word === 'search' || word === 'domain')
      search = rest.filter(each => each !== '.').map(each => each.toLowerCase().replace(/\.$/, ''))
    if (word !== 'options') continue
    const value = rest.find(each => /^ndots:\d+$/.test(each))
    if (value !== undefined) ndots = Math.min(Number(value.slice('ndots:'.length)), 15)
  }
  return { search, ndots }
}

/** Absolute names to ask for, in order. A trailing dot switches the search list off. */
export function searchOrder(name: string, config: SearchConfig): readonly string[] {
  if (name.endsWith('.')) return [name.slice(0, -1)]
  const appended = config.search.map(each => `${name}.${each}`)
  return name.split('.').length - 1 >= config.ndots ? [name, ...appended] : [...appended, name]
}

/** The machine's hosts file and search list, read again every few seconds. */
export class NameFiles {
  readonly #clock: Clock
  readonly #hostsPath: string
  readonly #resolvPath: string
  #hosts: ReadonlyMap<string, readonly string[]> = new Map()
  #search: SearchConfig = { search: [], ndots: 1 }
  #readAt = Number.NEGATIVE_INFINITY

  constructor(clock: Clock, hostsPath = '/etc/hosts', resolvPath = '/etc/resolv.conf') {
    this.#clock = clock
    this.#hostsPath = hostsPath
    this.#resolvPath = resolvPath
  }

  /** Addresses of the hosts file; null: it does not say. `localhost` and what lies below it is this machine in any case (RFC 6761 section 6.3). */
  async addresses(name: string): Promise<readonly string[] | null> {
    await this.#refresh()
    const known = this.#hosts.get(name) ?? null
    if (known !== null) return known
    return name === 'localhost' || name.endsWith('.localhost') ? ['127.0.0.1', '::1'] : null
  }

  async candidates(name: string): Promise<readonly string[]> {
    await this.#refresh()
    return searchOrder(name, this.#search)
  }

  /** A file that is not there says nothing. */
  async #refresh(): Promise<void> {
    const now = this.#clock.now()
    if (now - this.#readAt < REREAD_MS) return
    const [hosts, search] = await Promise.all([
      readFile(this.#hostsPath, 'utf8').catch(() => ''),
      readFile(this.#resolvPath, 'utf8').catch(() => ''),
    ])
    this.#hosts = parseHosts(hosts)
    this.#search = parseSearch(search)
    this.#readAt = now
  }
}
