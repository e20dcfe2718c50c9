import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import t from 'tap'
import { freePort } from '../../control/cli/free-port.ts'
import { Running, until } from '../support/e2e/process.ts'

const APP = join(import.meta.dirname, '../../deploy/demo/web.ts')
const TRACE = '0af7651916cd43dd8448eb211c80319c'
const PARENT = 'b7ad6b7169203331'

async function serving(listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

t.test('the demo’s app continues the traces that it is given and begins none', async t => {
  const called: IncomingHttpHeaders[] = []
  const sidecar = await serving((request, response) => {
    called.push(request.headers)
    response.setHeader('content-type', 'application/json').end('{}')
  })
  const exported: { url: string; octets: Buffer }[] = []
  const collector = await serving(async (request, response) => {
    const octets = Buffer.concat(await request.toArray())
    exported.push({ url: request.url ?? '', octets })
    response.setHeader('content-type', 'application/x-protobuf').end()
  })
  const port = await freePort('127.0.0.1')
  const app = new Running(process.execPath, [APP], {
    PORT: String(port),
    HTTP_PROXY: sidecar,
    NO_PROXY: '127.0.0.1',
    NODE_USE_ENV_PROXY: '1',
    OTEL_SERVICE_NAME: 'web',
    OTEL_EXPORTER_OTLP_ENDPOINT: collector,
    OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf',
  })
  t.teardown(() => app.stop())
  const ask = (headers: Record<string, string>) =>
    fetch(`http://127.0.0.1:${port}/7`, { headers }).then(
      response => response.status,
      () => 0,
    )
  await until('the app answers', async () => (await ask({})) === 200)
  t.equal(called[0]?.['traceparent'], undefined)
  await ask({ traceparent: `00-${TRACE}-${PARENT}-00`, tracestate: 'a=b' })
  t.match(called[1], { traceparent: `00-${TRACE}-${PARENT}-00`, tracestate: 'a=b' })
  t.same(exported, [])
  await ask({ traceparent: `00-${TRACE}-${PARENT}-01`, tracestate: 'a=b' })
  const [, id] = /^00-0af7651916cd43dd8448eb211c80319c-([0-9a-f]{16})-01$/.exec(String(called[2]?.['traceparent'])) ?? []
  t.type(id, 'string')
  t.not(id, PARENT)
  t.equal(called[2]?.['tracestate'], 'a=b')
  await app.stop()
  const sent = Buffer.concat(exported.map(({ octets }) => octets))
  for (const octets of [TRACE, PARENT, id as string]) t.ok(sent.includes(Buffer.from(octets, 'hex')), octets)
  for (const text of ['service.name', 'outrider-demo', 'http://orders/orders/7']) t.ok(sent.includes(text), text)
  t.equal(exported[0]?.url, '/v1/traces')
  t.equal(app.stderr, '')
})
