import t from 'tap'
import { extentFor, sidecarOf } from '../../../hook/destination.js'

const ENV = { HTTP_PROXY: 'http://127.0.0.1:15001', NO_PROXY: 'localhost,127.0.0.1,::1,.corp.example' }
const SIDECAR = sidecarOf('127.0.0.1:15001', ENV)

/** A request of node:http or undici that is written to `host` itself. */
const to = (host: string, hostField: string | null = null, path = '/') => extentFor({ protocol: 'http:', host, hostField, path }, SIDECAR)

t.test('the sidecar gets all, in each way that requests reach it', async t => {
  t.equal(to('127.0.0.1:15001', 'orders'), 'all')
  t.equal(to('127.0.0.1:15001', 'api.partner.example'), 'all', 'the sidecar reads the request, and takes off what must not leave the mesh')
  t.equal(to('orders', null, 'http://orders/x'), 'all', 'Node writes the absolute form to HTTP_PROXY')
  t.equal(to('api.partner.example', null, 'http://api.partner.example/x'), 'all')
  t.equal(to('127.0.0.1', 'orders'), 'all', 'node:http does not show its port')
})

t.test('names that can only be of the mesh get all, whatever way leads to them', async t => {
  for (const name of [
    'orders',
    'Orders',
    'orders:80',
    'orders.default',
    'orders.shop.svc',
    'orders.shop.svc:8080',
    'orders.shop.svc.cluster.local',
  ])
    t.equal(to(name), 'all', name)
})

t.test('names that may be of the internet get what names the trace: a tunnel through the sidecar hides the rest from it', async t => {
  for (const name of ['orders.shop', 'api.partner.example', 'api.partner.example:8080', '192.0.2.1', '[2001:db8::1]:80'])
    t.equal(to(name), 'trace', name)
  t.equal(to('127.0.0.1', 'api.partner.example'), 'trace')
})

t.test('the own machine, and what is excepted from proxies, gets nothing', async t => {
  for (const name of ['localhost', 'localhost:9200', '127.0.0.1:5432', '127.9.9.9', '[::1]:80', 'db.corp.example', 'corp.example'])
    t.equal(to(name), null, name)
  t.equal(to('127.0.0.1:9200', '127.0.0.1:9200'), null)
  t.equal(to('notcorp.example'), 'trace')
})

t.test('what is encrypted gets nothing: the sidecar cannot take off what must not leave the mesh', async t => {
  for (const protocol of ['https:', 'h2c:', ''])
    t.equal(extentFor({ protocol, host: 'orders', hostField: null, path: '/' }, SIDECAR), null, protocol)
})

t.test('a proxy that is not the sidecar is trusted with nothing', async t => {
  const sidecar = sidecarOf('127.0.0.1:15001', { HTTP_PROXY: 'http://office.example:3128' })
  const absolute = (host: string, path: string) => extentFor({ protocol: 'http:', host, hostField: null, path }, sidecar)
  t.equal(absolute('api.partner.example', 'http://api.partner.example/x'), 'trace')
  t.equal(absolute('office.example:3128', 'http://api.partner.example/x'), 'trace')
})

t.test('without outrider run the sidecar is the proxy of the environment, where that is on this machine', async t => {
  t.same(sidecarOf(null, { http_proxy: 'http://127.0.0.1:15001/' }), { outbound: '127.0.0.1:15001', isProxy: true, direct: [] })
  t.same(sidecarOf(null, { HTTP_PROXY: 'http://office.example:3128' }), { outbound: null, isProxy: false, direct: [] })
  t.same(sidecarOf(null, { HTTP_PROXY: 'no url' }), { outbound: null, isProxy: false, direct: [] })
  t.same(sidecarOf(null, {}), { outbound: null, isProxy: false, direct: [] })
  t.same(sidecarOf(null, { NO_PROXY: '*' }).direct, ['*'])
})
