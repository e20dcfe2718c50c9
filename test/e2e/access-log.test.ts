import t from 'tap'
import { ask, untilHealthy } from '../support/e2e/ask.ts'
import { Mesh, type Sidecar } from '../support/e2e/mesh.ts'
import { until } from '../support/e2e/process.ts'

const mesh = new Mesh()
t.teardown(() => mesh.stop())

const EMPTY = `
apiVersion: outrider.dev/v1
kind: Service
metadata: { name: empty }
spec: { ports: [{ port: 80, protocol: http }], selector: { service: nobody } }
`

const accessLog = (text: string) => `
apiVersion: outrider.dev/v1
kind: Mesh
metadata: { name: default }
spec: { accessLog: ${text} }
`

/** Lines of the access log that a sidecar has written about a path. */
function linesOf(sidecar: Sidecar, path: string): string[] {
  return sidecar.proxy.stderr.split('\n').filter(line => line.includes(path) && !line.includes('"level"'))
}

const said = (sidecar: Sidecar, path: string) => linesOf(sidecar, path).map(line => JSON.parse(line))

async function untilSaid(sidecar: Sidecar, path: string): Promise<void> {
  await until(`${sidecar.name} has logged ${path}`, () => linesOf(sidecar, path).length > 0)
}

t.test('what is logged of requests follows the Mesh document, without a restart', async t => {
  await mesh.startControl()
  const orders = await mesh.startSidecar('orders')
  const web = await mesh.startSidecar('web')
  await mesh.apply(EMPTY)
  await untilHealthy(web, 'orders', 1)
  const get = (path: string, host = 'orders') => ask(web.outbound, { host, path })

  t.equal((await get('/quiet')).status, 200)
  t.equal((await get('/failed', 'empty')).status, 503)
  await untilSaid(web, '/failed')
  t.match(said(web, '/failed'), [{ status: 503, flags: 'UH', code: 'NO_HEALTHY_UPSTREAM', direction: 'outbound', endpoint: null }])
  t.match(said(web, '/failed')[0].details, /has no endpoints/)
  t.same(linesOf(web, '/quiet'), [], 'without a document only failures are logged')

  await mesh.apply(accessLog('{ mode: all }'))
  t.equal((await get('/seen')).status, 200)
  await untilSaid(web, '/seen')
  await untilSaid(orders, '/seen')
  const [sent] = said(web, '/seen')
  const [received] = said(orders, '/seen')
  t.match(sent, {
    direction: 'outbound',
    status: 200,
    attempts: 1,
    endpoint: `127.0.0.1:${orders.inbound.port}`,
    code: null,
    details: null,
  })
  t.match(received, { direction: 'inbound', status: 200, endpoint: `127.0.0.1:${orders.appPort}` })
  t.equal(sent.request_id, received.request_id, 'both lines of one request have its id')

  await mesh.apply(accessLog('{ mode: all, format: text }'))
  t.equal((await get('/as-text')).status, 200)
  await untilSaid(web, '/as-text')
  t.match(linesOf(web, '/as-text')[0], /^\[20\d\d-[^\]]*Z\] outbound "GET \/as-text HTTP\/1.1" 200 - authority=orders duration_ms=/)

  await mesh.apply(accessLog('{ mode: off }'))
  t.equal((await get('/unseen')).status, 200)
  t.equal((await get('/unseen-failure', 'empty')).status, 503)
  await mesh.apply(accessLog('{ mode: errors }'))
  t.equal((await get('/seen-again', 'empty')).status, 503)
  await untilSaid(web, '/seen-again')
  t.same(linesOf(web, '/unseen'), [])
})
