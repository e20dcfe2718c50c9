import { existsSync, mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { STORE_FILE } from '../../control/store/sqlite.ts'
import { ask } from '../support/e2e/ask.ts'
import { address } from '../support/e2e/mesh.ts'
import { Running, readyOf, until } from '../support/e2e/process.ts'
import { Image } from '../support/image.ts'

t.test('what the Dockerfile makes runs by an unprivileged user who can write its data folder alone', { timeout: 280_000 }, async t => {
  const image = new Image(mkdtempSync(join(tmpdir(), 'outrider-image-')))
  t.teardown(() => image.remove())
  t.notOk(existsSync(join(image.root, 'opt/outrider/node_modules/node/bin')), 'Node is that of the base image')
  t.notOk(existsSync(join(image.root, 'opt/outrider/node_modules/typescript')), 'what only the build needs is left out')
  const before = image.files()

  /** Starts `outrider WORDS` as a container of the image. */
  const start = async (name: string, words: readonly string[], rest: readonly string[] = []) => {
    const { data, environment } = image.container(name)
    const ready = join(data, 'ready')
    const args = [image.launcher, ...words, '--ready-file', ready, ...(rest.length === 0 ? [] : ['--', ...rest])]
    const running = new Running(image.node, args, environment, image.user)
    t.teardown(() => running.stop())
    return { data, running, at: await readyOf(ready, running) }
  }

  const any = '127.0.0.1:0'
  const listeners = ['--outbound', any, '--inbound', any, '--admin', any, '--health', any]
  const control = await start('control', ['control', '--api', any, '--xds', any])
  const mesh = ['--control', control.at['xds'] as string, ...listeners]
  const app = [image.node, join(image.root, 'opt/outrider/dist/deploy/demo/prices.js')]
  await start('prices', ['run', '--service', 'prices', ...mesh], app)
  const web = await start('web', ['proxy', '--service', 'web', '--app', any, ...mesh])
  await until('web reaches prices', async () => {
    const { status, text } = await ask(address(web.at['outbound'] as string), { host: 'prices', path: '/prices/7' })
    return status === 200 && (JSON.parse(text) as { app: string }).app === 'prices'
  })
  t.equal((await ask(address(web.at['health'] as string), { path: '/ready' })).status, 200)

  const check = new Running(
    image.node,
    [image.launcher, 'check', '--api', `http://${control.at['api']}`, '--admin', web.at['admin'] as string],
    image.container('check').environment,
    image.user,
  )
  await check.exited
  t.match(check.stdout, /\nok +versions +all /)
  t.match(check.stdout, /\nok +disk /)

  const write = `require('node:fs').writeFileSync(${JSON.stringify(join(image.root, 'opt/outrider/dist/x'))}, '')`
  const writing = new Running(image.node, ['-e', write], {}, image.user)
  await writing.exited
  t.match(writing.stderr, /EACCES/)

  for (const each of [web.running, control.running]) t.same(await each.stop(), { code: 0, signal: null }, each.stderr)
  t.same(image.files(), before, 'nothing was written beside the data folders')
  t.ok(existsSync(join(control.data, STORE_FILE)), 'the store is in its data folder')
  t.ok(existsSync(join(web.data, 'configuration')), 'so is the copy of the configuration')
})
