/** Words longer than this are cut before they are compared: nobody mistypes more, and the cost is quadratic. */
const MAX_COMPARED = 64

/** The known word that was probably meant: at most a third of its letters differ. Null: none is near. Case does not count. */
export function nearest(word: string, known: Iterable<string>): string | null {
  let best: string | null = null
  let bestDistance = Number.POSITIVE_INFINITY
  for (const candidate of known) {
    const distance = editDistance(word.slice(0, MAX_COMPARED).toLowerCase(), candidate.slice(0, MAX_COMPARED).toLowerCase())
    if (distance < bestDistance) {
      best = candidate
      bestDistance = distance
    }
  }
  if (best === null) return null
  return bestDistance <= Math.max(1, Math.floor(Math.max(word.length, best.length) / 3)) ? best : null
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
