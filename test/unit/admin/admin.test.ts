import { request } from 'node:http'
import t, { type Test } from 'tap'
import { type AdminSource, adminRoutes, healthRoutes, type LogLevel } from '../../../proxy/admin/pages.ts'
import { type AdminServer, serveAdmin } from '../../../proxy/admin/server.ts'
import { Counters } from '../../../proxy/util/counters.ts'

interface Answer {
  readonly status: number
  readonly body: string
}

function call(server: AdminServer, method: string, path: string, headers: Record<string, string> = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request({ host: server.address, port: server.port, method, path, headers, agent: false }, response => {
      let body = ''
      response.setEncoding('utf8')
      response.on('data', chunk => {
        body += chunk
      })
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body }))
    })
    sent.on('error', reject)
    sent.end()
  })
}

function fakeSource() {
  const calls: string[] = []
  const part = { isReady: true, reason: '' }
  const state = { outbound: part, inbound: { isReady: false, reason: 'the app at 127.0.0.1:8080 is not ready: connection refused' } }
  let level: LogLevel = 'info'
  const source: AdminSource = {
    readiness: () => state,
    stats: () => ({ retries: 3 }),
    metrics: async accept => ({ contentType: 'text/x-metrics', text: `accept ${accept}\n` }),
    clusters: () => [],
    configDump: () => ({ revision: 7 }),
    explain: asked => asked,
    failures: query => [query],
    get logLevel() {
      return level
    },
    setLogLevel: each => {
      level = each
    },
    drain: () => calls.push('drain'),
    quit: () => calls.push('quit'),
  }
  return { source, calls, state }
}

async function start(t: Test, isGuarded = true) {
  const fake = fakeSource()
  const server = await serveAdmin(
    isGuarded ? adminRoutes(fake.source) : healthRoutes(fake.source),
    { address: '127.0.0.1', port: 0 },
    isGuarded,
    { counters: new Counters() },
  )
  t.teardown(() => server.close())
  return { server, ...fake }
}

t.test('/ready answers for outbound, and says what inbound waits for', async t => {
  const { server } = await start(t)
  t.same(await call(server, 'GET', '/ready'), {
    status: 200,
    body: 'outbound: ready\ninbound: the app at 127.0.0.1:8080 is not ready: connection refused\n',
  })
  t.equal((await call(server, 'GET', '/ready/inbound')).status, 503)
  t.equal((await call(server, 'GET', '/live')).status, 200)
})

t.test('a change is a POST: GET /drain is refused and does nothing', async t => {
  const { server, calls } = await start(t)
  t.same(await call(server, 'GET', '/drain'), { status: 405, body: 'GET /drain is not allowed; use POST\n' })
  t.same(calls, [])
  t.equal((await call(server, 'POST', '/drain')).status, 200)
  t.equal((await call(server, 'POST', '/quitquitquit')).status, 200)
  t.same(calls, ['drain', 'quit'])
})

t.test('a web page cannot reach the admin port: neither by its Origin nor by a name that resolves to loopback', async t => {
  const { server, calls } = await start(t)
  t.equal((await call(server, 'POST', '/drain', { origin: 'https://evil.example' })).status, 403)
  t.equal((await call(server, 'POST', '/drain', { origin: 'null' })).status, 403)
  t.equal((await call(server, 'POST', '/drain', { 'sec-fetch-site': 'cross-site' })).status, 403, 'where the browser leaves Origin out')
  t.equal((await call(server, 'GET', '/config_dump', { 'sec-fetch-site': 'cross-site' })).status, 403)
  t.equal((await call(server, 'GET', '/config_dump', { host: 'evil.example:15000' })).status, 403)
  t.same(calls, [])
  t.equal((await call(server, 'GET', '/config_dump', { host: 'localhost:15000', origin: 'http://localhost:15000' })).status, 200)
})

t.test('/metrics is given the Accept of its caller, and says its own type; on both ports', async t => {
  for (const isGuarded of [true, false]) {
    const { server } = await start(t, isGuarded)
    t.same(await call(server, 'GET', '/metrics', { accept: 'text/plain;q=0.5' }), { status: 200, body: 'accept text/plain;q=0.5\n' })
    t.same(await call(server, 'GET', '/metrics'), { status: 200, body: 'accept \n' })
    const response = await fetch(`http://${server.address}:${server.port}/metrics`)
    t.equal(response.headers.get('content-type'), 'text/x-metrics')
  }
})

t.test('the health port has readiness and metrics alone, under any name', async t => {
  const { server } = await start(t, false)
  t.equal((await call(server, 'GET', '/ready', { host: 'pod-7.internal' })).status, 200)
  t.equal((await call(server, 'GET', '/config_dump')).status, 404)
  t.equal((await call(server, 'POST', '/quitquitquit')).status, 404)
})

t.test('/logging sets a level that exists, and names those there are', async t => {
  const { server, source } = await start(t)
  t.same(await call(server, 'POST', '/logging?level=loud'), { status: 400, body: 'level "loud" is not one of debug, info, warn, error\n' })
  t.equal((await call(server, 'POST', '/logging?level=debug')).status, 200)
  t.equal(source.logLevel, 'debug')
})

t.test('/explain passes method, authority, path as written and headers', async t => {
  const { server } = await start(t)
  const url = encodeURIComponent('http://orders:80/a/../b?x=1')
  const { status, body } = await call(server, 'GET', `/explain?method=POST&url=${url}&header=${encodeURIComponent('X-User: 7')}`)
  t.equal(status, 200)
  t.same(JSON.parse(body), { method: 'POST', authority: 'orders:80', path: '/a/../b?x=1', headers: [['x-user', '7']] })
  t.equal((await call(server, 'GET', '/explain')).status, 400)
  t.equal((await call(server, 'GET', '/explain?url=orders')).status, 400)
})

t.test('an unknown page lists what there is', async t => {
  const { server } = await start(t)
  const { status, body } = await call(server, 'GET', '/metrix')
  t.equal(status, 404)
  t.match(body, /There is no \/metrix/)
  t.match(body, /GET {2}\/config_dump/)
})
