import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { ask } from '../support/e2e/ask.ts'
import { Load } from '../support/e2e/load.ts'
import { address, Mesh } from '../support/e2e/mesh.ts'
import { outrider, readyOf, until } from '../support/e2e/process.ts'

const documents = (port: number, mark: string) => `apiVersion: outrider.dev/v1
kind: Service
metadata: { name: orders }
spec:
  ports: [{ port: 80, protocol: http }]
  endpoints: [{ address: 127.0.0.1, port: ${port} }]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: orders }
spec:
  parentRefs: [{ group: "", kind: Service, name: orders }]
  rules:
    - filters: [{ type: ResponseHeaderModifier, responseHeaderModifier: { set: [{ name: x-mark, value: ${mark} }] } }]
      backendRefs: [{ name: orders, port: 80 }]
`

t.test('one sidecar alone follows its file; a faulty edit is told with its line, and what was in force stays', async t => {
  const mesh = new Mesh()
  t.teardown(() => mesh.stop())
  const { port } = await mesh.startApp('orders')
  const file = join(t.testdir(), 'routes.yaml')
  writeFileSync(file, documents(port, 'one'))
  const any = '127.0.0.1:0'
  const flags = ['--service', 'web', '--documents', file, '--outbound', any, '--inbound', any, '--admin', any, '--health', any]
  const ready = mesh.file('alone.ready')
  const proxy = mesh.run(['proxy', ...flags, '--data-dir', mesh.file('alone'), '--ready-file', ready])
  const outbound = address((await readyOf(ready, proxy))['outbound'] as string)
  const mark = async () => (await ask(outbound, { host: 'orders' })).headers['x-mark']
  t.equal(await mark(), 'one', 'ready means that the file is in force')
  const load = new Load({ via: outbound, host: 'orders', perSecond: 500 })
  writeFileSync(file, documents(port, 'two'))
  await until('the edit is in force', async () => (await mark()) === 'two', 5_000)
  writeFileSync(file, documents(port, 'three').replace('backendRefs', 'backendRef'))
  await until('the fault is told', () => /routes\.yaml:15: .*backendRef/.test(proxy.stderr), 5_000)
  t.match(proxy.stderr, /has faults, so the documents before stay in force/)
  t.equal(await mark(), 'two')
  writeFileSync(file, documents(port, 'four'))
  await until('the mended file is in force', async () => (await mark()) === 'four', 5_000)
  await load.stop()
  t.equal(load.failures.length, 0, load.summary())
  t.same(await proxy.stop(), { code: 0, signal: null })

  writeFileSync(file, documents(port, 'five'))
  const againReady = mesh.file('again.ready')
  const again = mesh.run(['proxy', ...flags, '--data-dir', mesh.file('alone'), '--ready-file', againReady])
  const at = address((await readyOf(againReady, again))['outbound'] as string)
  await until(
    'the new start follows the file, not its copy',
    async () => (await ask(at, { host: 'orders' })).headers['x-mark'] === 'five',
    5_000,
  )
})

t.test('a start with a faulty file is refused with its line', async t => {
  const file = join(t.testdir(), 'routes.yaml')
  writeFileSync(file, documents(80, 'one').replace('name: orders, port: 80', 'name: orders, port: 99999'))
  const { code, stderr } = await outrider(['proxy', '--service', 'web', '--documents', file])
  t.equal(code, 1)
  t.match(stderr, /routes\.yaml:15: .*99999/)
})

t.test('a busy port ends a sidecar that serves itself from documents', async t => {
  const mesh = new Mesh()
  t.teardown(() => mesh.stop())
  const { port } = await mesh.startApp('orders')
  const file = join(t.testdir(), 'routes.yaml')
  writeFileSync(file, documents(port, 'one'))
  for (const command of [['proxy'], ['run']]) {
    const words = ['--service', 'web', '--documents', file, '--outbound', `127.0.0.1:${port}`]
    const { code, stderr } = await outrider([...command, ...words, ...(command[0] === 'run' ? ['--', process.execPath, '-e', '0'] : [])])
    t.equal(code, 1)
    t.match(stderr, /--outbound chooses another/)
  }
})
