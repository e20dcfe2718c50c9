/** Words longer than this have no nearest one: nobody mistypes them, and the cost is quadratic. */
const MAX_COMPARED = 64

/** The known word that was probably meant: at most a third of its letters differ. Null: none is near. Case does not count. */
export function nearest(word: string, known: Iterable<string>): string | null {
  if (word.length > MAX_COMPARED) return null
  const wanted = word.toLowerCase()
  let best: string | null = null
  let bestDistance = Number.POSITIVE_INFINITY
  for (const candidate of known) {
    const limit = Math.min(bestDistance - 1, Math.max(1, Math.floor(Math.max(word.length, candidate.length) / 3)))
    // Lengths that differ by more need more changes than that: most candidates cost nothing.
    if (Math.abs(candidate.length - word.length) > limit) continue
    const distance = editDistance(wanted, candidate.toLowerCase())
    if (distance > limit) continue
    best = candidate
    bestDistance = distance
  }
  return best
}

/** How many letters must be added, removed, changed or swapped with their neighbour (optimal string alignment). */
export function editDistance(from: string, to: string): number {
  let beforeLast: number[] = []
  let last = Array.from({ length: to.length + 1 }, (_, index) => index)
  for (let i = 1; i <= from.length; i++) {
    const row = [i]
    for (let j = 1; j <= to.length; j++) row.push(cost(from, to, i, j, row, last, beforeLast))
    beforeLast = last
    last = row
  }
  return last[to.length] ?? 0
}

function cost(from: string, to: string, i: number, j: number, row: number[], last: number[], beforeLast: number[]): number {
  const isSame = from[i - 1] === to[j - 1]
  const least = Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (last[j - 1] ?? 0) + (isSame ? 0 : 1))
  const isSwapped = i > 1 && j > 1 && from[i - 1] === to[j - 2] && from[i - 2] === to[j - 1]
  return isSwapped ? Math.min(least, (beforeLast[j - 2] ?? 0) + 1) : least
}
