import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { Running, until } from '../support/e2e/process.ts'

const ROOT = join(import.meta.dirname, '../..')

/** Packs this checkout and installs the tarball in an empty folder, as a user would. */
function install(directory: string): void {
  // Without the hooks that the test runner puts into every Node.
  const npm = (args: string[], cwd: string) =>
    execFileSync('env', ['-u', 'NODE_OPTIONS', 'npm', ...args], { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
  npm(['pack', '--pack-destination', directory], ROOT)
  const tarball = readdirSync(directory).find(name => name.endsWith('.tgz')) as string
  writeFileSync(join(directory, 'package.json'), JSON.stringify({ name: 'somebody', private: true, allowScripts: { node: true } }))
  npm(['install', '--no-audit', '--no-fund', `./${tarball}`], directory)
}

t.test('the published package, installed in an empty folder, runs', { timeout: 280_000 }, async t => {
  const directory = mkdtempSync(join(tmpdir(), 'outrider-package-'))
  t.teardown(() => rmSync(directory, { recursive: true, force: true }))
  install(directory)
  const outrider = join(directory, 'node_modules/.bin/outrider')
  const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string }
  t.equal(execFileSync(outrider, ['--version'], { cwd: directory, encoding: 'utf8' }), `outrider ${version}\n`)
  t.match(execFileSync(outrider, ['help', 'apply'], { cwd: directory, encoding: 'utf8' }), /outrider apply/)
  t.notOk(readdirSync(join(directory, 'node_modules/outrider')).includes('proxy'), 'it holds the build, not the sources')

  const any = '127.0.0.1:0'
  const documents = join(directory, 'nothing.yaml')
  writeFileSync(documents, '')
  const ports = ['--outbound', any, '--inbound', any, '--admin', any, '--health', any]
  const app = ['node', '-p', 'process.env.NODE_OPTIONS']
  const run = new Running(outrider, ['run', '--service', 'web', '--documents', documents, ...ports, '--', ...app])
  t.teardown(() => run.stop('SIGKILL'))
  t.same(await run.exited, { code: 0, signal: null }, run.stderr)
  t.notMatch(run.stderr, /without the Node hook/)
  t.match(run.stdout, /--import=file:.*\/node_modules\/outrider\/hook\/node\.js\?outbound=127/, 'apps get the hook of the package')

  const ready = join(directory, 'demo.ready')
  const flags = ['--api', any, '--xds', any, '--outbound', any, '--admin', any, '--for', '3s', '--ready-file', ready]
  const demo = new Running(outrider, ['demo', ...flags])
  t.teardown(() => demo.stop('SIGKILL'))
  await until('the demo ends by itself', () => demo.exit !== null, 120_000)
  t.same(demo.exit, { code: 0, signal: null }, demo.stderr)
  t.match(demo.stdout, /\d+ requests, 0 failed, median .* orders v1 \d+ %/)
})
