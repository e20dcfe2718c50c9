import { cpSync, mkdirSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import t, { type Test } from 'tap'
import { withNodeHook } from '../../control/cli/node-hook.ts'
import { Running, until } from '../support/e2e/process.ts'
import { answerOf, ask, RELAY, startEcho } from './support/relay-chain.ts'
import { NODE_VERSIONS, node } from './support/tools.ts'

/** The app of the chain without a sidecar. @param hook from where; null: without. */
async function startRelay(t: Test, version: string, hook: URL | null) {
  const echo = await startEcho(t)
  const options = hook === null ? [] : [withNodeHook(undefined, echo, hook)]
  const app = new Running('env', [`NODE_OPTIONS=${options.join(' ')}`, node(version), RELAY], {
    PORT: '0',
    OUTBOUND: `http://${echo.host}:${echo.port}`,
    HTTP_PROXY: '',
  })
  t.teardown(() => app.stop())
  await until(`the app listens\n${app.stderr}`, () => {
    if (app.exit !== null) throw new Error(`ended: ${app.stderr}`)
    return app.stdout.includes('relay on')
  })
  return { host: '127.0.0.1', port: Number(/relay on (\d+)/.exec(app.stdout)?.[1]) }
}

/** Writes requests over one connection, each part when the answers to those before it are in. @returns what was carried to the echo for each. */
async function overOneConnection(address: { host: string; port: number }, parts: readonly (readonly string[])[]) {
  const socket = connect(address)
  let text = ''
  socket.setEncoding('utf8').on('data', chunk => {
    text += chunk
  })
  const answers = () =>
    [...text.matchAll(/\{"seen".*?"answer":\{"seen":(\{.*?\})/g)]
      .map(each => JSON.parse(each[1] as string))
      .map(({ baggage, 'x-request-id': id }) => ({ baggage, id }))
  let count = 0
  for (const part of parts) {
    count += part.length
    socket.write(part.join(''))
    await until(`${count} answers, so far ${text}`, () => answers().length === count)
  }
  socket.destroy()
  return answers()
}

const get = (via: string, fields: string) => `GET /orders?via=${via} HTTP/1.1\r\nhost: app\r\n${fields}\r\n`
const numbered = (number: number) => `x-request-id: r${number}\r\nbaggage: number=${number}\r\n`

for (const version of NODE_VERSIONS) {
  t.test(`Node ${version}, without a sidecar`, async t => {
    const hook = pathToFileURL(join(import.meta.dirname, '../../hook/node.js'))
    const app = await startRelay(t, version, hook)

    await t.test('requests that come pipelined do not leak into one another', async t => {
      const numbers = Array.from({ length: 30 }, (_, number) => number)
      const seen = await overOneConnection(app, [numbers.map(number => get(number % 2 === 0 ? 'http' : 'pool', numbered(number)))])
      t.same(
        seen,
        numbers.map(number => ({ baggage: `number=${number}`, id: `r${number}` })),
      )
    })

    await t.test('a request that carries nothing gets nothing from the one before it on its connection', async t => {
      const upgrade = 'connection: upgrade\r\nupgrade: test\r\n'
      const seen = await overOneConnection(app, [
        [get('http', numbered(1))],
        [get('http', '')],
        [get('pool', numbered(2))],
        [get('http', upgrade)],
      ])
      const nothing = { baggage: null, id: null }
      t.same(seen, [{ baggage: 'number=1', id: 'r1' }, nothing, { baggage: 'number=2', id: 'r2' }, nothing])
    })

    await t.test('an app sees nothing of the hook in its requests: listeners, properties, fields', async t => {
      const plain = await startRelay(t, version, null)
      const fields = { baggage: 'a=1', 'x-request-id': 'r1' }
      const [hooked, bare] = await Promise.all([app, plain].map(each => ask(each, '/', fields).then(answerOf)))
      t.same(hooked?.seen, bare?.seen)
    })

    await t.test('the hook is found in a folder whose name has blanks, quotes and percent signs', async t => {
      const folder = join(t.testdir(), 'my "own" 100%20 apps', 'hook')
      mkdirSync(folder, { recursive: true })
      cpSync(join(import.meta.dirname, '../../hook'), folder, { recursive: true })
      cpSync(join(import.meta.dirname, '../../package.json'), join(folder, '../package.json'))
      const moved = await startRelay(t, version, pathToFileURL(join(folder, 'node.js')))
      t.match(answerOf(await ask(moved, '/orders?via=http', { baggage: 'a=1' })).next?.answer, { seen: { baggage: 'a=1' } })
    })
  })
}
