import { existsSync } from 'node:fs'
import { createServer } from 'node:net'
import t, { type Test } from 'tap'
import { ask, hostsOf, statsOf, untilHealthy } from '../support/e2e/ask.ts'
import { collectGarbage, INSPECTABLE } from '../support/e2e/inspector.ts'
import { Load } from '../support/e2e/load.ts'
import { type Address, address, Mesh, type Sidecar } from '../support/e2e/mesh.ts'
import { outrider, readyOf, until, wait } from '../support/e2e/process.ts'

/** Of resident memory that a sidecar may hold more after load than before it, once its garbage is collected: what V8 keeps of its heaps for the next load. */
const RSS_MARGIN_BYTES = 32 * 1024 * 1024
/** Of live objects: tables and pools that are empty again. */
const HEAP_MARGIN_BYTES = 4 * 1024 * 1024

async function started(t: Test): Promise<Mesh> {
  const mesh = new Mesh()
  t.teardown(() => mesh.stop())
  await mesh.startControl()
  return mesh
}

/** `web`, and one `orders` whose app takes its time. */
async function scene(t: Test, delayMs: number, ...flags: string[]): Promise<{ mesh: Mesh; web: Sidecar; orders: Sidecar }> {
  const mesh = await started(t)
  const slow = mesh.startSidecar('orders', { env: { DELAY_MS: `${delayMs}` }, flags })
  const [web, orders] = await Promise.all([mesh.startSidecar('web'), slow])
  await untilHealthy(web, 'orders', 1)
  return { mesh, web, orders }
}

const inFlight = (sidecar: Sidecar, count: number) =>
  until(`${count} requests are in flight`, async () => (await statsOf(sidecar)).active.inbound === count)

/** A port that was free a moment ago. */
async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  await new Promise<unknown>(resolve => server.close(resolve))
  return port
}

const page = async (at: Address, path: string) => {
  const { status, text } = await ask(at, { path })
  return `${status} ${text}`
}

t.test('readiness through a life: outbound does not wait for the app, inbound does, and both fail while it drains', async t => {
  const mesh = await started(t)
  const port = await freePort()
  const orders = await mesh.startSidecar('orders', { appPort: port, flags: ['--drain-timeout', '20s'] })
  t.match(await page(orders.admin, '/ready'), /^200 outbound: ready\ninbound: the app at 127.0.0.1:\d+ is not ready: connection refused/)
  t.match(await page(orders.health, '/ready/inbound'), /^503 /)
  t.match(await page(orders.health, '/live'), /^200 /)
  t.match(await page(orders.health, '/stats'), /^404 /, 'the health port shows no more')
  const { app } = await mesh.startApp('late', { PORT: `${port}`, DELAY_MS: '3000' })
  await until('inbound is ready', async () => (await page(orders.admin, '/ready/inbound')).startsWith('200'), 5_000)
  const slow = ask(orders.inbound, { host: 'orders' })
  await inFlight(orders, 1)
  orders.proxy.signal('SIGTERM')
  await until('it drains', async () => (await page(orders.health, '/ready')) === '503 outbound: draining\ninbound: draining\n', 2_000)
  t.match(await page(orders.health, '/ready/inbound'), /^503 /)
  t.match(await page(orders.health, '/live'), /^200 /, 'alive to the end')
  const { status, headers } = await slow
  t.equal(status, 200)
  t.equal(headers.connection, 'close')
  t.same(await orders.proxy.exited, { code: 0, signal: null })
  await app.stop()
})

t.test('a drain finishes what is in flight', async t => {
  const { web, orders } = await scene(t, 1_500)
  const answers = Array.from({ length: 20 }, () => ask(web.outbound, { host: 'orders', method: 'POST', body: 'x' }))
  await inFlight(orders, 20)
  t.same(await orders.proxy.stop(), { code: 0, signal: null })
  t.match(orders.proxy.stderr, /left orders: 1 of 1 callers know, \d+ ms"/)
  t.same(
    (await Promise.all(answers)).map(({ status }) => status),
    Array.from({ length: 20 }, () => 200),
  )
})

t.test('--drain-timeout cuts what is left, and says so', async t => {
  const { web, orders } = await scene(t, 60_000, '--drain-timeout', '700ms')
  const answer = ask(web.outbound, { host: 'orders', method: 'POST', body: 'x' })
  await inFlight(orders, 1)
  const began = performance.now()
  t.same(await orders.proxy.stop(), { code: 0, signal: null })
  const ms = performance.now() - began
  t.ok(ms > 700 && ms < 4_000, `${ms.toFixed(0)} ms`)
  t.match(orders.proxy.stderr, /left orders: 1 of 1 callers know, \d+ ms, 1 request cut/)
  t.equal((await answer).status, 503)
})

t.test('a second signal ends at once', async t => {
  const { web, orders } = await scene(t, 60_000)
  const answer = ask(web.outbound, { host: 'orders', method: 'POST', body: 'x' })
  await inFlight(orders, 1)
  orders.proxy.signal('SIGTERM')
  await until('it drains', async () => (await ask(orders.health, { path: '/ready' })).status === 503)
  const began = performance.now()
  orders.proxy.signal('SIGTERM')
  t.same(await orders.proxy.exited, { code: 1, signal: null })
  t.ok(performance.now() - began < 1_000)
  t.equal((await answer).status, 503)
})

t.test('the admin port drains and quits', async t => {
  const { web, orders } = await scene(t, 0)
  t.equal((await ask(orders.admin, { path: '/drain', method: 'POST' })).status, 200)
  t.same(await orders.proxy.exited, { code: 0, signal: null })
  t.match(orders.proxy.stderr, /left orders: 1 of 1 callers know/)
  t.equal((await ask(web.admin, { path: '/quitquitquit', method: 'POST' })).status, 200)
  t.same(await web.proxy.exited, { code: 0, signal: null })
})

t.test('a signal before it was ever ready ends it, and no ready file is left', async t => {
  const mesh = new Mesh()
  t.teardown(() => mesh.stop())
  mesh.xds = `127.0.0.1:${await freePort()}`
  const admin = `127.0.0.1:${await freePort()}`
  const ready = mesh.file('never.ready')
  const any = ['--outbound', '127.0.0.1:0', '--inbound', '127.0.0.1:0', '--health', '127.0.0.1:0']
  const proxy = mesh.run(['proxy', '--service', 'web', '--control', mesh.xds, '--admin', admin, ...any, '--ready-file', ready])
  await until('it serves its admin port', async () => (await ask(address(admin), { path: '/ready' })).status === 503)
  t.match(await page(address(admin), '/ready'), /no configuration yet from the control plane at 127.0.0.1:\d+, and none kept on disk/)
  const began = performance.now()
  t.same(await proxy.stop(), { code: 0, signal: null })
  t.ok(performance.now() - began < 2_500, 'nobody has to be told')
  t.equal(proxy.stdout, '')
  t.notOk(existsSync(ready))
  const young = mesh.run(['proxy', '--service', 'web', '--control', mesh.xds, ...any, '--admin', '127.0.0.1:0'])
  young.signal('SIGTERM')
  await young.exited
})

t.test('a busy port is an error that names the flag', async t => {
  const mesh = await started(t)
  const server = createServer()
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => server.close())
  const busy = `127.0.0.1:${(server.address() as { port: number }).port}`
  for (const flag of ['outbound', 'inbound', 'admin', 'health']) {
    const ports = ['outbound', 'inbound', 'admin', 'health'].flatMap(each => [`--${each}`, each === flag ? busy : '127.0.0.1:0'])
    const { code, stdout, stderr } = await outrider(['proxy', '--service', 'web', '--control', mesh.xds, ...ports])
    t.equal(code, 1)
    t.equal(stdout, '')
    t.match(stderr, new RegExp(`cannot listen on ${busy}: .*; --${flag} chooses another`))
  }
  for (const flag of ['api', 'xds']) {
    const ports = ['api', 'xds'].flatMap(each => [`--${each}`, each === flag ? busy : '127.0.0.1:0'])
    const { code, stderr } = await outrider(['control', '--data-dir', mesh.file('other'), ...ports])
    t.equal(code, 1)
    t.match(stderr, new RegExp(`${busy} is in use by another process; --${flag} HOST:PORT chooses another`))
  }
})

t.test('memory and connections of a sidecar return to their start after load', async t => {
  const mesh = await started(t)
  const ready = mesh.file('web.ready')
  const proxy = mesh.run(['proxy', ...mesh.sidecarFlags('web', 'web'), '--app', '127.0.0.1:1', '--ready-file', ready], INSPECTABLE)
  const addresses = await readyOf(ready, proxy)
  const at = (key: string) => address(addresses[key] as string)
  const sides = { outbound: at('outbound'), inbound: at('inbound'), admin: at('admin'), health: at('health') }
  const web: Sidecar = { name: 'web', proxy, app: null, appPort: 1, ...sides }
  await mesh.startSidecar('orders', { env: { DELAY_MS: '20' } })
  await untilHealthy(web, 'orders', 1)
  const burst = async () => {
    const load = new Load({ via: web.outbound, host: 'orders', perSecond: 500, method: 'PUT', body: 'x'.repeat(16_000) })
    await wait(4_000)
    await load.stop()
    t.equal(load.failures.length, 0, load.summary())
    const many = await Promise.all(Array.from({ length: 400 }, () => ask(web.outbound, { host: 'orders' })))
    t.ok(many.every(({ status }) => status === 200))
    await until('everything is closed', async () => {
      const { active, connections } = await statsOf(web)
      const pools = (await hostsOf(web, 'orders')).map(each => each.connections)
      const open = pools.reduce((sum, { active, idle, connecting, pending }) => sum + active + idle + connecting + pending, 0)
      return active.inbound + active.outbound + connections.inbound + connections.outbound + open === 0
    })
    await collectGarbage(proxy)
    return (await statsOf(web)).memory
  }
  // The first one compiles the code and grows V8's heaps: what comes after is compared with it.
  const first = await burst()
  const rounds = [await burst(), await burst()]
  for (const { residentBytes, heapBytes } of rounds) {
    const mib = (bytes: number) => `${(bytes / 1024 / 1024).toFixed(1)} MiB`
    t.ok(heapBytes < first.heapBytes + HEAP_MARGIN_BYTES, `live objects: ${mib(first.heapBytes)}, then ${mib(heapBytes)}`)
    t.ok(residentBytes < first.residentBytes + RSS_MARGIN_BYTES, `resident: ${mib(first.residentBytes)}, then ${mib(residentBytes)}`)
  }
})
