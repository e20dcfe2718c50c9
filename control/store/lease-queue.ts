/** One lease's next state, and who waits for it to be on disk. */
interface Waiting<Value> {
  value: Value
  readonly resolve: (() => void)[]
  readonly reject: ((error: unknown) => void)[]
}

/**
 * Joins what is written within one turn of the event loop into one transaction: a thousand sidecars that come back together cost a few
 * waits for the disk, not a thousand. Of one key the last value counts, so the queue is no longer than there are keys.
 */
export class LeaseQueue<Value> {
  readonly #write: (batch: ReadonlyMap<string, Value>) => void
  #waiting = new Map<string, Waiting<Value>>()

  /** @param write puts a batch on disk, whole or not at all; throws if it cannot. */
  constructor(write: (batch: ReadonlyMap<string, Value>) => void) {
    this.#write = write
  }

  /** Resolves once `value`, or a later one of the same key, is on disk. */
  put(key: string, value: Value): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#waiting.size === 0) setImmediate(() => this.flush())
      const waiting = this.#waiting.get(key)
      if (waiting === undefined) this.#waiting.set(key, { value, resolve: [resolve], reject: [reject] })
      else {
        waiting.value = value
        waiting.resolve.push(resolve)
        waiting.reject.push(reject)
      }
    })
  }

  /** The value that waits under this key; undefined: none does. */
  pending(key: string): Value | undefined {
    return this.#waiting.get(key)?.value
  }

  /** All that waits. */
  *entries(): Generator<readonly [string, Value]> {
    for (const [key, { value }] of this.#waiting) yield [key, value]
  }

  /** Writes what waits. */
  flush(): void {
    if (this.#waiting.size === 0) return
    const batch = this.#waiting
    this.#waiting = new Map()
    try {
      this.#write(new Map([...batch].map(([key, { value }]) => [key, value])))
    } catch (error) {
      for (const { reject } of batch.values()) for (const tell of reject) tell(error)
      return
    }
    for (const { resolve } of batch.values()) for (const tell of resolve) tell()
  }
}
