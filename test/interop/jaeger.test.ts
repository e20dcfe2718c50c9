import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { ROOT_CONTEXT, SpanKind, trace } from '@opentelemetry/api'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-grpc'
import { resourceFromAttributes } from '@opentelemetry/resources'
import { BasicTracerProvider, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base'
import t, { type Test } from 'tap'
import { untilHealthy } from '../support/e2e/ask.ts'
import { type Address, Mesh, type Sidecar } from '../support/e2e/mesh.ts'
import { until } from '../support/e2e/process.ts'
import { Jaeger, type Seen } from './support/jaeger.ts'

/** What an app has seen of a request, and what it answers. */
type App = (headers: IncomingHttpHeaders) => Promise<number> | number

/** `web` calls `orders`, which calls `stock`, each through its sidecar. */
interface Scene {
  readonly mesh: Mesh
  readonly web: Sidecar
  readonly orders: Sidecar
  readonly stock: Sidecar
  readonly apps: { orders: App; stock: App }
  /** Fields of the last request that each app had. */
  readonly came: { orders: IncomingHttpHeaders; stock: IncomingHttpHeaders }
}

/** What an app has to carry from the request that it got to those that it makes for it. */
const CARRIED = ['traceparent', 'tracestate', 'b3', 'x-request-id']

function carried(headers: IncomingHttpHeaders): Record<string, string> {
  return Object.fromEntries(CARRIED.filter(name => headers[name] !== undefined).map(name => [name, String(headers[name])]))
}

async function ask({ outbound }: { readonly outbound: Address }, service: string, headers: Record<string, string> = {}): Promise<number> {
  const sent = request({ ...outbound, path: '/items?sig=secret&q=1', agent: false, headers: { host: service, ...headers } })
  sent.end()
  const [response] = await once(sent, 'response')
  response.resume()
  await once(response, 'end')
  return response.statusCode
}

async function scene(t: Test, otlp: string): Promise<Scene> {
  const mesh = new Mesh()
  t.teardown(() => mesh.stop())
  await mesh.startControl()
  const came: Scene['came'] = { orders: {}, stock: {} }
  const apps: Scene['apps'] = { orders: headers => ask(orders as Sidecar, 'stock', carried(headers)), stock: () => 200 }
  const listen = async (name: 'orders' | 'stock') => {
    const server = createServer(async (incoming, response) => {
      came[name] = incoming.headers
      response.writeHead(await apps[name](incoming.headers)).end(name)
    }).listen(0, '127.0.0.1')
    t.teardown(() => server.close())
    await once(server, 'listening')
    return (server.address() as AddressInfo).port
  }
  const start = async (name: 'orders' | 'stock') => mesh.startSidecar(name, { appPort: await listen(name), flags: ['--otlp', otlp] })
  const [orders, stock, web] = await Promise.all([
    start('orders'),
    start('stock'),
    mesh.startSidecar('web', { appPort: 1, flags: ['--otlp', otlp, '--labels', 'version=v7'] }),
  ])
  await Promise.all([untilHealthy(web, 'orders', 1), untilHealthy(orders, 'stock', 1)])
  return { mesh, web, orders, stock, apps, came }
}

const newTrace = () => ({ traceId: randomBytes(16).toString('hex'), spanId: randomBytes(8).toString('hex') })

function one(t: Test, spans: readonly Seen[], service: string, kind: string, isTry = false): Seen {
  const found = spans.filter(
    span =>
      span.service === service &&
      span.tags['span.kind'] === kind &&
      (kind === 'server' || (span.tags['network.peer.port'] !== undefined) === isTry),
  )
  t.equal(found.length, 1, `${service} has one ${kind} span${isTry ? ' of a try' : ''}`)
  return found[0] as Seen
}

/** The spans of a client and an app, made by OpenTelemetry's own SDK in this process. */
function ownTracer(t: Test, jaeger: Jaeger, service: string) {
  const exporter = new OTLPTraceExporter({ url: jaeger.grpc })
  const resource = resourceFromAttributes({ 'service.name': service })
  const provider = new BasicTracerProvider({ resource, spanProcessors: [new SimpleSpanProcessor(exporter)] })
  t.teardown(() => provider.shutdown())
  return provider.getTracer('test')
}

t.test('in a real Jaeger', async t => {
  const jaeger = await Jaeger.start(t)

  for (const protocol of ['grpc', 'http'] as const) {
    await t.test(`one trace spans client, three sidecars and apps with the right parents, over ${protocol}`, async t => {
      const { web, orders, apps, came } = await scene(t, jaeger[protocol])
      const clientTracer = ownTracer(t, jaeger, 'browser')
      const appTracer = ownTracer(t, jaeger, 'orders-app')
      const traceparent = (span: ReturnType<typeof clientTracer.startSpan>) => {
        const { traceId, spanId } = span.spanContext()
        return `00-${traceId}-${spanId}-01`
      }
      apps.orders = async headers => {
        const [, traceId = '', spanId = ''] = String(headers['traceparent']).split('-')
        const parent = trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId, traceFlags: 1 })
        const span = appTracer.startSpan('check stock', { kind: SpanKind.INTERNAL }, parent)
        const status = await ask(orders, 'stock', { ...carried(headers), traceparent: traceparent(span) })
        span.end()
        return status
      }
      const client = clientTracer.startSpan('click')
      t.equal(await ask(web, 'orders', { traceparent: traceparent(client), tracestate: 'shop=1' }), 200)
      client.end()
      const spans = await jaeger.trace(client.spanContext().traceId, 8)
      t.equal(spans.length, 8, spans.map(({ service, name }) => `${service}: ${name}`).join(', '))

      const click = spans.find(({ service }) => service === 'browser') as Seen
      const check = spans.find(({ service }) => service === 'orders-app') as Seen
      const chain = [
        click,
        one(t, spans, 'web', 'client'),
        one(t, spans, 'web', 'client', true),
        one(t, spans, 'orders', 'server'),
        check,
        one(t, spans, 'orders', 'client'),
        one(t, spans, 'orders', 'client', true),
        one(t, spans, 'stock', 'server'),
      ]
      t.equal(click.parent, null)
      for (const [index, span] of chain.entries()) if (index > 0) t.equal(span.parent, chain[index - 1]?.id, `${span.service} ${span.name}`)
      for (const [index, span] of chain.entries()) {
        const before = chain[index - 1]
        if (before !== undefined) t.ok(span.startTime >= before.startTime - 1_000, `${span.service} ${span.name} begins after its parent`)
      }
      t.equal(came.stock['tracestate'], 'shop=1')

      const [, outbound, attempt, inbound] = chain as [Seen, Seen, Seen, Seen]
      t.match(outbound.tags, {
        'http.request.method': 'GET',
        'http.response.status_code': 200,
        'url.full': 'http://orders/items?sig=REDACTED&q=1',
        'server.address': 'orders',
        'server.port': 80,
        'outrider.cluster': /orders/,
        'outrider.route': /orders/,
        'outrider.origin': String,
        'otel.scope.name': 'outrider',
      })
      t.match(attempt.tags, { 'network.peer.address': '127.0.0.1', 'network.protocol.version': '1.1', 'http.response.status_code': 200 })
      t.match(inbound.tags, { 'url.path': '/items', 'url.query': 'sig=REDACTED&q=1', 'url.scheme': 'http', 'client.address': '127.0.0.1' })
      t.match(outbound.process, { 'service.namespace': 'default', 'service.instance.id': web.name, 'service.version': 'v7' })
      t.strictSame((await jaeger.services()).toSorted(), ['browser', 'orders', 'orders-app', 'stock', 'web'])
    })
  }

  await t.test('with one mesh', async t => {
    const { mesh, web, apps, came } = await scene(t, jaeger.grpc)

    await t.test('a retry is a second span, which says so', async t => {
      let calls = 0
      apps.stock = () => (++calls === 1 ? 503 : 200)
      const { traceId, spanId } = newTrace()
      t.equal(await ask(web, 'stock', { traceparent: `00-${traceId}-${spanId}-01` }), 200)
      apps.stock = () => 200
      const spans = await jaeger.trace(traceId, 5)
      t.equal(spans.length, 5)
      const whole = one(t, spans, 'web', 'client')
      t.match(whole.tags, { 'http.response.status_code': 200, 'outrider.attempts': 2 })
      t.equal(whole.tags['error'], undefined)
      const tries = spans.filter(({ parent }) => parent === whole.id).sort((a, b) => a.startTime - b.startTime)
      t.match(tries, [
        { tags: { 'http.response.status_code': 503, 'error.type': '503', error: true } },
        { tags: { 'http.response.status_code': 200, 'http.request.resend_count': 1 } },
      ])
      t.equal(tries[0]?.tags['http.request.resend_count'], undefined)
      const servers = spans.filter(({ tags }) => tags['span.kind'] === 'server')
      t.strictSame(new Set(servers.map(({ parent }) => parent)), new Set(tries.map(({ id }) => id)), 'each try is the parent of its own')
    })

    await t.test('a failure names its cause', async t => {
      const { traceId, spanId } = newTrace()
      t.equal(await ask(web, 'orders:8123', { traceparent: `00-${traceId}-${spanId}-01` }), 404)
      const [span] = await jaeger.trace(traceId, 1)
      t.match(span?.tags, { 'error.type': 'NO_ROUTE', 'outrider.response_flags': 'NR', 'http.response.status_code': 404, error: true })
    })

    await t.test('B3 in gives B3 out', async t => {
      const { traceId, spanId } = newTrace()
      t.equal(await ask(web, 'stock', { b3: `${traceId}-${spanId}-1` }), 200)
      const spans = await jaeger.trace(traceId, 3)
      t.equal(one(t, spans, 'web', 'client').parent, spanId)
      const server = one(t, spans, 'stock', 'server')
      t.equal(came.stock['b3'], `${traceId}-${server.id}-1`)
      t.equal(came.stock['traceparent'], `00-${traceId}-${server.id}-01`)
    })

    await t.test('what is not sampled passes its traceparent unchanged', async t => {
      const { traceId, spanId } = newTrace()
      const traceparent = `00-${traceId}-${spanId}-00`
      t.equal(await ask(web, 'orders', { traceparent, tracestate: 'shop=1' }), 200)
      t.match(came.orders, { traceparent, tracestate: 'shop=1' })
      t.match(came.stock, { traceparent })
    })

    await t.test('the rate of new traces follows the Mesh document at once', async t => {
      const rate = (percent: number) => `apiVersion: outrider.dev/v1
kind: Mesh
metadata: { name: default }
spec: { tracing: { samplingPercent: ${percent} } }
`
      await mesh.apply(rate(0))
      for (let i = 0; i < 20; i++) {
        await ask(web, 'orders')
        if (came.orders['traceparent'] !== undefined) t.fail('a trace at 0 %')
      }
      await mesh.apply(rate(100))
      await until('the sidecar of web has the new rate', async () => {
        await ask(web, 'orders')
        return came.orders['traceparent'] !== undefined
      })
      const traceId = String(came.orders['traceparent']).split('-')[1] as string
      const spans = await jaeger.trace(traceId, 6)
      t.equal(one(t, spans, 'web', 'client').parent, null)
      await mesh.apply(rate(0))
      await ask(web, 'orders')
      t.equal(came.orders['traceparent'], undefined)
    })
  })
})
