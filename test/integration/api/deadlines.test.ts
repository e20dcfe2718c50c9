import { connect, type Socket } from 'node:net'
import t, { type Test } from 'tap'
import type { ApiLimits } from '../../../control/api/limits.ts'
import type { Document } from '../../../control/model/document.ts'
import { RunningApi, service } from './running-api.ts'

async function running(t: Test, limits: Partial<ApiLimits>) {
  const api = new RunningApi()
  api.limits = { lookMs: 10, ...limits }
  await api.start()
  t.teardown(() => api.stop())
  return api
}

/** Says it and resolves with all that came, once the other side has closed. */
function told(api: RunningApi, text: string, opened: (socket: Socket) => void = () => {}): Promise<string> {
  const socket = connect(Number(new URL(api.base).port), '127.0.0.1')
  let heard = ''
  socket.on('data', octets => {
    heard += octets.toString('latin1')
  })
  socket.on('error', () => {})
  socket.write(text)
  opened(socket)
  return new Promise(resolve => socket.once('close', () => resolve(heard)))
}

t.test('a head that does not end in time is 408 with a problem, and counted', async t => {
  const api = await running(t, { headMs: 30, requestMs: 60_000 })
  const answer = await told(api, 'GET /live HTTP/1.1\r\nHost: localhost\r\nX-Slow:')
  t.match(answer, /^HTTP\/1\.1 408 .*application\/problem\+json.*did not come in time/s)
  t.equal(api.counters.of('api_deadline'), 1)
})

t.test('a body that does not end in time is 408, and counted', async t => {
  const api = await running(t, { headMs: 30, requestMs: 60 })
  const head = 'POST /v1/apply HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n['
  t.match(await told(api, head), /^HTTP\/1\.1 408 /)
  t.equal(api.counters.of('api_deadline'), 1)
})

t.test('a client that does not read its answer is closed, and counted', async t => {
  const api = await running(t, { idleMs: 300 })
  const padding = { labels: {}, annotations: { a: 'x'.repeat(50_000) } }
  const many = Array.from({ length: 200 }, (_, i) => service(`s${i}`, { metadata: { name: `s${i}`, namespace: 'default', ...padding } }))
  await api.store.apply(many.map(document => ({ op: 'put', document: document as Document, ifMatch: null })))
  await new Promise<void>(resolve => {
    void told(api, 'GET /v1/Service HTTP/1.1\r\nHost: localhost\r\n\r\n', socket => {
      socket.pause()
      api.counters.reached = limit => {
        t.equal(limit, 'api_deadline')
        socket.destroy()
        resolve()
      }
    })
  })
})

t.test('a connection that waits for its next request is closed, which is nobody’s fault', async t => {
  const api = await running(t, { keepAliveMs: 20, idleMs: 30 })
  t.match(await told(api, 'GET /live HTTP/1.1\r\nHost: localhost\r\n\r\n'), /^HTTP\/1\.1 200 .*live\n$/s)
  t.equal(api.counters.of('api_deadline'), 0)
})

t.test('connections, bodies and waits over their limits are counted, and all counts are in /metrics', async t => {
  const api = await running(t, { connections: 2, bodyBytes: 10, waits: 0 })
  t.equal((await api.call('GET', '/v1/proxies?revision=1')).status, 503)
  t.equal((await api.call('POST', '/v1/apply', 'x'.repeat(11))).status, 413)
  const sockets = await Promise.all(
    [1, 2].map(
      () =>
        new Promise<Socket>(resolve => {
          const socket = connect(Number(new URL(api.base).port), '127.0.0.1', () => resolve(socket))
        }),
    ),
  )
  await t.rejects(api.call('GET', '/live'))
  const left = sockets.map(socket => new Promise(resolve => socket.once('close', resolve)))
  for (const socket of sockets) socket.destroy()
  await Promise.all(left)
  let metrics = ''
  while (metrics === '')
    metrics = await api.call('GET', '/metrics').then(
      answer => answer.text,
      () => '',
    )
  t.match(metrics, /\noutrider_control_limit_reached_total\{limit="api_waits"\} 1\n/)
  t.match(metrics, /limit="api_body"\} 1\n/)
  t.match(metrics, /limit="api_connections"\} [1-9]/)
})
