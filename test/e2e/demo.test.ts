import { createServer } from 'node:net'
import { join } from 'node:path'
import t from 'tap'
import { ask } from '../support/e2e/ask.ts'
import { family, isAlive } from '../support/e2e/family.ts'
import { address } from '../support/e2e/mesh.ts'
import { LAUNCHER, outrider, Running, readyOf, until } from '../support/e2e/process.ts'

const FREE = ['--api', '127.0.0.1:0', '--xds', '127.0.0.1:0', '--outbound', '127.0.0.1:0', '--admin', '127.0.0.1:0']
const SPLIT = join(import.meta.dirname, '../../deploy/demo/split.yaml')

t.test('the demo runs for a while without a failed request, and ends by itself', async t => {
  const { code, stdout } = await outrider(['demo', '--for', '8s', ...FREE])
  t.equal(code, 0)
  const lines = stdout.split('\n').filter(line => line.includes(' in all, '))
  t.ok(lines.length >= 5, stdout)
  t.match(lines.at(-1), /\d{3} in all, 0 failed$/, stdout)
})

t.test('an `apply` that moves the split is seen, and Ctrl-C ends every process', async t => {
  const demo = new Running(process.execPath, [LAUNCHER, 'demo', '--ready-file', join(t.testdir(), 'ready'), ...FREE])
  t.teardown(() => demo.stop())
  const ready = await readyOf(join(t.testdirName, 'ready'), demo)
  t.equal((await ask(address(ready['outbound'] as string), { host: 'web', path: '/7' })).status, 200)
  const share = () => Number(/orders v2 (\d+) %[^\n]*\n$/.exec(demo.stdout)?.[1] ?? 0)
  await until('a tenth goes to v2', () => share() > 0 && share() < 40)
  const { code, stdout } = await outrider(['apply', '-f', SPLIT, '--api', `http://${ready['api']}`])
  t.equal(code, 0)
  t.match(stdout, /in force on 5 of 5 sidecars, \d+ ms/)
  await until('most goes to v2', () => share() > 60)
  const all = family(demo.pid)
  // The demo, the control plane, five sidecars, four apps.
  t.equal(all.length, 11)
  demo.signal('SIGINT')
  t.same(await demo.exited, { code: 0, signal: null })
  await until('all have ended', () => !all.some(isAlive), 5_000)
  t.match(demo.stdout, /, 0 failed\n[^\n]*$/)
})

t.test('Ctrl-C while it starts ends every process', async t => {
  const demo = new Running(process.execPath, [LAUNCHER, 'demo', ...FREE])
  t.teardown(() => demo.stop())
  await until('some are up', () => family(demo.pid).length >= 4)
  const some = family(demo.pid)
  demo.signal('SIGINT')
  await demo.exited
  await until('all have ended', () => !some.some(isAlive), 5_000)
})

t.test('a busy port is a message that names the flag which changes it, and nothing is left running', async t => {
  const server = createServer()
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => server.close())
  const { port } = server.address() as { port: number }
  for (const flag of ['api', 'xds', 'outbound', 'admin']) {
    const flags = FREE.flatMap((word, index) => (FREE[index - 1] === `--${flag}` ? [`127.0.0.1:${port}`] : [word]))
    const demo = new Running(process.execPath, [LAUNCHER, 'demo', ...flags])
    let seen: number[] = []
    const look = setInterval(() => {
      seen = [...new Set([...seen, ...family(demo.pid)])]
    }, 100)
    const { code } = await demo.exited
    clearInterval(look)
    t.equal(code, 1)
    t.match(demo.stderr, new RegExp(`127.0.0.1:${port}.*--${flag} `))
    await until('none is left', () => !seen.some(isAlive), 5_000)
  }
})

t.test('--jaeger with what is not Jaeger says so, and nothing is left running', async t => {
  const nowhere = join(t.testdir({ text: '{' }), 'nowhere')
  for (const [binary, message] of [
    [nowhere, 'cannot be started: there is no such program; it must be Jaeger'],
    [join(t.testdirName, 'text'), 'cannot be started: it may not be executed; it must be Jaeger'],
    [process.execPath, "ended before it was ready; it must be Jaeger's all-in-one program, version 1: .*bad option"],
  ] as const) {
    const demo = new Running(process.execPath, [LAUNCHER, 'demo', ...FREE, '--jaeger', binary])
    t.equal((await demo.exited).code, 1)
    t.match(demo.stderr, new RegExp(`outrider demo: --jaeger ${binary} ${message}`))
    t.match(demo.stderr, /^all ended$/m)
  }
})
