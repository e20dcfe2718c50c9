import { connect as connectHttp2 } from 'node:http2'
import { connect } from 'node:net'
import { create, toBinary } from '@bufbuild/protobuf'
import t from 'tap'
import { TYPES } from '../../../control/translate/resources.ts'
import { MAX_REQUEST_BYTES, MAX_UNSENT } from '../../../control/xds/server.ts'
import { RegisterRequestSchema } from '../../../protos/gen/outrider/v1/registration_pb.ts'
import { Peer } from './peer.ts'
import { plane } from './plane.ts'

t.test('a connection over the limit is closed at once and counted', async t => {
  const { discovery, port } = await plane({ maxConnections: 1 })
  t.teardown(() => discovery.close())
  const first = connect(port, '127.0.0.1')
  await new Promise(resolve => first.once('data', resolve))
  const second = connect(port, '127.0.0.1')
  second.on('error', () => {})
  await new Promise(resolve => second.once('close', resolve))
  t.equal(discovery.limits.of('xds_connections'), 1)
  first.destroy()
})

t.test('a request over the limit ends its stream', async t => {
  const { discovery, port } = await plane()
  const peer = new Peer(port)
  t.teardown(async () => {
    peer.close()
    await discovery.close()
  })
  const stream = peer.delta()
  stream.ask(TYPES.endpoint, ['x'.repeat(MAX_REQUEST_BYTES + 1)])
  t.match(await stream.inbox.ending(), { code: 8 })
})

t.test('a stream that says nothing is ended at its deadline, and its place is free', async t => {
  const { discovery, hand, port } = await plane({ maxStreams: 1 })
  const peer = new Peer(port)
  t.teardown(async () => {
    peer.close()
    await discovery.close()
  })
  const silent = peer.delta()
  const refused = peer.register()
  t.match(await refused.inbox.ending(), { code: 8 }, 'its place is taken')
  for (let passed = 0; passed < 10_100; passed += 100) hand.advance(100)
  t.match(await silent.inbox.ending(), { code: 4 })
  t.equal(discovery.limits.of('xds_first_message'), 1)
  t.equal(discovery.limits.of('xds_streams'), 1)
})

t.test('a client that asks and does not read is ended, whatever it had to be told', async t => {
  const { discovery, port } = await plane()
  const session = connectHttp2(`http://127.0.0.1:${port}`, { settings: { initialWindowSize: 0 } })
  t.teardown(async () => {
    session.destroy()
    await discovery.close()
  })
  const call = session.request({
    ':method': 'POST',
    ':path': '/outrider.v1.Registration/Register',
    'content-type': 'application/grpc',
    te: 'trailers',
  })
  call.on('error', () => {})
  const say = (message: object) => {
    const octets = toBinary(RegisterRequestSchema, create(RegisterRequestSchema, { message: message as never }))
    const frame = Buffer.alloc(5 + octets.length)
    frame.writeUInt32BE(octets.length, 1)
    frame.set(octets, 5)
    call.write(frame)
  }
  say({ case: 'hello', value: { nodeId: 'a', service: 'orders', address: '127.0.0.1', port: 80, isAppReady: true } })
  for (let i = 0; i < MAX_UNSENT + 10; i++) say({ case: 'heartbeat', value: {} })
  while (discovery.limits.of('xds_unsent') === 0) await new Promise(resolve => setImmediate(resolve))
  t.equal(discovery.limits.of('xds_unsent'), 1)
})
