/** Octets of one read of a streamed body. */
export const SLAB_BYTES = 65_536
/** Slabs kept for reuse: 4 MiB in all. A new one costs ten times what reading into a used one does: its pages are not mapped yet, and the collector works for it. */
const MAX_POOLED = 64

/** A read buffer with the number of its chunks that are still on their way. */
class Slab {
  readonly octets: Buffer = Buffer.allocUnsafeSlow(SLAB_BYTES)
  lent = 0
}

const pool: Slab[] = []
/** Both are weak: a chunk that somebody drops takes its slab with it, and the pool makes another. */
const slabs = new WeakMap<Buffer, Slab>()
const lenders = new WeakMap<Buffer, Slab>()

/** A buffer to read a streamed body into. */
export function takeSlab(): Buffer {
  const slab = pool.pop() ?? new Slab()
  slabs.set(slab.octets, slab)
  return slab.octets
}

/** Who read into it reads into it no more. */
export function leaveSlab(octets: Buffer): void {
  const slab = slabs.get(octets)
  if (slab === undefined) return
  slabs.delete(octets)
  recycle(slab)
}

/** No chunk of it is on its way: it may be read into again. */
export function isSlabFree(octets: Buffer): boolean {
  return slabs.get(octets)?.lent === 0
}

/** `octets[start..end)` as a chunk for a sink. Of a slab it is lent: whoever has used it up says so by `giveBack`. */
export function cutChunk(octets: Buffer, start: number, end: number): Buffer {
  const chunk = octets.subarray(start, end)
  const slab = slabs.get(octets)
  if (slab !== undefined) {
    slab.lent++
    lenders.set(chunk, slab)
  }
  return chunk
}

/** A part of a chunk that is given back on its own, as the chunk still has to be. */
export function cutPart(chunk: Buffer, start: number, end: number): Buffer {
  const part = chunk.subarray(start, end)
  const slab = lenders.get(chunk)
  if (slab !== undefined) {
    slab.lent++
    lenders.set(part, slab)
  }
  return part
}

/** The octets of `chunk` were used up, and nobody else has it. Copies of chunks, and what was given back already, are of no effect. */
export function giveBack(chunk: Buffer): void {
  const slab = lenders.get(chunk)
  if (slab === undefined) return
  lenders.delete(chunk)
  slab.lent--
  recycle(slab)
}

function recycle(slab: Slab): void {
  if (slab.lent === 0 && !slabs.has(slab.octets) && pool.length < MAX_POOLED) pool.push(slab)
}
