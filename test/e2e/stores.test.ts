import { writeFileSync } from 'node:fs'
import t from 'tap'
import { ask, proxiesOf, statsOf, untilHealthy, untilInSync } from '../support/e2e/ask.ts'
import { Load } from '../support/e2e/load.ts'
import { Mesh, type Sidecar } from '../support/e2e/mesh.ts'
import { outrider, until } from '../support/e2e/process.ts'

/** `orders` answers with a field that says which version of the route is in force. */
const marked = (mark: string) => `apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: orders }
spec:
  parentRefs: [{ group: "", kind: Service, name: orders }]
  rules:
    - filters: [{ type: ResponseHeaderModifier, responseHeaderModifier: { set: [{ name: x-mark, value: ${mark} }] } }]
      backendRefs: [{ name: orders, port: 80 }]
`

const markOf = async (web: Sidecar) => (await ask(web.outbound, { host: 'orders' })).headers['x-mark']
const revisionOf = async (web: Sidecar) => (await statsOf(web)).configuration.revision

t.test('no store is lost: revisions go on after a restart, and another store is followed only when it is adopted', async t => {
  const mesh = new Mesh()
  t.teardown(() => mesh.stop())
  await mesh.startControl()
  const [web] = await Promise.all([mesh.startSidecar('web'), mesh.startSidecar('orders')])
  await untilHealthy(web, 'orders', 1)
  t.match(await mesh.apply(marked('one')), /in force on 2 of 2 sidecars/)
  const load = new Load({ via: web.outbound, host: 'orders', perSecond: 100 })
  const before = await revisionOf(web)

  // The same store again.
  await mesh.control?.stop('SIGKILL')
  await mesh.startControl()
  await untilInSync(mesh, 2)
  t.match(await mesh.apply(marked('two')), /in force on 2 of 2 sidecars/)
  t.equal(await markOf(web), 'two')
  t.equal(await revisionOf(web), before + 1)

  // Another one, as after a wrong --data-dir.
  await mesh.control?.stop()
  await mesh.startControl('--data-dir', mesh.file('other'))
  await until(
    'the warning shows',
    async () => (await proxiesOf(mesh)).filter(({ warnings }) => warnings.includes('foreign-store')).length === 2,
  )
  const { stderr } = await outrider(['proxies', '--api', `http://${mesh.api}`])
  t.match(stderr, /foreign-store \(.*web.*\): keeps its last good configuration.*`outrider control --adopt`/)
  const file = mesh.file('refused.yaml')
  writeFileSync(file, marked('three'))
  const refused = await outrider(['apply', '-f', file, '--api', `http://${mesh.api}`])
  t.equal(refused.code, 1)
  t.match(refused.stdout, /in force on 0 of 2 sidecars/)
  t.match(refused.stderr, /refused\.yaml:1: refused by .*foreign-store.*`outrider control --adopt`/)
  t.equal(await markOf(web), 'two', 'what was in force stays')

  await mesh.control?.stop()
  await mesh.startControl('--data-dir', mesh.file('other'), '--adopt')
  await untilInSync(mesh, 2)
  await until('the new store is followed', async () => (await markOf(web)) === 'three')
  t.same(
    (await proxiesOf(mesh)).flatMap(({ warnings }) => warnings),
    [],
  )
  await load.stop()
  t.equal(load.failures.length, 0, load.summary())
})
