import { openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { until } from '../../support/e2e/process.ts'
import { LONG_PATH, LogScene, MANY, take } from './support.ts'

const scene = await LogScene.set()
t.teardown(() => scene.end())

const APP = join(import.meta.dirname, '../../support/e2e/app.ts')

t.test('a pipe that nobody reads stops no request; lines that find no room are counted, and the rest is whole', async t => {
  const pipe = scene.pipe()
  const sidecar = await scene.sidecar(pipe.writing)
  t.equal(await sidecar.answered(MANY, LONG_PATH), MANY)
  const dropped = await sidecar.dropped()
  t.ok(dropped > 0, `${dropped} dropped`)
  await until('the reader has caught up', () => pipe.read().includes('"lines":'))
  t.same(take(pipe.text), { requests: MANY - dropped, missing: dropped })
  t.equal(await sidecar.answered(10, LONG_PATH), 10)
  await until('later lines arrive', () => take(pipe.read()).requests === MANY - dropped + 10)
  t.equal(await sidecar.dropped(), dropped)
  t.equal(await sidecar.end(), 0)
})

t.test('a sidecar ends although nobody reads its pipe', async t => {
  const pipe = scene.pipe()
  const sidecar = await scene.sidecar(pipe.writing)
  t.equal(await sidecar.answered(MANY, LONG_PATH), MANY)
  t.equal(await sidecar.end(), 0)
  const { requests } = take(pipe.read().slice(0, pipe.text.lastIndexOf('\n') + 1))
  t.ok(requests > 0 && requests < MANY)
})

t.test('a socket that nobody reads stops no request, and no end', async t => {
  const sidecar = await scene.sidecar('pipe')
  t.equal(await sidecar.answered(MANY, LONG_PATH), MANY)
  const dropped = await sidecar.dropped()
  t.ok(dropped > 0, `${dropped} dropped`)
  let log = ''
  sidecar.child.stderr?.setEncoding('utf8').on('data', text => {
    log += text
  })
  await until('the reader has caught up', () => log.includes('"lines":'))
  t.same(take(log), { requests: MANY - dropped, missing: dropped })
  sidecar.child.stderr?.pause()
  t.equal(await sidecar.answered(MANY, LONG_PATH), MANY)
  t.equal(await sidecar.end(), 0)
})

t.test('under run the app shares the socket and makes it one that blocks: a thread may wait there, the process does not', async t => {
  const sidecar = await scene.sidecar('pipe', { command: 'run', app: ['--', process.execPath, APP] })
  t.equal(await sidecar.answered(MANY, LONG_PATH), MANY)
  t.ok((await sidecar.dropped()) > 0)
  t.equal(await sidecar.end(), 0)
})

t.test('a file gets every line, also those before the end', async t => {
  const file = scene.file()
  const sidecar = await scene.sidecar(openSync(file, 'a'))
  t.equal(await sidecar.answered(MANY, LONG_PATH), MANY)
  t.equal(await sidecar.dropped(), 0)
  t.equal(await sidecar.end(), 0)
  t.same(take(readFileSync(file, 'utf8')), { requests: MANY, missing: 0 })
  t.match(readFileSync(file, 'utf8').trimEnd().split('\n').at(-1), /left web/)
})

t.test('a terminal that nobody reads stops no request', async t => {
  // Nobody reads what `script` writes, so it reads no more of the terminal.
  const quote = (word: string) => `'${word.replaceAll("'", "'\\''")}'`
  const wrap = (words: readonly string[]) => ['script', '-q', '-e', '-c', `exec ${words.map(quote).join(' ')}`, '/dev/null']
  const sidecar = await scene.sidecar('pipe', { wrap })
  t.equal(await sidecar.answered(MANY, LONG_PATH), MANY)
  const dropped = await sidecar.dropped()
  t.ok(dropped > 0, `${dropped} dropped`)
  let log = ''
  sidecar.child.stdout?.setEncoding('utf8').on('data', text => {
    log += text
  })
  await until('the reader has caught up', () => log.includes('"lines":'))
  const lines = log.split('\r\n').filter(line => line.startsWith('{'))
  t.same(take(`${lines.join('\n')}\n`), { requests: MANY - dropped, missing: dropped })
})
