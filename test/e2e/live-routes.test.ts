import t from 'tap'
import { Load } from '../support/e2e/load.ts'
import { Mesh } from '../support/e2e/mesh.ts'

/** `orders` split over its two versions. */
const split = (v1: number, v2: number) => `apiVersion: outrider.dev/v1
kind: Service
metadata: { name: orders-v1 }
spec: { ports: [{ port: 80, protocol: http }], selector: { service: orders, version: v1 } }
---
apiVersion: outrider.dev/v1
kind: Service
metadata: { name: orders-v2 }
spec: { ports: [{ port: 80, protocol: http }], selector: { service: orders, version: v2 } }
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: orders }
spec:
  parentRefs: [{ group: "", kind: Service, name: orders }]
  rules:
    - backendRefs: [{ name: orders-v1, port: 80, weight: ${v1} }, { name: orders-v2, port: 80, weight: ${v2} }]
`

t.test('a route changed 20 times in 30 s under 500 requests/s loses no request, and every change is seen', async t => {
  const mesh = new Mesh()
  t.teardown(() => mesh.stop())
  await mesh.startControl()
  await mesh.startSidecar('orders', { flags: ['--labels', 'version=v1'], env: { VERSION: 'v1' } })
  await mesh.startSidecar('orders', { flags: ['--labels', 'version=v2'], env: { VERSION: 'v2' } })
  const web = await mesh.startSidecar('web')
  await mesh.apply(split(1, 0))
  const load = new Load({ via: web.outbound, host: 'orders', perSecond: 500 })
  for (let change = 0; change < 20; change++) {
    const began = performance.now()
    const isV1 = change % 2 === 1
    const said = await mesh.apply(isV1 ? split(1, 0) : split(0, 1))
    t.match(said, /in force on 3 of 3 sidecars, \d+ ms/)
    const after = load.outcomes.length
    await new Promise(resolve => setTimeout(resolve, Math.max(1_500 - (performance.now() - began), 300)))
    // What was sent after `apply` returned went where it says; what was in flight then may still have gone the other way.
    const later = load.outcomes.slice(after).filter(outcome => outcome.at > began + 1_200)
    const wrong = later.filter(outcome => !String(outcome.headers['x-app'] ?? '').startsWith(isV1 ? 'orders-1' : 'orders-2'))
    t.equal(wrong.length, 0, `change ${change}: all of ${later.length} went to ${isV1 ? 'v1' : 'v2'}`)
  }
  await load.stop()
  t.equal(load.failures.length, 0, load.summary())
  t.equal(load.outcomes.length, load.sent)
  t.ok(load.sent > 10_000, `${load.sent} requests`)
})
