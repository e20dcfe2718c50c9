import { createServer } from 'node:http'
import { type AddressInfo, createServer as createTcpServer, type Server } from 'node:net'
import t, { type Test } from 'tap'
import type { Finding } from '../../../control/cli/check/finding.ts'
import { WAIT_MS } from '../../../control/cli/check/this-machine.ts'
import { ask, untilInSync } from '../../support/e2e/ask.ts'
import { Mesh, type Sidecar } from '../../support/e2e/mesh.ts'
import { outrider, until } from '../../support/e2e/process.ts'

/** What `outrider check -o json` says of each check, as `state: message`. */
interface Report {
  readonly code: number | null
  readonly state: string
  of(name: string): string[]
}

async function check(args: readonly string[], env: Record<string, string> = {}): Promise<Report> {
  const none = { HTTP_PROXY: '', http_proxy: '', NO_PROXY: '', no_proxy: '', NODE_USE_ENV_PROXY: '' }
  const { code, stdout, stderr } = await outrider(['check', '-o', 'json', ...args], { ...none, ...env })
  if (code === 2) throw new Error(stderr)
  const { state, items } = JSON.parse(stdout) as { readonly state: string; readonly items: readonly Finding[] }
  return { code, state, of: name => items.filter(each => each.name === name).map(each => `${each.state}: ${each.message}`) }
}

function listen(t: Test, server: Server, host = '127.0.0.1'): Promise<number> {
  t.teardown(() => server.close())
  return new Promise(resolve => server.listen(0, host, () => resolve((server.address() as AddressInfo).port)))
}

const adminOf = ({ admin }: Sidecar) => `${admin.host}:${admin.port}`

t.test('beside a running mesh: everything that runs is found and is well', async t => {
  const mesh = new Mesh()
  t.teardown(() => mesh.stop())
  await mesh.startControl()
  const web = await mesh.startSidecar('web')
  await untilInSync(mesh, 1)
  await until('the app is ready', async () => (await ask(web.admin, { path: '/ready/inbound' })).status === 200)
  const flags = ['--admin', adminOf(web), '--api', `http://${mesh.api}`, '--service', 'web', '--data-dir', mesh.directory]
  const proxy = `http://127.0.0.1:${web.outbound.port}`
  const { of, code } = await check(flags, { HTTP_PROXY: proxy, http_proxy: proxy, NO_PROXY: 'localhost', NODE_USE_ENV_PROXY: '1' })
  t.equal(code, 0)
  t.match(of('control-plane'), [/^ok: control plane [\d.]+, revision 0, at http:/])
  t.same(of('xds'), [`ok: the control plane's xDS port answers, at ${mesh.xds}`])
  t.match(of('clock'), [/^ok: [012] s /])
  t.match(of('versions'), [new RegExp(`^ok: all [\\d.]+: the control plane, ${web.name}$`)])
  t.same(of('sidecars'), ['ok: 1 of default/web connected, all in sync'])
  t.same(of('sidecar'), [`ok: ${web.name} of default/web is ready at ${adminOf(web)}`])
  t.same(of('configuration'), ['ok: revision 0, from the control plane'])
  t.same(of('app'), [`ok: answers at 127.0.0.1:${web.appPort}`])
  t.match(of('ports'), [/^skipped: a sidecar runs/])
  t.same(of('proxy-variables'), [`ok: HTTP_PROXY leads to the sidecar at 127.0.0.1:${web.outbound.port}`])
  t.match(of('disk'), [/^(ok|warning): .* MiB left/])
  if (process.platform === 'linux') t.same(of('app-exposure'), [`ok: listens on 127.0.0.1:${web.appPort} only`])

  await mesh.control?.stop()
  await until('the sidecar has noticed', async () => (await ask(web.admin, { path: '/stats' })).text.includes('"isConnected": false'))
  await web.app?.stop()
  const alone = await check(flags)
  t.equal(alone.code, 1)
  t.match(alone.of('control-plane'), [/^fault: nothing listens at /])
  t.match(alone.of('xds'), [/^fault: a sidecar gets no configuration from .*: nothing listens there$/])
  t.match(alone.of('configuration'), [/^warning: the sidecar has lost its control plane; it goes on with revision 0, confirmed \d+ s ago$/])
  t.match(alone.of('app'), [/^fault: the app at .* does not answer: connection refused$/])
})

t.test('before a start: a warning is no failure unless it is --strict', async t => {
  const mesh = new Mesh()
  t.teardown(() => mesh.stop())
  await mesh.startControl()
  const any = '127.0.0.1:0'
  const free = [
    '--outbound',
    any,
    '--inbound',
    any,
    '--health',
    any,
    '--data-dir',
    mesh.directory,
    '--api',
    `http://${mesh.api}`,
    '--control',
    mesh.xds,
  ]
  const open = createServer((_, response) => response.end('here'))
  const app = ['--app', `127.0.0.1:${await listen(t, open, '0.0.0.0')}`]
  const { of, code } = await check([...free, ...app])
  t.equal(code, 0)
  t.match(of('sidecars'), ['ok: none is connected to the control plane'])
  if (process.platform !== 'linux') return
  t.match(of('app-exposure'), [/^warning: the app listens on 0.0.0.0:\d+: whoever reaches any address of this machine/])
  t.equal((await check([...free, ...app, '--strict'])).code, 1)
})

t.test('a port that is taken is a fault, and its holder is named', async t => {
  const port = await listen(t, createTcpServer())
  const { code, stdout } = await outrider(['check', '--inbound', `0.0.0.0:${port}`])
  t.equal(code, 1)
  t.match(
    stdout,
    new RegExp(
      `\nfault +ports +0.0.0.0:${port} \\(--inbound\\) is taken by .+\n +fix: stop it, or choose another address with --inbound\n`,
    ),
  )
  if (process.platform === 'linux') t.match(stdout, `(pid ${process.pid})`)
  t.match(stdout, /\n\d+ faults?, \d+ warnings?, \d+ ok, \d+ skipped\n$/)
  t.notOk(stdout.includes('\u001b'), 'no colour where there is no terminal')
})

t.test('strangers and the silent are told from a mesh, within the time', async t => {
  const stranger = `127.0.0.1:${await listen(
    t,
    createServer((_, response) => response.end('welcome')),
  )}`
  const silent = `127.0.0.1:${await listen(t, createTcpServer())}`
  const startedAt = performance.now()
  const { of, code } = await check([
    '--api',
    `http://${silent}`,
    '--control',
    stranger,
    '--admin',
    stranger,
    '--app',
    silent,
    '--app-health',
    '/',
  ])
  t.equal(code, 1)
  t.same(of('sidecar'), [`fault: what listens at ${stranger} is no sidecar, or refuses: answered 200: welcome`])
  t.same(of('control-plane'), [`fault: http://${silent} did not answer within ${WAIT_MS} ms`])
  t.match(of('xds'), [/what listens there does not speak gRPC$/])
  t.match(of('app'), [/^fault: .* does not answer: no answer within/])
  t.ok(performance.now() - startedAt < 10_000)
})
