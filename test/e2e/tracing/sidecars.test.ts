import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
import t, { type Test } from 'tap'
import { TestMesh } from '../../integration/settled/support.ts'
import { until } from '../../support/e2e/process.ts'
import { OtlpReceiver } from '../../support/otlp-receiver.ts'

async function scene(t: Test) {
  const receiver = await OtlpReceiver.start('grpc')
  const mesh = await TestMesh.start()
  let came: IncomingHttpHeaders = {}
  const app = createServer((incoming, response) => {
    came = incoming.headers
    response.end('ok')
  }).listen(0, '127.0.0.1')
  await once(app, 'listening')
  const { port } = app.address() as AddressInfo
  t.teardown(async () => {
    await mesh.stop()
    app.close()
    receiver.close()
  })
  const otlp = receiver.collector
  const orders = await mesh.sidecar('orders', port, { otlp })
  const web = await mesh.sidecar('web', port, { otlp })
  const ask = async (headers: Record<string, string>) => {
    const { address, port } = web.addresses.outbound
    const sent = request({ host: address, port, agent: false, headers: { host: 'orders', ...headers } })
    sent.end()
    const [response] = await once(sent, 'response')
    response.resume()
    await once(response, 'end')
    return response.statusCode as number
  }
  await until('orders answers', async () => (await ask({})) === 200)
  return { receiver, orders, ask, came: () => came }
}

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736'
const SPAN = '00f067aa0ba902b7'

t.test('a request through two sidecars is one trace: whole, try, and server', async t => {
  const { receiver, ask, came } = await scene(t)
  t.equal(await ask({ traceparent: `00-${TRACE}-${SPAN}-01`, baggage: 'user=7' }), 200)
  t.equal(came()['baggage'], 'user=7')
  const ofTrace = () => receiver.spans.filter(({ traceId }) => traceId === TRACE)
  await until('three spans arrive', () => ofTrace().length >= 3)
  const [whole, attempt, server] = ['GET default/orders', 'try', 'server'].map((_, depth) => {
    let parent = SPAN
    for (let i = 0; i < depth; i++) parent = ofTrace().find(({ parentId }) => parentId === parent)?.spanId ?? ''
    return ofTrace().find(({ parentId }) => parentId === parent)
  })
  t.match(whole, { service: 'web', kind: 3 })
  t.match(attempt, { service: 'web', kind: 3 })
  t.match(server, { service: 'orders', kind: 2 })
  t.equal(ofTrace().length, 3)
  t.equal(came()['traceparent'], `00-${TRACE}-${server?.spanId}-01`)
})

t.test('a request that is not sampled makes no span, and its fields pass as they came', async t => {
  const { receiver, ask, came } = await scene(t)
  const fields = { traceparent: `00-${TRACE}-${SPAN}-00`, tracestate: 'a=1', b3: `${TRACE}-${SPAN}-0` }
  t.equal(await ask(fields), 200)
  t.match(came(), fields)
  t.equal(await ask({ traceparent: `00-${TRACE.replace('4', '5')}-${SPAN}-01` }), 200)
  await until('the spans after it arrive', () => receiver.spans.length >= 3)
  t.notOk(receiver.spans.some(({ traceId }) => traceId === TRACE))
})

t.test('nothing of OpenTelemetry is loaded where no spans are exported, and one exporter where they are', async t => {
  const main = join(import.meta.dirname, '../../../proxy/main.ts')
  const tracer = join(import.meta.dirname, '../../../proxy/telemetry/otlp-tracer.ts')
  const loaded = async (statements: string) => {
    const list = `for (const name of Object.keys((await import('node:module')).default._cache)) if (name.includes('@opentelemetry')) console.log(name)`
    const args = ['--input-type=module', '-e', `await import(${JSON.stringify(main)})\n${statements}\n${list}`]
    const { stdout } = await promisify(execFile)(process.execPath, args, { env: { ...process.env, NODE_OPTIONS: '' } })
    return stdout
  }
  t.equal(await loaded(''), '')
  const open = (protocol: string) => `const { openTracer } = await import(${JSON.stringify(tracer)})
await openTracer({ collector: { url: 'http://127.0.0.1:1', protocol: '${protocol}' }, service: 'a', namespace: 'b', nodeId: 'c', labels: {}, build: '0', timers: { clock: {}, timer: () => ({}) } })`
  const [grpc, http] = await Promise.all([loaded(open('grpc')), loaded(open('http'))])
  t.match(grpc, /exporter-trace-otlp-grpc/)
  t.notMatch(grpc, /exporter-trace-otlp-proto/)
  t.match(http, /exporter-trace-otlp-proto/)
  t.notMatch(http, /exporter-trace-otlp-grpc/)
})
