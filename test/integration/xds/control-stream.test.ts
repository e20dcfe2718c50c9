import { type Test, test } from 'tap'
import type { Snapshot } from '../../../proxy/config/snapshot.ts'
import { silentLog } from '../../../proxy/telemetry/log.ts'
import { seededRandom } from '../../../proxy/util/random.ts'
import { startWheel } from '../../../proxy/util/timers.ts'
import { ConfigurationSource } from '../../../proxy/xds/client.ts'
import { RegistrationClient } from '../../../proxy/xds/registration.ts'
import { FakeControlPlane } from '../../support/fake-control-plane.ts'
import { cluster, endpoints, inbound, outbound, routes, routeTo, virtualHost } from '../../support/xds-resources.ts'
import { BOOTSTRAP } from '../../unit/xds/scripted-stream.ts'

async function fakeControl(t: Test, port = 0): Promise<FakeControlPlane> {
  const control = await new FakeControlPlane().listen(port)
  t.teardown(() => control.stop())
  control.resources.cluster = { a: cluster('a') }
  control.resources.endpoint = { a: endpoints('a', ['10.0.0.1:80']) }
  control.resources.listener = { outbound: outbound(), inbound: inbound() }
  control.resources.routes = { outbound: routes() }
  control.resources.virtualHost = { 'outbound/orders': virtualHost('orders', ['orders'], [routeTo('a')]) }
  return control
}

function follow(t: Test, port: number) {
  const snapshots: Snapshot[] = []
  let told = () => {}
  const source = new ConfigurationSource({
    bootstrap: { ...BOOTSTRAP, control: { host: '127.0.0.1', port } },
    timers: startWheel(),
    random: seededRandom(),
    log: silentLog,
    lastGood: null,
    onSnapshot: snapshot => {
      snapshots.push(snapshot)
      told()
    },
  })
  t.teardown(() => source.stop())
  const until = (holds: (snapshot: Snapshot) => boolean) =>
    new Promise<Snapshot>(resolve => {
      told = () => {
        const found = snapshots.find(holds)
        if (found !== undefined) resolve(found)
      }
      told()
    })
  return { source, until, snapshots }
}

test('a sidecar takes its configuration from a real stream, acknowledges it and refuses what is bad', async t => {
  const control = await fakeControl(t)
  const { source, until } = follow(t, control.port)
  await source.start()
  const first = await until(() => true)
  t.equal(first.endpoints.get('a')?.[0]?.address, '10.0.0.1')
  control.version = 'store/2/0'
  const good = control.say('virtualHost', { 'outbound/web': virtualHost('web', ['web'], [routeTo('a')]) })
  t.equal(await control.answer(good), 'ack')
  t.equal(source.state().revision, 2)
  const bad = control.say('virtualHost', { 'outbound/web': virtualHost('web', [], []) })
  t.equal(await control.answer(bad), 'outbound/web: domains: are missing')
})

test('a control plane that is killed changes nothing, and is found again when it is back', async t => {
  const control = await fakeControl(t)
  const { source, until, snapshots } = follow(t, control.port)
  await source.start()
  await until(() => true)
  const count = snapshots.length
  control.stop()
  const again = await fakeControl(t, control.port)
  again.version = 'store/3/0'
  const request = await again.until(() => again.requests.find(each => 'outbound/orders' in each.initialResourceVersions))
  t.ok(request)
  t.equal((await until(snapshot => snapshot.revision === 3)).storeId, 'store')
  t.ok(snapshots.length > count)
})

test('a sidecar registers, says when its app is ready, and learns who knows that it leaves', async t => {
  const control = await fakeControl(t)
  const client = new RegistrationClient({
    bootstrap: { ...BOOTSTRAP, control: { host: '127.0.0.1', port: control.port } },
    inboundPort: 15006,
    timers: startWheel(),
    random: seededRandom(),
    log: silentLog,
  })
  client.start()
  const hello = await control.until(() => control.registrations.find(each => each.message.case === 'hello'))
  t.match(hello.message.value, {
    nodeId: 'default/web/1',
    service: 'web',
    address: '',
    port: 15006,
    isAppReady: false,
    labels: { version: 'v1' },
  })
  control.tell({ case: 'accepted', value: { $typeName: 'outrider.v1.Accepted', storeId: 'store', address: '10.0.0.9', port: 15006 } })
  client.setAppReady(true)
  await control.until(() => control.registrations.find(each => each.message.case === 'update' && each.message.value.isAppReady))
  const leaving = control.until(() => control.registrations.find(each => each.message.case === 'update' && each.message.value.isDraining))
  // Registration is acknowledged by now only if the answer has arrived; departing waits for nobody before that.
  while (client.accepted === null) await new Promise(resolve => setImmediate(resolve))
  t.strictSame(client.accepted, { host: '10.0.0.9', port: 15006 })
  const departed = client.depart()
  await leaving
  const departure = { $typeName: 'outrider.v1.Departure' as const, callers: 7 }
  control.tell({ case: 'departure', value: { ...departure, callersThatKnow: 3, isKnownToAll: false } })
  control.tell({ case: 'departure', value: { ...departure, callersThatKnow: 7, isKnownToAll: true } })
  t.strictSame(await departed, { callers: 7, callersThatKnow: 7 })
  await client.stop()
  t.equal(client.accepted, null)
})

test('an http_proxy of the environment, which is the sidecar itself, is not used to reach the control plane', async t => {
  const control = await fakeControl(t)
  for (const name of ['grpc_proxy', 'http_proxy', 'https_proxy']) process.env[name] = 'http://127.0.0.1:1'
  t.teardown(() => {
    for (const name of ['grpc_proxy', 'http_proxy', 'https_proxy']) delete process.env[name]
  })
  const { source, until } = follow(t, control.port)
  await source.start()
  t.equal((await until(() => true)).revision, 1)
})
