import { fraction, type Random } from '../util/random.ts'
import type { WeightedCluster } from './route.ts'

/**
 * Chooses a cluster with the probability of its weight. Null: none has a weight, and the answer is 500 (Gateway API).
 * One whose `cluster` is empty is an invalid backendRef: its share is answered 500 too.
 */
export function chooseCluster(clusters: readonly WeightedCluster[], random: Random): WeightedCluster | null {
  const only = clusters[0]
  if (only !== undefined && clusters.length === 1) return only.weight > 0 ? only : null
  let total = 0
  for (const { weight } of clusters) total += weight
  if (total === 0) return null
  let rest = fraction(random) * total
  let last: WeightedCluster | null = null
  for (const cluster of clusters) {
    if (cluster.weight === 0) continue
    if (rest < cluster.weight) return cluster
    rest -= cluster.weight
    last = cluster
  }
  // Subtractions of large weights may round up to the last one's end.
  return last
}
