import t from 'tap'
import { newRequestId } from '../../../proxy/http/request-id.ts'
import { isChosen } from '../../../proxy/telemetry/sampling.ts'
import { seededRandom } from '../../../proxy/util/random.ts'

const COUNT = 50_000

function share(percent: number, ids: (i: number) => string): number {
  let chosen = 0
  for (let i = 0; i < COUNT; i++) if (isChosen(ids(i), percent)) chosen++
  return (chosen / COUNT) * 100
}

t.test('the share that is chosen is the rate, for ids of any kind', async t => {
  const random = seededRandom(new Uint8Array(16).fill(7))
  for (const percent of [1, 10, 50, 99]) {
    const slack = Math.max(percent * 0.2, 0.5)
    t.ok(Math.abs(share(percent, () => newRequestId(random)) - percent) < slack, `${percent} % of UUIDs`)
    t.ok(Math.abs(share(percent, i => `request-${i}`) - percent) < slack, `${percent} % of numbered ids`)
  }
})

t.test('none is chosen at 0, all at 100, and who is chosen stays so at every higher rate', async t => {
  for (let i = 0; i < 1_000; i++) {
    const id = `id-${i}`
    if (isChosen(id, 0) || !isChosen(id, 100)) t.fail(id)
    if (isChosen(id, 5) && !isChosen(id, 6)) t.fail(`${id} at 6`)
  }
})
