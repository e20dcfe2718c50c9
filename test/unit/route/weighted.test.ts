import t from 'tap'
import type { WeightedCluster } from '../../../proxy/route/route.ts'
import { chooseCluster } from '../../../proxy/route/weighted.ts'
import { numbers } from './make.ts'

const clusters = (...weights: number[]): WeightedCluster[] =>
  weights.map((weight, index) => ({ cluster: `c${index}`, weight, modifiers: null }))
const at = (fraction: number) => ({ uint32: () => Math.min(0xffffffff, Math.floor(fraction * 2 ** 32)) })

t.test('a cluster is chosen by its share of all weights', async t => {
  const split = clusters(90, 10)
  t.equal(chooseCluster(split, at(0))?.cluster, 'c0')
  t.equal(chooseCluster(split, at(0.8999))?.cluster, 'c0')
  t.equal(chooseCluster(split, at(0.9001))?.cluster, 'c1')
  t.equal(chooseCluster(split, at(1))?.cluster, 'c1')
})

t.test('over many requests the shares come out', async t => {
  const random = numbers(6)
  const split = clusters(70, 30, 0)
  const counts = [0, 0, 0]
  for (let i = 0; i < 100_000; i++) counts[split.indexOf(chooseCluster(split, random)!)]!++
  t.ok(Math.abs(counts[0]! - 70_000) < 1_000, `${counts}`)
  t.equal(counts[2], 0, 'a weight of zero gets nothing')
})

t.test('one cluster needs no random number', async t => {
  const never = {
    uint32() {
      throw new Error('asked')
    },
  }
  t.equal(chooseCluster(clusters(1), never)?.cluster, 'c0')
})

t.test('zero weights are passed over, first and last', async t => {
  const split = clusters(0, 1, 0)
  for (const fraction of [0, 0.5, 1]) t.equal(chooseCluster(split, at(fraction))?.cluster, 'c1')
})

t.test('without any weight there is none, and the answer is 500', async t => {
  t.equal(chooseCluster([], at(0)), null)
  t.equal(chooseCluster(clusters(0), at(0)), null)
  t.equal(chooseCluster(clusters(0, 0), at(0)), null)
})
