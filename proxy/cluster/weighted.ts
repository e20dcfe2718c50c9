import { fraction, type Random } from '../util/random.ts'
import type { PooledHost } from './pool.ts'

/** Chooses among the hosts that are good, by weight: what a policy is. Allocates nothing. */
export type Choose = () => PooledHost

/** Whether all weights are equal, so that chance needs no table. */
export function areEqual(weights: readonly number[]): boolean {
  return weights.every(weight => weight === weights[0])
}

/**
 * Draws an index with the probability of its weight, in constant time: Vose's alias method. Each column is as wide as the others and holds at most two indexes.
 * @param weights at least one, each above 0.
 */
export class WeightedDraw {
  readonly #random: Random
  /** Below it the column's own index is drawn. */
  readonly #share: Float64Array
  readonly #alias: Int32Array

  constructor(weights: readonly number[], random: Random) {
    this.#random = random
    const count = weights.length
    const sum = weights.reduce((total, weight) => total + weight, 0)
    this.#share = Float64Array.from(weights, weight => (weight * count) / sum)
    this.#alias = Int32Array.from(weights, (_, index) => index)
    const small: number[] = []
    const large: number[] = []
    for (let i = 0; i < count; i++) ((this.#share[i] as number) < 1 ? small : large).push(i)
    while (small.length > 0 && large.length > 0) {
      const little = small.pop() as number
      const big = large.at(-1) as number
      this.#alias[little] = big
      this.#share[big] = (this.#share[big] as number) - (1 - (this.#share[little] as number))
      if ((this.#share[big] as number) < 1) small.push(large.pop() as number)
    }
    // What rounding has left over is a full column.
    for (const index of [...small, ...large]) this.#share[index] = 1
  }

  next(): number {
    const column = this.#random.uint32() % this.#share.length
    return fraction(this.#random) < (this.#share[column] as number) ? column : (this.#alias[column] as number)
  }
}
