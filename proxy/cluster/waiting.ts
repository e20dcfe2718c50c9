import type { MeshError } from '../errors.ts'
import type { Connection } from '../http/message.ts'
import type { Cancellation } from '../util/cancellation.ts'

/** A request that waits for a connection. */
export class Waiter {
  readonly fresh: boolean
  /** Monotonic, ms. */
  readonly deadline: number
  next: Waiter | null = null
  previous: Waiter | null = null
  readonly #cancelled: Cancellation
  readonly #onCancel: (reason: MeshError) => void
  readonly #resolve: (connection: Connection) => void
  readonly #reject: (error: MeshError) => void

  /** @param left is called when the request was given up; it takes the waiter out of its queue. */
  constructor(
    fresh: boolean,
    deadline: number,
    cancelled: Cancellation,
    settle: { resolve(connection: Connection): void; reject(error: MeshError): void },
    left: (waiter: Waiter) => void,
  ) {
    this.fresh = fresh
    this.deadline = deadline
    this.#cancelled = cancelled
    this.#resolve = settle.resolve
    this.#reject = settle.reject
    this.#onCancel = reason => {
      left(this)
      this.#reject(reason)
    }
    cancelled.on(this.#onCancel)
  }

  serve(connection: Connection): void {
    this.#cancelled.off(this.#onCancel)
    this.#resolve(connection)
  }

  fail(error: MeshError): void {
    this.#cancelled.off(this.#onCancel)
    this.#reject(error)
  }
}

/** Who waits, first come first served. A list that any of them can leave at no cost, because callers hang up. */
export class WaitingQueue {
  size = 0
  #first: Waiter | null = null
  #last: Waiter | null = null

  get first(): Waiter | null {
    return this.#first
  }

  push(waiter: Waiter): void {
    waiter.previous = this.#last
    if (this.#last === null) this.#first = waiter
    else this.#last.next = waiter
    this.#last = waiter
    this.size++
  }

  /** Takes the first one that such a connection suits; null: none. */
  take(isReused: boolean): Waiter | null {
    for (let waiter = this.#first; waiter !== null; waiter = waiter.next) {
      if (isReused && waiter.fresh) continue
      this.remove(waiter)
      return waiter
    }
    return null
  }

  remove(waiter: Waiter): void {
    if (waiter.previous === null) this.#first = waiter.next
    else waiter.previous.next = waiter.next
    if (waiter.next === null) this.#last = waiter.previous
    else waiter.next.previous = waiter.previous
    waiter.next = waiter.previous = null
    this.size--
  }
}
