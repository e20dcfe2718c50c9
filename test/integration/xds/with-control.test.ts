import { type Test, test } from 'tap'
import type { Document, HTTPRouteSpec, Model, ServiceSpec } from '../../../control/model/document.ts'
import { Discovery } from '../../../control/xds/discovery.ts'
import { SILENT } from '../../../control/xds/log.ts'
import type { Snapshot } from '../../../proxy/config/snapshot.ts'
import { silentLog } from '../../../proxy/telemetry/log.ts'
import { wallClock } from '../../../proxy/util/clock.ts'
import { seededRandom } from '../../../proxy/util/random.ts'
import { startWheel } from '../../../proxy/util/timers.ts'
import { ConfigurationSource } from '../../../proxy/xds/client.ts'
import { RegistrationClient } from '../../../proxy/xds/registration.ts'
import { BOOTSTRAP } from '../../unit/xds/scripted-stream.ts'

const SERVICE: Document<ServiceSpec> = {
  apiVersion: 'outrider.dev/v1',
  kind: 'Service',
  metadata: { name: 'orders', namespace: 'default' },
  spec: { ports: [{ port: 80, protocol: 'http' }], endpoints: [{ address: '127.0.0.1', port: 8081 }] },
}

/** A route of `orders` that carries its revision as a timeout, in seconds. */
function model(revision: number): Model {
  const spec: HTTPRouteSpec = {
    parentRefs: [{ group: '', kind: 'Service', name: 'orders' }],
    rules: [{ timeouts: { request: `${revision}s` }, backendRefs: [{ name: 'orders', port: 80 }] }],
  }
  const route = {
    apiVersion: 'gateway.networking.k8s.io/v1',
    kind: 'HTTPRoute' as const,
    metadata: { name: 'orders', namespace: 'default' },
    spec,
  }
  return { revision, services: [SERVICE], httpRoutes: [route], trafficPolicies: [], mesh: null }
}

async function control(t: Test, storeId: string, revision: number, isAdopting = false, port = 0): Promise<Discovery> {
  const store = { id: storeId, leases: async () => [], putLease: async () => {}, deleteLease: async () => {} }
  const discovery = await Discovery.start({
    store,
    model: model(revision),
    host: '127.0.0.1',
    port,
    isAdopting,
    isInsecure: false,
    timers: startWheel(),
    clock: wallClock,
    log: SILENT,
  })
  t.teardown(() => discovery.close())
  return discovery
}

function sidecar(t: Test, port: number) {
  const bootstrap = { ...BOOTSTRAP, control: { host: '127.0.0.1', port } }
  let told = () => {}
  let latest: Snapshot | null = null
  const onSnapshot = (snapshot: Snapshot) => {
    latest = snapshot
    told()
  }
  const common = { bootstrap, timers: startWheel(), random: seededRandom(), log: silentLog }
  const source = new ConfigurationSource({ ...common, lastGood: null, onSnapshot })
  const registration = new RegistrationClient({ ...common, inboundPort: 15006 })
  t.teardown(() => Promise.all([source.stop(), registration.stop()]))
  const until = (holds: (snapshot: Snapshot) => boolean) =>
    new Promise<Snapshot>(resolve => {
      told = () => {
        if (latest !== null && holds(latest)) resolve(latest)
      }
      told()
    })
  return { source, registration, until }
}

function timeoutOf(snapshot: Snapshot): number | null | undefined {
  return snapshot.routes.get('outbound')?.find(host => host.domains.includes('orders'))?.routes[0]?.route.timeouts.requestMs
}

test('a sidecar follows the real control plane, which knows what it runs', async t => {
  const discovery = await control(t, 'store', 1)
  const { source, until, registration } = sidecar(t, discovery.address.port)
  await source.start()
  const first = await until(snapshot => timeoutOf(snapshot) === 1000)
  t.equal(first.endpoints.get('default/orders:80')?.[0]?.port, 8081)
  discovery.setModel(model(2))
  await until(snapshot => timeoutOf(snapshot) === 2000)
  const [status] = await discovery.board.settled(2, 5_000)
  t.match(status, { id: 'default/web/1', service: 'web', version: '2', inSync: true, lastNack: null })
  registration.start()
  registration.setAppReady(true)
  const own = (snapshot: Snapshot) => snapshot.endpoints.get('default/web:80')
  const registered = await until(snapshot => own(snapshot)?.length === 1)
  t.match(own(registered)?.[0], { address: '127.0.0.1', port: 15006, labels: { version: 'v1', service: 'web' } })
  while (registration.accepted === null) await new Promise(resolve => setImmediate(resolve))
  t.strictSame(registration.accepted, { host: '127.0.0.1', port: 15006 })
  t.match(await registration.depart(), { callers: Number, callersThatKnow: Number })
  await until(snapshot => (own(snapshot)?.length ?? 0) === 0)
})

test('a control plane with another store is refused, shown as that, and followed once it adopts', async t => {
  const first = await control(t, 'one', 5)
  const { port } = first.address
  const { source, until } = sidecar(t, port)
  await source.start()
  await until(snapshot => timeoutOf(snapshot) === 5000)
  await first.close()
  const other = await control(t, 'two', 3, false, port)
  const refused = async () => {
    for (;;) {
      const [status] = other.board.list()
      if (status?.lastNack) return status
      await new Promise(resolve => setImmediate(resolve))
    }
  }
  t.match(await refused(), {
    warnings: ['foreign-store'],
    lastNack: { message: /^foreign-store: this sidecar runs revision 5 of store one/ },
  })
  t.match(source.state(), { storeId: 'one', revision: 5, refusal: 'foreign-store' })
  await other.close()
  await control(t, 'two', 3, true, port)
  t.equal((await until(snapshot => timeoutOf(snapshot) === 3000)).storeId, 'two')
  t.match(source.state(), { storeId: 'two', revision: 3, refusal: null })
})
