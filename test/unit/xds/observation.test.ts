import { status } from '@grpc/grpc-js'
import { test } from 'tap'
import type { ObserveRequest, ObserveResponse } from '../../../protos/gen/outrider/v1/observation_pb.ts'
import type { FailureQuery, FailureRecord } from '../../../proxy/telemetry/failure-record.ts'
import { silentLog } from '../../../proxy/telemetry/log.ts'
import { MAX_ANSWER_BYTES, ObservationClient, OLD_CONTROL_PLANE_MS } from '../../../proxy/xds/observation.ts'
import { FIRST_BACKOFF_MS } from '../../../proxy/xds/reconnect.ts'
import type { StreamEvents } from '../../../proxy/xds/stream.ts'
import { HandClock } from '../../support/hand-clock.ts'
import { failureRecord } from '../telemetry/make-failure.ts'
import { BOOTSTRAP } from './scripted-stream.ts'

function played(found: readonly FailureRecord[] = []) {
  const clock = new HandClock()
  const sent: ObserveRequest['message'][] = []
  const streams: StreamEvents<ObserveResponse>[] = []
  const queries: FailureQuery[] = []
  let closed = 0
  const client = new ObservationClient({
    bootstrap: BOOTSTRAP,
    timers: clock.wheel,
    random: { uint32: () => 0xffffffff },
    log: silentLog,
    failures: query => {
      queries.push(query)
      return found
    },
    open: events => {
      streams.push(events)
      return { send: request => sent.push(request.message), end() {}, close: () => closed++ }
    },
  })
  const ask = (more: object = {}) => {
    const value = { $typeName: 'outrider.v1.FindFailures' as const, question: 7, id: '', last: 20, service: '', namespace: '', ...more }
    streams.at(-1)?.received({ $typeName: 'outrider.v1.ObserveResponse', message: { case: 'findFailures', value } })
  }
  /** The records of the last answer. */
  const answered = () => {
    const message = sent.at(-1)
    if (message?.case !== 'failuresFound') throw new Error(`the last message is ${message?.case}`)
    return { ...message.value, records: message.value.records.map(each => JSON.parse(Buffer.from(each).toString())) }
  }
  return { clock, sent, streams, queries, client, ask, answered, closed: () => closed }
}

test('a stream begins with who it is, and each question is answered under its number', async t => {
  const { client, sent, ask, answered, queries } = played([failureRecord()])
  client.start()
  t.match(sent, [{ case: 'presence', value: { nodeId: 'default/web/1' } }])
  ask({ id: 'id-1', service: 'orders' })
  t.same(queries, [{ id: 'id-1', last: 20, service: 'orders', namespace: null }])
  t.match(answered(), { question: 7, omitted: 0, records: [{ request_id: 'id-1', node: { id: 'web-1' } }] })
})

test('an answer is bounded: the latest records that fit, and how many were left out', async t => {
  const path = 'x'.repeat(1_000)
  const found = Array.from({ length: 1_000 }, (_, i) => failureRecord({ request_id: `id-${i}`, path, details: path }))
  const { client, ask, answered } = played(found)
  client.start()
  ask({ last: 1_000 })
  const { records, omitted } = answered()
  t.equal(records.length + omitted, 1_000)
  t.ok(omitted > 0)
  t.equal(records.at(-1).request_id, 'id-999')
  const octets = records.reduce((sum, each) => sum + JSON.stringify(each).length, 0)
  t.ok(octets <= MAX_ANSWER_BYTES && octets > MAX_ANSWER_BYTES - 10_000)
})

test('a stream that is lost is opened again; one that an older control plane does not know, rarely', async t => {
  const { client, clock, streams } = played()
  client.start()
  streams.at(-1)?.ended('gone', status.UNAVAILABLE)
  clock.pass(FIRST_BACKOFF_MS + 10)
  t.equal(streams.length, 2)
  streams.at(-1)?.ended('The server does not implement the method', status.UNIMPLEMENTED)
  clock.pass(OLD_CONTROL_PLANE_MS - 100)
  t.equal(streams.length, 2)
  clock.pass(200)
  t.equal(streams.length, 3)
})

test('after a stop nothing is opened any more', async t => {
  const { client, clock, streams, closed } = played()
  client.start()
  client.stop()
  t.equal(closed(), 1)
  const other = played()
  other.client.start()
  other.streams.at(-1)?.ended('old', status.UNIMPLEMENTED)
  other.client.stop()
  other.clock.pass(OLD_CONTROL_PLANE_MS * 2)
  clock.pass(10_000)
  t.equal(streams.length + other.streams.length, 2)
})
