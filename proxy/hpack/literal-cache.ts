/** Places of one cache. */
const PLACES = 2_048
/** Longer literals are read anew each time. */
const MAX_CACHED_LITERAL = 96

/**
 * What strings came to when they were last read, by their octets as they stood on the wire: a string that was met before is neither decoded nor
 * checked nor made again. Each has its one place; a new one takes it from the old, but only when it comes for the second time: what is different in
 * each request would turn the whole cache over, and make the collector work for it.
 */
export class LiteralCache<T> {
  readonly #octets = new Uint8Array(PLACES * MAX_CACHED_LITERAL)
  readonly #lengths = new Uint8Array(PLACES)
  readonly #scopes: (string | null)[] = new Array(PLACES).fill(null)
  readonly #flags = new Uint16Array(PLACES)
  readonly #results: (T | null)[] = new Array(PLACES).fill(null)
  /** Hash of the string that last missed at each place. */
  readonly #missed = new Int32Array(PLACES)
  #place = -1

  /**
   * What `octets[start..end)` came to, or null. @param scope what it belongs to, such as the field's name. @param flags what else tells two apart.
   */
  find(scope: string, flags: number, octets: Uint8Array, start: number, end: number): T | null {
    const length = end - start
    this.#place = -1
    if (length > MAX_CACHED_LITERAL || length === 0) return null
    const hash = hashOf(scope, flags, octets, start, end)
    const place = hash & (PLACES - 1)
    if (this.#isKept(place, scope, flags, octets, start, length)) return this.#results[place] as T
    if (this.#missed[place] === hash) this.#place = place
    this.#missed[place] = hash
    return null
  }

  #isKept(place: number, scope: string, flags: number, octets: Uint8Array, start: number, length: number): boolean {
    if (this.#lengths[place] !== length || this.#flags[place] !== flags || this.#scopes[place] !== scope) return false
    const kept = this.#octets
    const from = place * MAX_CACHED_LITERAL
    for (let i = 0; i < length; i++) if (kept[from + i] !== octets[start + i]) return false
    return true
  }

  /** Keeps what the string of the last `find` came to, if it is worth it. */
  keep(scope: string, flags: number, octets: Uint8Array, start: number, end: number, result: T): void {
    const place = this.#place
    if (place === -1) return
    this.#lengths[place] = end - start
    this.#flags[place] = flags
    this.#scopes[place] = scope
    this.#results[place] = result
    const from = place * MAX_CACHED_LITERAL
    for (let i = start; i < end; i++) this.#octets[from + i - start] = octets[i] as number
  }
}

/** Twelve octets of each end: the comparison is exact, this only has to spread. */
function hashOf(scope: string, flags: number, octets: Uint8Array, start: number, end: number): number {
  let hash = ((end - start) << 9) ^ flags ^ (scope.length << 4) ^ (scope.length === 0 ? 0 : scope.charCodeAt(scope.length - 1))
  const head = Math.min(end, start + 12)
  for (let i = start; i < head; i++) hash = Math.imul(hash ^ (octets[i] as number), 16_777_619)
  for (let i = Math.max(head, end - 12); i < end; i++) hash = Math.imul(hash ^ (octets[i] as number), 16_777_619)
  return hash ^ (hash >>> 15)
}
