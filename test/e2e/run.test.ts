import { createServer } from 'node:net'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { ask, untilHealthy } from '../support/e2e/ask.ts'
import { address, Mesh } from '../support/e2e/mesh.ts'
import { outrider, Running, readyOf, until } from '../support/e2e/process.ts'

const NODE = process.execPath

async function started(t: Test): Promise<Mesh> {
  const mesh = new Mesh()
  t.teardown(() => mesh.stop())
  await mesh.startControl()
  return mesh
}

/** Runs a script of Node under `outrider run`. */
function runScript(mesh: Mesh, script: string, env: Record<string, string> = {}, ...flags: string[]): Running {
  return mesh.run(['run', ...mesh.sidecarFlags('web', 'web', { flags }), '--', NODE, '-e', script], env)
}

t.test('an app gets what it needs to find its sidecar; what the caller has set stays', async t => {
  const mesh = await started(t)
  const names = [
    'HTTP_PROXY',
    'http_proxy',
    'HTTPS_PROXY',
    'https_proxy',
    'grpc_proxy',
    'NO_PROXY',
    'no_proxy',
    'NODE_USE_ENV_PROXY',
    'PORT',
  ]
  const script = `console.log('env ' + JSON.stringify(${JSON.stringify(names)}.map(name => process.env[name])))`
  const run = runScript(mesh, script, { HTTPS_PROXY: 'http://office:3128' }, '--port', '18081')
  t.same(await run.exited, { code: 0, signal: null })
  const ready = JSON.parse(/^outrider run ready (.*)$/m.exec(run.stdout)?.[1] ?? '{}')
  const proxy = `http://${ready.outbound}`
  const none = 'localhost,127.0.0.1,::1'
  const given = JSON.parse(/^env (.*)$/m.exec(run.stdout)?.[1] ?? '[]')
  t.same(given, [proxy, proxy, 'http://office:3128', proxy, proxy, none, none, '1', '18081'])
  t.equal(ready.app, '127.0.0.1:18081')
})

t.test('a port for the app that another process has is warned of: that one would get the traffic', async t => {
  const mesh = await started(t)
  const other = createServer()
  await new Promise<void>(resolve => other.listen(0, '127.0.0.1', resolve))
  t.teardown(() => other.close())
  const { port } = other.address() as { port: number }
  const run = runScript(mesh, '0', {}, '--port', `${port}`)
  t.same(await run.exited, { code: 0, signal: null })
  t.match(
    run.stderr,
    `warning: another process listens on 127.0.0.1:${port}: until the app does, it gets what is meant for it; --port chooses another`,
  )
})

t.test('exit codes and signals pass through', async t => {
  const mesh = await started(t)
  t.same(await runScript(mesh, 'process.exitCode = 7').exited, { code: 7, signal: null })
  t.same(await runScript(mesh, 'process.kill(process.pid, "SIGKILL")').exited, { code: 137, signal: null })
  const missing = mesh.run(['run', ...mesh.sidecarFlags('web', 'web'), '--', 'no-such-command'])
  t.same(await missing.exited, { code: 1, signal: null })
  t.match(missing.stderr, /cannot start no-such-command: there is no such command/)
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
    const run = runScript(mesh, `process.once('${signal}', () => process.exit(9)); setInterval(() => {}, 1000); console.log('app is up')`)
    await until('the app is up', () => run.stdout.includes('app is up'))
    run.signal(signal)
    t.same(await run.exited, { code: 9, signal: null }, signal)
  }
  const quitting = runScript(mesh, `process.once('SIGTERM', () => process.exit(9)); setInterval(() => {}, 1000); console.log('app is up')`)
  await until('the app is up', () => quitting.stdout.includes('app is up'))
  const { admin } = JSON.parse(/^outrider run ready (.*)$/m.exec(quitting.stdout)?.[1] ?? '{}')
  t.equal((await ask(address(admin), { path: '/quitquitquit', method: 'POST' })).status, 200)
  t.same(await quitting.exited, { code: 9, signal: null }, 'quitquitquit')
  const stubborn = runScript(
    mesh,
    `process.on('SIGTERM', () => console.log('told')); setInterval(() => {}, 1000); console.log('app is up')`,
  )
  await until('the app is up', () => stubborn.stdout.includes('app is up'))
  stubborn.signal('SIGTERM')
  await until('the app was told', () => stubborn.stdout.includes('told'))
  stubborn.signal('SIGTERM')
  t.same(await stubborn.exited, { code: 143, signal: null }, 'a second signal ends both at once')
})

t.test('outbound stays open until the app has exited', async t => {
  const mesh = await started(t)
  const [orders] = await Promise.all([mesh.startSidecar('orders')])
  t.ok(orders)
  const script = `
    process.once('SIGTERM', () => setTimeout(async () => {
      const { status } = await fetch('http://orders/last-words')
      console.log('answered ' + status)
      process.exit(3)
    }, 300))
    setInterval(() => {}, 1000)
    console.log('app is up')`
  const run = runScript(mesh, script)
  await until('the app is up', () => run.stdout.includes('app is up'))
  run.signal('SIGTERM')
  t.same(await run.exited, { code: 3, signal: null })
  t.match(run.stdout, /answered 200/)
})

/** Whether a port of this machine can be taken. */
function isFree(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}

t.test('the control plane is started in the background, found by the next run, outlives both, and is stopped by a command', async t => {
  // Another test, or a demo, on this machine may have the default ports for a while.
  await until('127.0.0.1:15012 and :15080 are free', async () => (await isFree(15_012)) && (await isFree(15_080)), 120_000)
  const home = t.testdir()
  const env = { HOME: home }
  t.teardown(() => outrider(['control', '--stop'], env))
  const any = '127.0.0.1:0'
  const ports = ['--outbound', any, '--inbound', any, '--admin', any, '--health', any]
  const app = join(import.meta.dirname, '../support/e2e/app.ts')
  const start = async (service: string) => {
    const ready = join(home, `${service}.ready`)
    const run = new Running(
      NODE,
      [join(import.meta.dirname, '../../bin/outrider.js'), 'run', '--service', service, ...ports, '--ready-file', ready, '--', NODE, app],
      env,
    )
    t.teardown(() => run.stop())
    const addresses = await readyOf(ready, run)
    const at = (key: string) => address(addresses[key] as string)
    return {
      name: service,
      proxy: run,
      app: null,
      appPort: 0,
      outbound: at('outbound'),
      inbound: at('inbound'),
      admin: at('admin'),
      health: at('health'),
    }
  }
  const orders = await start('orders')
  t.match(orders.proxy.stderr, new RegExp(`started a control plane \\(pid \\d+\\) on 127.0.0.1:15012; data and log in ${home}/.outrider`))
  const web = await start('web')
  t.notMatch(web.proxy.stderr, /started a control plane/)
  await untilHealthy(web, 'orders', 1)
  t.equal((await ask(web.outbound, { host: 'orders' })).status, 200)
  await until("web's app listens", async () => (await ask(web.admin, { path: '/ready/inbound' })).status === 200)
  t.equal((await orders.proxy.stop()).code, 0)
  t.equal((await web.proxy.stop()).code, 0)
  t.equal((await outrider(['proxies'], env)).code, 0, 'it outlives them')
  const { code, stdout } = await outrider(['control', '--stop'], env)
  t.equal(code, 0)
  t.match(stdout, /the control plane \(pid \d+\) has ended/)
  t.ok(await isFree(15_012))
  const again = await outrider(['control', '--stop'], env)
  t.equal(again.code, 1)
  t.match(again.stderr, /no control plane is running/)
})
