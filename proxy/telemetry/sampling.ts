/**
 * Whether a request that nobody has decided about is recorded. Its id decides, so that all hops that it passes decide alike without a field that says so,
 * and nothing has to be added to what is not recorded. Envoy derives it from the request id, too.
 *
 * @param percent 0 to 100.
 */
export function isChosen(requestId: string, percent: number): boolean {
  return hash(requestId) < percent * (0x1_0000_0000 / 100)
}

/** FNV-1a, then the finish of MurmurHash3, without which short texts would differ only in the low bits. 32 bits, unsigned. */
function hash(text: string): number {
  let h = 0x811c9dc5
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193)
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return (h ^ (h >>> 16)) >>> 0
}
