import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'

const LAUNCHER = fileURLToPath(new URL('../../../bin/outrider.js', import.meta.url))

/** Each way to start the program: by the Node that the package brings, and by another one of this machine, where there is one. */
const NODES: readonly string[] = [process.execPath, ...otherNode()]

function otherNode(): readonly string[] {
  const bin = join('node_modules', '.bin')
  for (const folder of (process.env['PATH'] ?? '').split(':')) {
    if (folder.endsWith(bin)) continue
    const node = join(folder, 'node')
    const found = spawnSync(node, ['-p', 'process.version'], { encoding: 'utf8' })
    if (found.status === 0 && found.stdout.trim() !== process.version) return [node]
  }
  return []
}

const folder = mkdtempSync(join(tmpdir(), 'outrider-launcher-'))
t.teardown(() => rmSync(folder, { recursive: true }))
let count = 0

/** Starts a control plane and waits for its ready line. */
async function control(
  node: string,
): Promise<{ child: ChildProcess; ready: { pid: number; api: string }; dataDir: string; stdout: string }> {
  const dataDir = join(folder, `data-${count++}`)
  const words = ['control', '--data-dir', dataDir, '--api', '127.0.0.1:0', '--xds', '127.0.0.1:0', '--ready-file', `${dataDir}.ready`]
  const child = spawn(node, [LAUNCHER, ...words], { stdio: ['ignore', 'pipe', 'inherit'] })
  let stdout = ''
  await new Promise<void>((resolve, reject) => {
    child.stdout?.setEncoding('utf8').on('data', text => {
      stdout += text
      if (stdout.includes('\n')) resolve()
    })
    child.once('exit', code => reject(new Error(`ended with ${code}`)))
  })
  const ready = JSON.parse(stdout.replace(/^outrider control ready /, '')) as { pid: number; api: string }
  return { child, ready, dataDir, stdout }
}

function ended(child: ChildProcess): Promise<{ code: number | null; signal: string | null }> {
  return new Promise(resolve => child.once('exit', (code, signal) => resolve({ code, signal })))
}

for (const node of NODES) {
  const version = spawnSync(node, ['-p', 'process.version'], { encoding: 'utf8' }).stdout.trim()
  t.test(`under Node ${version}`, async t => {
    t.test('arguments, output and exit code pass through', async t => {
      const wrong = spawnSync(node, [LAUNCHER, 'aply'], { encoding: 'utf8' })
      t.equal(wrong.status, 2)
      t.match(wrong.stderr, /^outrider: unknown command "aply"; did you mean apply\?\n/)
      t.equal(wrong.stdout, '')
      const right = spawnSync(node, [LAUNCHER, '--version'], { encoding: 'utf8' })
      t.match(right.stdout, /^outrider \d+\.\d+\.\d+\n$/)
      t.equal(right.stderr, '', 'no warning of Node')
    })

    t.test('standard input passes through', async t => {
      const input = 'kind: Sevice\n'
      const answer = spawnSync(node, [LAUNCHER, 'delete', '-f', '-'], { input, encoding: 'utf8' })
      t.equal(answer.status, 2)
      t.match(answer.stderr, /unknown kind "Sevice"; did you mean Service\?/)
    })

    t.test('the ready line and file are the same, and written once it serves', async t => {
      const { child, ready, dataDir, stdout } = await control(node)
      t.match(stdout, /^outrider control ready \{"api":"127.0.0.1:\d+","xds":"127.0.0.1:\d+","pid":\d+\}\n$/)
      t.same(JSON.parse(readFileSync(`${dataDir}.ready`, 'utf8')), ready)
      const listed = spawnSync(node, [LAUNCHER, 'proxies', '--api', `http://${ready.api}`, '-o', 'json'], { encoding: 'utf8' })
      t.same(JSON.parse(listed.stdout), { items: [] })
      child.kill('SIGTERM')
      t.same(await ended(child), { code: 0, signal: null })
    })

    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
      t.test(`${signal} reaches the program once and its exit code comes back`, async t => {
        const { child } = await control(node)
        child.kill(signal)
        t.same(await ended(child), { code: 0, signal: null })
      })
    }

    t.test('a program that dies of a signal makes the launcher die of it', async t => {
      const { child, ready } = await control(node)
      process.kill(ready.pid, 'SIGKILL')
      t.same(await ended(child), { code: null, signal: 'SIGKILL' })
    })

    t.test('control --stop ends the one of its data directory', async t => {
      const { child, ready, dataDir } = await control(node)
      const done = ended(child)
      const stop = spawn(node, [LAUNCHER, 'control', '--stop', '--data-dir', dataDir], { stdio: ['ignore', 'pipe', 'inherit'] })
      let said = ''
      stop.stdout.setEncoding('utf8').on('data', text => {
        said += text
      })
      t.same(await ended(stop), { code: 0, signal: null })
      t.equal(said, `the control plane (pid ${ready.pid}) has ended\n`)
      t.same(await done, { code: 0, signal: null })
    })
  })
}

t.test('two control planes of one address or folder: the second says which flag changes it', async t => {
  const { child, ready, dataDir } = await control(process.execPath)
  const run = (...words: string[]) => spawnSync(process.execPath, [LAUNCHER, 'control', ...words], { encoding: 'utf8' })
  const port = run('--data-dir', join(folder, 'other'), '--api', ready.api, '--xds', '127.0.0.1:0')
  t.equal(port.status, 1)
  t.equal(
    port.stderr.trim(),
    `outrider control: ${ready.api} is in use by another process; --api HOST:PORT chooses another, port 0 any free one`,
  )
  const data = run('--data-dir', dataDir, '--api', '127.0.0.1:0', '--xds', '127.0.0.1:0')
  t.equal(data.status, 1)
  t.match(data.stderr, /is in use by another process.*--data-dir/)
  child.kill('SIGTERM')
  await ended(child)
})

t.test('a folder without packages is told how to get them', async t => {
  const bare = mkdtempSync(join(folder, 'bare-'))
  const [old] = NODES.slice(1)
  if (old === undefined) return
  spawnSync('cp', ['-r', dirname(LAUNCHER), bare])
  const answer = spawnSync(old, [join(bare, 'bin', 'outrider.js')], { encoding: 'utf8', cwd: bare })
  t.equal(answer.status, 1)
  t.match(
    answer.stderr,
    /^outrider: needs Node 26 and found v\d+\.\d+\.\d+; the package "node", which brings it, is not installed\. Run `npm ci`/,
  )
})
