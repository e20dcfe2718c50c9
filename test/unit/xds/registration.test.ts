import { test } from 'tap'
import type { RegisterRequest, RegisterResponse } from '../../../protos/gen/outrider/v1/registration_pb.ts'
import { silentLog } from '../../../proxy/telemetry/log.ts'
import { FAREWELL_MS, HEARTBEAT_MS, RegistrationClient } from '../../../proxy/xds/registration.ts'
import type { StreamEvents } from '../../../proxy/xds/stream.ts'
import { HandClock } from '../../support/hand-clock.ts'
import { BOOTSTRAP } from './scripted-stream.ts'

function played(advertise: { host: string; port: number } | null = null) {
  const clock = new HandClock()
  const sent: RegisterRequest['message'][] = []
  const streams: StreamEvents<RegisterResponse>[] = []
  const ends: string[] = []
  const client = new RegistrationClient({
    bootstrap: { ...BOOTSTRAP, advertise },
    inboundPort: 15006,
    timers: clock.wheel,
    random: { uint32: () => 0x80000000 },
    log: silentLog,
    open: events => {
      streams.push(events)
      return { send: request => sent.push(request.message), end: () => ends.push('end'), close: () => ends.push('close') }
    },
  })
  const tell = (message: RegisterResponse['message']) => streams.at(-1)?.received({ $typeName: 'outrider.v1.RegisterResponse', message })
  const accept = () => tell({ case: 'accepted', value: { $typeName: 'outrider.v1.Accepted', storeId: 's', address: '10.0.0.1', port: 1 } })
  const kinds = () => sent.map(each => each.case)
  return { clock, sent, streams, ends, client, tell, accept, kinds }
}

test('a stream begins with hello and beats every 3 s', async t => {
  const { client, clock, kinds, sent } = played({ host: '192.0.2.1', port: 9 })
  client.start()
  clock.pass(HEARTBEAT_MS * 2 + 20)
  t.strictSame(kinds(), ['hello', 'heartbeat', 'heartbeat'])
  t.match(sent[0]?.value, { address: '192.0.2.1', port: 9 })
})

test('a change of readiness is told once, and a new stream says hello with it', async t => {
  const { client, clock, kinds, sent, streams } = played()
  client.start()
  client.setAppReady(true)
  client.setAppReady(true)
  t.strictSame(kinds(), ['hello', 'update'])
  streams.at(-1)?.ended('gone')
  clock.pass(500)
  t.strictSame(kinds(), ['hello', 'update', 'hello'])
  t.match(sent.at(-1)?.value, { isAppReady: true })
})

test('a departure without a registration is over at once', async t => {
  const { client } = played()
  client.start()
  t.strictSame(await client.depart(), { callers: 0, callersThatKnow: 0 })
})

test('a departure ends with the stream: then nobody is told any more', async t => {
  const { client, accept, tell, streams, sent } = played()
  client.start()
  accept()
  const departed = client.depart()
  t.match(sent.at(-1), { case: 'update', value: { isDraining: true } })
  tell({ case: 'departure', value: { $typeName: 'outrider.v1.Departure', callers: 5, callersThatKnow: 2, isKnownToAll: false } })
  t.strictSame(client.progress, { callers: 5, callersThatKnow: 2 })
  streams.at(-1)?.ended('gone')
  t.strictSame(await departed, { callers: 5, callersThatKnow: 2 })
})

test('a stop ends the stream in good order, and drops one that does not end', async t => {
  const { client, accept, clock, ends } = played()
  client.start()
  accept()
  const stopped = client.stop()
  t.strictSame(ends, ['end'])
  clock.pass(FAREWELL_MS + 10)
  await stopped
  t.strictSame(ends, ['end', 'close'])
  t.equal(client.accepted, null)
})
