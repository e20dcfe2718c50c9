import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { type AddressInfo, createServer as createTcpServer } from 'node:net'
import t, { type Test } from 'tap'
import { DEFAULT_BREAKER, DEFAULT_BUDGET } from '../../../proxy/cluster/config.ts'
import type { Environment } from '../../../proxy/cluster/connect.ts'
import { dnsQuery } from '../../../proxy/cluster/dns-query.ts'
import { endpointName } from '../../../proxy/cluster/endpoint.ts'
import { EndpointCluster } from '../../../proxy/cluster/endpoint-cluster.ts'
import { NameFiles } from '../../../proxy/cluster/name-files.ts'
import { Resolver } from '../../../proxy/cluster/resolver.ts'
import { MeshError } from '../../../proxy/errors.ts'
import { EMPTY_BODY } from '../../../proxy/http/body.ts'
import { FieldList } from '../../../proxy/http/fields.ts'
import type { ConnectionEvents, Response } from '../../../proxy/http/message.ts'
import { connectHttp1 } from '../../../proxy/http1/client.ts'
import { dial } from '../../../proxy/net/dial.ts'
import { Cancellation } from '../../../proxy/util/cancellation.ts'
import { Counters } from '../../../proxy/util/counters.ts'
import { seededRandom } from '../../../proxy/util/random.ts'
import { TimerWheel } from '../../../proxy/util/timers.ts'

const UNHEARD: ConnectionEvents = { available() {}, closed() {} }

/** Real sockets, and a clock turned by hand. */
function setUp(t: Test, ports: readonly number[]) {
  const clock = { ms: 0, now: () => clock.ms }
  const timers = new TimerWheel(clock)
  const counters = new Counters()
  const environment: Environment = {
    timers,
    counters,
    random: seededRandom(new Uint8Array(16).fill(3)),
    resolver: new Resolver(new NameFiles(clock), dnsQuery(null), timers, counters),
    isOwnListener: () => false,
    isOwnRegistration: () => false,
    connect: async (endpoint, timeoutMs) =>
      connectHttp1(await dial(endpoint, { timers, timeoutMs }), { timers, counters, name: endpointName(endpoint), events: UNHEARD }),
  }
  const endpoints = ports.map(port => ({
    address: '127.0.0.1',
    port,
    weight: 1,
    locality: '',
    priority: 0,
    health: 'healthy' as const,
    labels: {},
    transport: { kind: 'plaintext' as const },
  }))
  const cluster = new EndpointCluster(
    {
      name: 'default/orders:80',
      discovery: { kind: 'static', endpoints },
      protocol: 'http',
      policy: 'leastRequest',
      connectTimeoutMs: 1_000,
      breaker: DEFAULT_BREAKER,
      budget: DEFAULT_BUDGET,
      origin: '',
    },
    environment,
    false,
  )
  t.teardown(() => cluster.destroy(new MeshError('DRAINING', 'the test is over')))
  const get = async (host = cluster.hosts[0]!): Promise<string> => {
    const connection = await cluster.acquire(host, new Cancellation(), false)
    const head = {
      method: 'GET',
      scheme: 'http' as const,
      authority: 'orders',
      path: '/',
      protocol: 'HTTP/1.1' as const,
      upgrade: null,
      trailersAccepted: false,
      isAbsoluteForm: false,
      headers: new FieldList(),
    }
    return text(await connection.send({ head, body: EMPTY_BODY, cancelled: new Cancellation(), informational() {} }))
  }
  return { clock, timers, counters, cluster, get }
}

function text(response: Response): Promise<string> {
  return new Promise((resolve, reject) => {
    let whole = ''
    response.body.pipe({
      data(chunk) {
        whole += chunk.toString()
        return true
      },
      end: () => resolve(whole),
      fail: reject,
    })
  })
}

/** A Node server that counts its connections. */
async function nodeServer(t: Test): Promise<{ server: Server; port: number; connections: () => number }> {
  let count = 0
  const server = createServer((_, response) => response.end('hello'))
  server.on('connection', () => count++)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  return { server, port: (server.address() as AddressInfo).port, connections: () => count }
}

t.test('requests in a row share a connection, requests at once do not', async t => {
  const { port, connections } = await nodeServer(t)
  const { get, cluster } = setUp(t, [port])
  for (let i = 0; i < 5; i++) t.equal(await get(), 'hello')
  t.equal(connections(), 1)
  t.same(await Promise.all([get(), get(), get()]), ['hello', 'hello', 'hello'])
  t.equal(cluster.hosts[0]!.active, 0)
  t.equal(cluster.hosts[0]!.total, 8)
  t.equal(cluster.breaker.connections, cluster.hosts[0]!.pool.idle)
})

t.test("a Node server's hint of 5 s is honoured: after 4 s idle a connection is not used", async t => {
  const { port, connections } = await nodeServer(t)
  const { get, clock, cluster } = setUp(t, [port])
  await get()
  clock.ms += 3_999
  await get()
  t.equal(connections(), 1)
  clock.ms += 4_000
  await get()
  t.equal(connections(), 2)
  t.equal(cluster.breaker.connections, 1)
})

t.test('a server that closes idle connections teaches its idle time and costs no request', async t => {
  const { server, port, connections } = await nodeServer(t)
  const { get, clock, cluster } = setUp(t, [port])
  await get()
  clock.ms += 2_000
  server.closeIdleConnections()
  while (cluster.hosts[0]!.pool.idle > 0) await new Promise(setImmediate)
  t.equal(cluster.hosts[0]!.learnedIdleMs, 2_000)
  t.equal(await get(), 'hello')
  clock.ms += 1_000
  t.equal(await get(), 'hello')
  t.equal(connections(), 3, 'at half of it a new one is taken')
})

t.test('a port where nobody listens is UPSTREAM_CONNECT_REFUSED, avoided, and described', async t => {
  const closed = createTcpServer().listen(0, '127.0.0.1')
  await once(closed, 'listening')
  const { port: gone } = closed.address() as AddressInfo
  closed.close()
  await once(closed, 'close')
  const { port } = await nodeServer(t)
  const { get, cluster } = setUp(t, [gone, port])
  await t.rejects(get(), { code: 'UPSTREAM_CONNECT_REFUSED' })
  t.ok(cluster.hosts[0]!.avoidUntil >= 1_000)
  for (let i = 0; i < 20; i++) t.equal(cluster.pick({} as never, []), cluster.hosts[1])
  t.match(cluster.describe(), `127.0.0.1:${gone} refused the connection (avoided for 1.`)
  t.equal(cluster.breaker.connections, 0)
  t.equal(cluster.hosts[0]!.active, 0)
})
