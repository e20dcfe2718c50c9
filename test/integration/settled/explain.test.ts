import tap from 'tap'
import { ask, httpRoute, policy, service, TestMesh } from './support.ts'

const mesh = await TestMesh.start()
const caller = await mesh.sidecar('caller', 1)
tap.teardown(() => mesh.stop())

const at = (file: string) => `metadata: { name: s, annotations: { outrider.dev/origin: "${file}" } }`
const route = httpRoute(
  's',
  '[{ matches: [{ path: { type: Exact, value: /x }, method: PUT }], timeouts: { request: 3s }, retry: { attempts: 1 }, backendRefs: [{ name: s, port: 80 }] }, { backendRefs: [{ name: s, port: 80 }] }]',
)
await mesh.apply(
  service('s', [9]).replace('metadata: { name: s }', at('s.yaml:1')) +
    route.replace('metadata: { name: s }', at('route.yaml:7')) +
    policy('s', 'timeouts: { request: 30s, idle: 1m }, retry: { attempts: 4, perTryTimeout: 2s }').replace(
      'metadata: { name: s }',
      at('policy.yaml:9'),
    ),
)

async function both(query: string) {
  const admin = await fetch(`http://127.0.0.1:${caller.addresses.admin.port}/explain?${query}`)
  const control = await fetch(`${mesh.api}/v1/explain?${query}&as=caller`)
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers freely
  return [(await admin.json()) as any, (await control.json()) as any]
}

tap.test("the sidecar's /explain and the control plane's say the same in the same shape", async t => {
  for (const query of [
    'url=http://s/y',
    'url=http://s/x&method=PUT',
    'url=http://s:81/',
    'url=http://s/%2500',
    'url=http://s/%00',
    'url=http://s/a/../x&header=A:b',
    'url=http://outside.example/',
  ]) {
    const [admin, control] = await both(query)
    t.same(Object.keys(admin).sort(), Object.keys(control).sort(), query)
    for (const key of ['request', 'path', 'virtualHost', 'reason', 'verdict', 'earlier', 'earlierOmitted']) {
      t.same(admin[key], control[key], `${query}: ${key}`)
    }
    t.same(admin.route?.origins, control.route?.origins)
    t.same(admin.route?.timeouts, control.route?.timeouts)
  }
})

tap.test('every setting names where it was written: the route field by field, else the TrafficPolicy', async t => {
  for (const answer of await both('url=http://s/x&method=PUT')) {
    t.match(answer.route, {
      origin: /route\.yaml:7/,
      timeouts: { requestMs: 3_000, idleMs: 60_000, perTryMs: 2_000 },
      retry: { attempts: 1 },
      origins: { 'timeouts.idle': /policy\.yaml:9/, 'retry.perTryTimeout': /policy\.yaml:9/ },
    })
    t.notMatch(answer.route.origins['timeouts.request'] ?? '', /policy/)
    t.match(answer.clusters, [{ share: 100, config: { origin: /s\.yaml:1/ }, endpoints: [{ port: 9, health: 'healthy' }] }])
  }
})

tap.test('every part that failed of each earlier rule is named', async t => {
  for (const answer of await both('url=http://s/y')) {
    t.same(answer.earlier[0].why, 'path is "/y", needs exactly "/x"; method is GET, needs PUT')
    t.match(answer.earlier[0].origin, /route\.yaml:7/)
  }
})

tap.test('a rule without backends is explained as the 500 that it is', async t => {
  await mesh.apply(httpRoute('nowhere', '[{ matches: [{ path: { value: /none } }] }]') + service('nowhere', [9]))
  for (const answer of await both('url=http://nowhere/none')) t.match(answer.verdict, /^is answered 500, flag NC/)
})

tap.test("the sidecar's own listeners are explained as loops, as requests to them end", async t => {
  const { outbound, admin } = caller.addresses
  for (const authority of [`127.0.0.1:${outbound.port}`, `localhost:${admin.port}`, `[::ffff:127.0.0.1]:${outbound.port}`]) {
    t.equal((await ask(outbound.port, authority)).status, 508, authority)
    const [answer] = await both(`url=http://${authority}/`)
    t.match(answer.verdict, /^is answered 508: .* is a listener of this sidecar/, authority)
  }
})
