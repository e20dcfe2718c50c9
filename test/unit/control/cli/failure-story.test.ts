import t from 'tap'
import { adviceOf, causeOf, storiesOf } from '../../../../control/cli/failure-story.ts'
import type { FailureRecord } from '../../../../proxy/telemetry/failure-record.ts'
import { failedTry, failureRecord, inboundRecord } from '../../telemetry/make-failure.ts'

/** `web ▶`, `▶ orders`: who, and which side. */
const short = ({ direction, node }: FailureRecord) => (direction === 'outbound' ? `${node.id} ▶` : `▶ ${node.id}`)

t.test('a chain of calls is told outermost first, whatever the clocks of its machines say', async t => {
  const chain = [
    failureRecord({ time: '2026-01-01T00:00:09.000Z' }),
    inboundRecord({ time: '2026-01-01T00:00:05.000Z' }),
    failureRecord({
      time: '2026-01-01T00:00:05.001Z',
      node: { id: 'orders-1', service: 'orders', namespace: 'default' },
      cluster: 'default/prices:80',
    }),
    inboundRecord({ time: '2026-01-01T00:00:01.000Z', node: { id: 'prices-1', service: 'prices', namespace: 'default' } }),
  ]
  const wanted = ['web-1 ▶', '▶ orders-1', 'orders-1 ▶', '▶ prices-1']
  for (const records of [chain, chain.toReversed()])
    t.same(
      storiesOf(records).map(story => story.map(short)),
      [wanted],
    )
})

t.test('each request is a story of its own, in the order of time; what has no id stays alone', async t => {
  const stories = storiesOf([
    failureRecord({ request_id: 'b', time: '2026-01-01T00:00:02.000Z' }),
    failureRecord({ request_id: null, time: '2026-01-01T00:00:03.000Z' }),
    failureRecord({ request_id: null, time: '2026-01-01T00:00:04.000Z' }),
    failureRecord({ request_id: 'a', time: '2026-01-01T00:00:01.000Z' }),
  ])
  t.same(
    stories.map(([first]) => first?.request_id),
    ['a', 'b', null, null],
  )
})

t.test('two tries that reached two instances are both told under their caller', async t => {
  const second = inboundRecord({ node: { id: 'orders-2', service: 'orders', namespace: 'default' }, time: '2026-01-02T03:04:05.690Z' })
  t.same(
    storiesOf([second, inboundRecord(), failureRecord()]).map(story => story.map(short)),
    [['web-1 ▶', '▶ orders-1', '▶ orders-2']],
  )
})

t.test('a request that goes in a circle loses no record', async t => {
  const circle = [
    failureRecord({ cluster: 'default/web:80' }),
    inboundRecord({ node: { id: 'web-1', service: 'web', namespace: 'default' } }),
  ]
  t.equal(storiesOf(circle)[0]?.length, 2)
})

t.test('the cause is the innermost failure, but never a sidecar that was only left by its caller', async t => {
  const timedOut = failureRecord({ code: 'REQUEST_TIMEOUT' })
  const left = inboundRecord({ code: 'DOWNSTREAM_CLOSED', status: 0 })
  t.equal(causeOf([timedOut, left]), timedOut)
  t.equal(causeOf([timedOut, inboundRecord()]).direction, 'inbound')
  t.equal(causeOf([failureRecord({ code: 'DOWNSTREAM_CLOSED' }), left]).direction, 'outbound')
})

t.test('advice follows the code, then the code of the sidecar that answered, then the status of the app', async t => {
  t.match(adviceOf(failureRecord()).remedy, /Nothing listens/)
  const passed = failureRecord({ code: null, tries: [failedTry({ status: 503, code: 'DRAINING', message: null })] })
  t.match(adviceOf(passed).meaning, /leaving/)
  for (const [status, remedy] of [
    [500, /log of the app/],
    [502, /gateway/],
    [503, /cannot serve/],
    [504, /gateway/],
  ] as const) {
    t.match(adviceOf(inboundRecord({ status })).remedy, remedy)
  }
  t.match(adviceOf(failureRecord({ code: 'FROM_THE_FUTURE' })).remedy, /version/)
})
