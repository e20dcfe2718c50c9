import t from 'tap'
import { FIRST_AVOID_MS, KnownHost } from '../../../proxy/cluster/host.ts'
import { seededRandom } from '../../../proxy/util/random.ts'
import { HandClock } from '../../support/hand-clock.ts'
import { receipt, setUp } from '../filter/retry-setup.ts'

t.test('a sidecar whose app is down does not draw all traffic because its receipts come fast', async t => {
  const clock = new HandClock()
  const endpoint = setUp().upstream.hosts[0]?.endpoint
  if (endpoint === undefined) throw new Error('the set-up has a host')
  const host = new KnownHost(endpoint, clock, seededRandom())
  t.ok(host.canServe)
  host.gaveReceipt()
  t.notOk(host.canServe)
  t.ok(host.avoidedForMs >= FIRST_AVOID_MS)
  host.connected()
  t.notOk(host.canServe, 'that it can be connected to says nothing of its app')
  clock.pass(FIRST_AVOID_MS * 1.2 + 1)
  t.ok(host.canServe)
  t.equal(host.connectFailures, 0)
})

t.test('the retry tells the host that it gave a receipt', async t => {
  const { upstream } = setUp({ method: 'POST' })
  const [host] = upstream.hosts
  if (host === undefined) throw new Error('the set-up has a host')
  let receipts = 0
  host.gaveReceipt = () => {
    receipts++
  }
  const [first] = upstream.asked
  if (first !== undefined) first.attempt.host = host
  await upstream.answer(0, receipt('APP_UNAVAILABLE'))
  t.equal(receipts, 1)
})
