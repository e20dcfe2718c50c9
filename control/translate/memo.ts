interface Entry<T> {
  readonly inputs: readonly unknown[]
  readonly value: T
  turn: number
}

/**
 * Remembers the last value made for each key and gives the same object again while the inputs are the same objects. This is what makes translation
 * incremental: each step stays a pure function of its inputs, and what did not change is neither computed nor encoded again.
 */
export class Memo<T> {
  readonly #entries = new Map<string, Entry<T>>()
  #turn = 0

  /** Remembered values. */
  get size(): number {
    return this.#entries.size
  }

  /** @param inputs all that `make` reads; compared one by one with `===`. */
  get(key: string, inputs: readonly unknown[], make: () => T): T {
    const entry = this.#entries.get(key)
    if (entry !== undefined && isSame(entry.inputs, inputs)) {
      entry.turn = this.#turn
      return entry.value
    }
    const value = make()
    this.#entries.set(key, { inputs, value, turn: this.#turn })
    return value
  }

  /** What was made last for `key`, whatever from. */
  peek(key: string): T | undefined {
    return this.#entries.get(key)?.value
  }

  /** Forgets what was not asked for since the last sweep, so that the memory holds one model and no history. */
  sweep(): void {
    for (const [key, entry] of this.#entries) if (entry.turn !== this.#turn) this.#entries.delete(key)
    this.#turn++
  }
}

/** Lists with the same members in the same order. */
export function isSame(a: readonly unknown[], b: readonly unknown[]): boolean {
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}
