import t from 'tap'
import { Load } from '../support/e2e/load.ts'
import { Mesh } from '../support/e2e/mesh.ts'
import { wait } from '../support/e2e/process.ts'

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

/** ms from one change to the next. */
const EVERY_MS = 1_500

t.test('a route changed 20 times in 30 s under 500 requests/s loses no request, and every change is seen', async t => {
  const mesh = new Mesh()
  t.teardown(() => mesh.stop())
  await mesh.startControl()
  const orders = (version: string) => mesh.startSidecar('orders', { flags: ['--labels', `version=${version}`], env: { NAME: version } })
  const [web] = await Promise.all([mesh.startSidecar('web'), orders('v1'), orders('v2')])
  await mesh.apply(split(1, 0))
  const load = new Load({ via: web.outbound, host: 'orders', perSecond: 500 })
  for (let change = 0; change < 20; change++) {
    const began = performance.now()
    const version = change % 2 === 1 ? 'v1' : 'v2'
    t.match(await mesh.apply(version === 'v1' ? split(1, 0) : split(0, 1)), /in force on 3 of 3 sidecars, \d+ ms/)
    const inForce = performance.now()
    await wait(Math.max(EVERY_MS - (inForce - began), 300))
    const later = load.outcomes.filter(({ at }) => at > inForce)
    const wrong = later.filter(({ headers }) => headers['x-app'] !== version)
    t.equal(wrong.length, 0, `change ${change}: all of ${later.length} that were sent after it went to ${version}`)
    t.ok(later.length > 0)
  }
  await load.stop()
  t.equal(load.failures.length, 0, load.summary())
  t.equal(load.outcomes.length, load.sent)
  t.ok(load.sent > 10_000, `${load.sent} requests`)
})
