import { create } from '@bufbuild/protobuf'
import { credentials, Client as GrpcClient, Server, ServerCredentials } from '@grpc/grpc-js'
import t, { type Test } from 'tap'
import { Observation, ObserveRequestSchema } from '../../protos/gen/outrider/v1/observation_pb.ts'
import { grpcService } from '../../protos/grpc/service.ts'
import type { FailureRecord } from '../../proxy/telemetry/failure-record.ts'
import { silentLog } from '../../proxy/telemetry/log.ts'
import { seededRandom } from '../../proxy/util/random.ts'
import { startWheel } from '../../proxy/util/timers.ts'
import { ObservationClient, OLD_CONTROL_PLANE_MS } from '../../proxy/xds/observation.ts'
import { ask, Client, httpRoute, respond, service, TestMesh, Upstream } from './settled/support.ts'

/** What `GET /v1/failures` answers. */
interface Failures {
  readonly items: readonly FailureRecord[]
  readonly silent: readonly string[]
  readonly asked: number
  readonly omitted: number
}

const failuresOf = async (mesh: TestMesh, query: string) => (await (await fetch(`${mesh.api}/v1/failures?${query}`)).json()) as Failures

/** Asks until `holds`: a stream may not stand yet. */
async function until(mesh: TestMesh, query: string, holds: (found: Failures) => boolean): Promise<Failures> {
  for (;;) {
    const found = await failuresOf(mesh, query)
    if (holds(found)) return found
  }
}

/** A port where nobody listens. */
async function closedPort(): Promise<number> {
  const upstream = await new Upstream(() => 'close').listen()
  const { port } = upstream
  await upstream.close()
  return port
}

async function start(t: Test) {
  const app = await new Upstream(({ line }) => respond('x', line.includes('/fail') ? 500 : 200)).listen()
  const mesh = await TestMesh.start()
  t.teardown(async () => {
    await mesh.stop()
    await app.close()
  })
  const orders = await mesh.sidecar('orders', app.port)
  const web = await mesh.sidecar('web', app.port)
  const closed = await closedPort()
  await mesh.apply(
    service('gone', [closed]) +
      httpRoute('gone', '[{ matches: [{ path: { type: PathPrefix, value: /api } }], backendRefs: [{ name: gone, port: 80 }] }]'),
  )
  await until(mesh, 'id=none', ({ asked, silent }) => asked === 2 && silent.length === 0)
  return { mesh, orders, web, closed, out: web.addresses.outbound.port }
}

t.test('the id of a failed request is found at every sidecar that it passed, and nowhere is one found that went well', async t => {
  const { mesh, orders, web, out } = await start(t)
  const id = 'a-request-of-mine'
  t.equal((await ask(out, 'orders', '/fail', { fields: `x-request-id: ${id}\r\n` })).status, 500)
  t.equal((await ask(out, 'orders', '/well', { fields: 'x-request-id: well\r\n' })).status, 200)
  const { items } = await until(mesh, `id=${id}`, found => found.items.length === 2)
  const sides = items.map(({ node, direction }) => `${direction} of ${node.service}`).sort()
  t.same(sides, ['inbound of orders', 'outbound of web'])
  t.match(
    items.find(({ direction }) => direction === 'outbound'),
    { status: 500, code: null, tries: [{ endpoint: `127.0.0.1:${orders.addresses.inbound.port}`, status: 500, code: null }] },
  )
  t.same((await failuresOf(mesh, 'id=well')).items, [])
  const one = await (await fetch(`http://127.0.0.1:${web.addresses.admin.port}/failures?id=${id}`)).json()
  t.match(one, { items: [{ direction: 'outbound', node: { service: 'web' } }] }, 'one sidecar alone, by its admin port')
})

t.test('the id in the body of an error leads to its tries and its rule, whatever the form of the body', async t => {
  const { mesh, closed, out } = await start(t)
  const endpoint = `127.0.0.1:${closed}`
  const text = await ask(out, 'gone', '/api/1')
  const textId = /request (\S+)/.exec(text.body)?.[1]
  const problem = await ask(out, 'gone', '/api/2', { fields: 'Accept: application/problem+json\r\n' })
  t.match(problem.field('content-type'), 'application/problem+json')
  const { requestId, code } = JSON.parse(problem.body)
  t.equal(code, 'UPSTREAM_CONNECT_REFUSED')
  for (const id of [textId, requestId]) {
    const { items } = await failuresOf(mesh, `id=${id}`)
    t.match(items, [
      {
        code,
        flags: 'UF,URX',
        origin: /HTTPRoute default\/gone rule 1/,
        tries: [
          { number: 1, endpoint, code, message: /ECONNREFUSED/ },
          { number: 2, endpoint },
          { number: 3, endpoint },
        ],
      },
    ])
  }
})

t.test("a sidecar's own answer for its app is told from the app's", async t => {
  const { mesh, closed, out } = await start(t)
  const away = await mesh.sidecar('prices', closed)
  const apply = service('prices-at', [away.addresses.inbound.port])
  await mesh.apply(apply)
  const { status } = await ask(out, 'prices-at', '/', { method: 'POST', body: 'x' })
  t.equal(status, 503)
  const { items } = await failuresOf(mesh, 'service=web&last=1')
  t.match(items, [{ node: { id: 'web-1' }, code: null, tries: [{ status: 503, code: 'APP_UNAVAILABLE' }] }])
})

t.test('a sidecar that does not answer is named, and the others are told of', async t => {
  const { mesh, out } = await start(t)
  const { path, requestSerialize, responseDeserialize } = grpcService(Observation).observe
  const client = new GrpcClient(`127.0.0.1:${mesh.plane.xds.port}`, credentials.createInsecure())
  const stream = client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize)
  stream.on('error', () => {})
  stream.resume()
  t.teardown(() => {
    stream.cancel()
    client.close()
  })
  stream.write(create(ObserveRequestSchema, { message: { case: 'presence', value: { nodeId: 'silent-7' } } }))
  await ask(out, 'gone', '/other', { fields: 'x-request-id: lost\r\n' })
  const found = await until(mesh, 'id=lost', ({ asked }) => asked === 3)
  t.same(found.silent, ['silent-7'])
  t.match(found.items, [{ code: 'NO_ROUTE' }])
})

t.test('an answer is bounded, and says how many it left out', async t => {
  const { mesh, out } = await start(t)
  const client = new Client(out)
  const request = `GET /${'x'.repeat(1_000)} HTTP/1.1\r\nHost: gone\r\n`
  client.write(`${`${request}\r\n`.repeat(799)}${request}Connection: close\r\n\r\n`)
  t.equal((await client.closed).match(/NO_ROUTE, request/g)?.length, 800)
  const { items, omitted } = await failuresOf(mesh, 'last=1000')
  t.ok(omitted > 0 && items.length > 300)
  t.equal(items.length + omitted, 800)
  t.equal((await failuresOf(mesh, 'last=7')).items.length, 7)
})

t.test('what is no request is kept as well', async t => {
  const { mesh, out } = await start(t)
  const client = new Client(out).write('GET / HTTP/1.1\r\nHost: a b\r\n\r\n')
  t.match(await client.closed, /^HTTP\/1\.1 400 /)
  t.match((await failuresOf(mesh, 'last=1')).items, [{ code: 'DOWNSTREAM_PROTOCOL', flags: 'DPE', request_id: null, details: /Host/ }])
})

t.test('an older control plane, which does not know the stream, is asked again rarely', async t => {
  const server = new Server()
  t.teardown(() => server.forceShutdown())
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    ),
  )
  const ended = Promise.withResolvers<unknown>()
  const client = new ObservationClient({
    bootstrap: { nodeId: 'web-1', control: { host: '127.0.0.1', port } },
    timers: startWheel(),
    random: seededRandom(),
    log: { ...silentLog, debug: (_text, fields) => ended.resolve(fields), warn: () => ended.reject(new Error('nobody must be warned')) },
    failures: () => [],
  })
  client.start()
  t.teardown(() => client.stop())
  t.match(await ended.promise, { retryInMs: OLD_CONTROL_PLANE_MS })
})
