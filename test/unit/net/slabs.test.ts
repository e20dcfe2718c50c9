import t from 'tap'
import { cutChunk, cutPart, giveBack, isSlabFree, leaveSlab, SLAB_BYTES, takeSlab } from '../../../proxy/net/slabs.ts'

t.test('a slab is free again once all of its chunks were given back, in any order', async t => {
  const slab = takeSlab()
  t.equal(slab.length, SLAB_BYTES)
  t.ok(isSlabFree(slab))
  const [first, second] = [cutChunk(slab, 0, 10), cutChunk(slab, 10, 20)]
  giveBack(second)
  t.notOk(isSlabFree(slab))
  giveBack(first)
  t.ok(isSlabFree(slab))
})

t.test('giving back twice, or a part of a chunk, is of no effect', async t => {
  const slab = takeSlab()
  const [first, second] = [cutChunk(slab, 0, 10), cutChunk(slab, 10, 20)]
  giveBack(first)
  giveBack(first)
  giveBack(second.subarray(1))
  t.notOk(isSlabFree(slab))
  giveBack(second)
  t.ok(isSlabFree(slab))
})

t.test('a slab that its reader has left is read into by the next one, but not before its chunks were given back', async t => {
  const slab = takeSlab()
  const chunk = cutChunk(slab, 0, 10)
  leaveSlab(slab)
  const other = takeSlab()
  t.not(other, slab)
  giveBack(chunk)
  t.equal(takeSlab(), slab)
})

t.test('other buffers are cut and given back without notice', async t => {
  const octets = Buffer.from('octets')
  t.equal(cutChunk(octets, 0, 3).toString(), 'oct')
  giveBack(octets)
  t.notOk(isSlabFree(octets))
})

t.test('parts of a chunk are given back each on its own, and the chunk too', async t => {
  const slab = takeSlab()
  const chunk = cutChunk(slab, 0, 100)
  const parts = [cutPart(chunk, 0, 60), cutPart(chunk, 60, 100)] as const
  t.equal(parts[1].length, 40)
  giveBack(chunk)
  giveBack(parts[1])
  t.notOk(isSlabFree(slab))
  giveBack(parts[0])
  t.ok(isSlabFree(slab))
  t.equal(cutPart(Buffer.from('octets'), 1, 3).toString(), 'ct', 'of other buffers too')
})
