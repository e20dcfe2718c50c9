/** What one request changes: names that have to be answered, whether or not they changed. */
export interface Asked {
  /** Newly asked for, or asked for again. */
  readonly names: readonly string[]
  /** Everything was asked for, for the first time or again. */
  readonly isWildcard: boolean
}

const NOTHING: Asked = { names: [], isWildcard: false }

/**
 * What one stream wants of one type.
 *
 * `*` asks for everything (explicit wildcard). For listeners and clusters a first request without any name does, too (legacy wildcard); it lasts, in
 * state-of-the-world, until a request names something, and in delta until `*` is unsubscribed. For other types no name means nothing.
 */
export class Subscription {
  readonly #names = new Set<string>()
  readonly #hasLegacyWildcard: boolean
  #isWildcard = false
  #isFirst = true

  /** @param hasLegacyWildcard the type is a listener or a cluster. */
  constructor(hasLegacyWildcard: boolean) {
    this.#hasLegacyWildcard = hasLegacyWildcard
  }

  get isWildcard(): boolean {
    return this.#isWildcard
  }

  /** Names asked for one by one. */
  get size(): number {
    return this.#names.size
  }

  wants(name: string): boolean {
    return this.#isWildcard || this.#names.has(name)
  }

  /** Asked for by its name, not only by the wildcard. */
  has(name: string): boolean {
    return this.#names.has(name)
  }

  /** Whether any of `names` was asked for by its name. */
  hasAny(names: readonly string[]): boolean {
    return names.some(name => this.#names.has(name))
  }

  /** A delta request: names are added and taken away. */
  change(subscribe: readonly string[], unsubscribe: readonly string[]): Asked {
    const isFirst = this.#isFirst
    this.#isFirst = false
    const asked: string[] = []
    let isWildcard = false
    for (const name of subscribe) {
      if (name === '*') isWildcard = true
      else {
        this.#names.add(name)
        asked.push(name)
      }
    }
    if (isFirst && subscribe.length === 0 && this.#hasLegacyWildcard) isWildcard = true
    if (isWildcard) this.#isWildcard = true
    for (const name of unsubscribe) {
      if (name === '*') this.#isWildcard = false
      // Under a wildcard it stays wanted, and its state has to be told again.
      else if (this.#names.delete(name) && this.#isWildcard) asked.push(name)
    }
    return { names: asked, isWildcard: isWildcard && this.#isWildcard }
  }

  /** A state-of-the-world request: these names, and no others. */
  replace(names: readonly string[]): Asked {
    const isFirst = this.#isFirst
    this.#isFirst = false
    const isLegacy = names.length === 0 && this.#hasLegacyWildcard && (isFirst || (this.#isWildcard && this.#names.size === 0))
    const wasWildcard = this.#isWildcard
    this.#isWildcard = isLegacy || names.includes('*')
    const wanted = new Set(names.filter(name => name !== '*'))
    const asked = [...wanted].filter(name => !this.#names.has(name))
    this.#names.clear()
    for (const name of wanted) this.#names.add(name)
    if (asked.length === 0 && (wasWildcard || !this.#isWildcard)) return NOTHING
    return { names: asked, isWildcard: this.#isWildcard && !wasWildcard }
  }
}
