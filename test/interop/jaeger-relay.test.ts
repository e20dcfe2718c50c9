import t, { type Test } from 'tap'
import { jaegerFlags, startJaeger } from '../../control/cli/demo/jaeger.ts'
import { type Part, stopPart } from '../../control/cli/demo/process.ts'
import { freePorts } from '../../control/cli/free-port.ts'
import { type Answer, ask } from '../support/e2e/ask.ts'
import { address, Mesh } from '../support/e2e/mesh.ts'
import { until } from '../support/e2e/process.ts'
import { startProcess } from './support/interop-mesh.ts'
import { jaegerProgram } from './support/tools.ts'

/** A control plane that relays to a Jaeger. */
async function relayingTo(t: Test, query: string): Promise<{ mesh: Mesh; get: (path: string) => Promise<Answer> }> {
  const mesh = new Mesh()
  t.teardown(() => mesh.stop())
  await mesh.startControl('--jaeger', query)
  return { mesh, get: path => ask(address(mesh.api), { path }) }
}

t.test('Jaeger with the base path shows its page and answers its API behind the control plane', async t => {
  const parts: Part[] = []
  t.teardown(() => Promise.all(parts.map(part => stopPart(part, 5_000))))
  const { query } = await startJaeger(parts, jaegerProgram(), process.env, { is: false })
  const { mesh, get } = await relayingTo(t, query)
  for (const path of ['/jaeger/', '/jaeger/search?service=web', '/jaeger/trace/1']) {
    const page = await get(path)
    t.equal(page.status, 200, path)
    t.match(page.headers['content-type'], 'text/html')
    t.match(page.text, '<base href="/jaeger/"')
  }
  const services = await get('/jaeger/api/services')
  t.match(services.headers['content-type'], 'application/json')
  t.match(JSON.parse(services.text), { data: null, errors: null })
  t.match(JSON.parse((await get('/jaeger/api/traces/12')).text), { errors: [{ code: 404, msg: 'trace not found' }] })
  t.same(JSON.parse((await get('/v1/links')).text), { jaeger: '/jaeger/' })
  t.notMatch(mesh.control?.stderr, /Warning/)
})

t.test('Jaeger without the base path answers every path with its page, and the relay says what is missing', async t => {
  const [query, admin, otlp, collector] = (await freePorts('127.0.0.1', 4)).map(port => `127.0.0.1:${port}`) as [
    string,
    string,
    string,
    string,
  ]
  const flags = jaegerFlags({ query, admin, otlp, collector }).filter(flag => !flag.startsWith('--query.base-path'))
  startProcess(t, jaegerProgram(), flags, { OTEL_TRACES_SAMPLER: 'always_off' })
  await until('Jaeger is ready', async () => (await ask(address(admin))).status === 200)
  const { get } = await relayingTo(t, `http://${query}`)
  for (const path of ['/jaeger/', '/jaeger/api/services']) {
    t.match(await ask(address(query), { path }), { status: 200, text: '<base href="/"' })
    const { status, text } = await get(path)
    const detail = `Jaeger at http://${query} does not serve below /jaeger: start it with --query.base-path=/jaeger`
    t.same([status, JSON.parse(text).detail], [502, detail])
  }
})
