import tap from 'tap'
import { startProxy } from '../../../proxy/main.ts'
import { ask, exchange, Upstream } from './support.ts'

const ANY = { address: '127.0.0.1', port: 0 }

tap.test('before there is a configuration outbound answers 503, not that there is no such route; inbound serves the app', async t => {
  const app = await new Upstream(() => ({ answer: 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok' })).listen()
  const started = await startProxy({
    service: 'early',
    namespace: 'default',
    labels: {},
    nodeId: 'early-0',
    build: '0',
    app: { address: '127.0.0.1', port: app.port },
    appHealthPath: null,
    // Nobody answers gRPC there.
    control: { address: '127.0.0.1', port: app.port },
    outbound: ANY,
    inbound: ANY,
    admin: ANY,
    health: ANY,
    advertise: null,
    dataDir: null,
    dnsServer: null,
    otlp: null,
    drainTimeoutMs: 100,
    logLevel: 'error',
  })
  if (!started.ok) throw new Error(started.message)
  t.teardown(async () => {
    await started.proxy.close()
    await app.close()
  })
  const { outbound, inbound, admin } = started.proxy.addresses
  const explained = await fetch(`http://127.0.0.1:${admin.port}/explain?url=http://orders/`)
  t.match(await explained.json(), { verdict: 'is answered 503, flag NC: there is no configuration yet' })
  for (const answer of [
    await ask(outbound.port, 'orders'),
    await exchange(outbound.port, 'CONNECT orders:80 HTTP/1.1\r\nHost: orders:80\r\n\r\n'),
  ]) {
    t.equal(answer.status, 503)
    t.match(answer.field('proxy-status'), /error=proxy_configuration_error; details="NO_CLUSTER"/)
  }
  while ((await ask(inbound.port, 'early')).status !== 200);
  t.equal((await ask(inbound.port, 'early')).body, 'ok')
})
