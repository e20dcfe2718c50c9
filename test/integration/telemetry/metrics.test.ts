import tap from 'tap'
import type { HostPort } from '../../../proxy/net/address.ts'
import { METRICS } from '../../../proxy/telemetry/metric-names.ts'
import { ask, Client, httpRoute, policy, respond, service, TestMesh, Upstream } from '../settled/support.ts'

const mesh = await TestMesh.start()
const app = await new Upstream(() => respond('hello')).listen()
const web = await mesh.sidecar('web', app.port)
const via = web.addresses.outbound.port

tap.teardown(async () => {
  await mesh.stop()
  await app.close()
})

interface Page {
  readonly status: number
  readonly type: string
  readonly text: string
}

async function scrape({ address, port }: HostPort = web.addresses.health, accept = '*/*'): Promise<Page> {
  const response = await fetch(`http://${address}:${port}/metrics`, { headers: { accept } })
  return { status: response.status, type: response.headers.get('content-type') ?? '', text: await response.text() }
}

/** The value of one line of a page; null: it is not there. */
function numberOf({ text }: Page, series: string): number | null {
  const line = text.split('\n').find(each => each.startsWith(`${series} `))
  return line === undefined ? null : Number(line.slice(series.length + 1))
}

const ofRequest = (destination: string, route: string, more: string) =>
  `outrider_requests_total{direction="outbound",source="default/web",destination="${destination}",route="${route}",${more}}`

tap.test('the admin port and the health port show the same series', async t => {
  await mesh.apply(service('orders', [app.port]))
  for (let n = 0; n < 3; n++) t.equal((await ask(via, 'orders', '/', { method: 'POST', body: 'four' })).status, 200)
  const series = ofRequest('default/orders', 'default/orders:80/default', 'method="POST",status="200",flag="-"')
  for (const at of [web.addresses.admin, web.addresses.health]) {
    const page = await scrape(at)
    t.equal(page.status, 200)
    t.equal(page.type, 'text/plain; version=0.0.4; charset=utf-8')
    t.equal(numberOf(page, series), 3)
    t.equal(numberOf(page, series.replace('requests_total', 'request_bytes_total')), 12)
    t.equal(numberOf(page, series.replace('requests_total', 'response_bytes_total')), 15)
  }
  const page = await scrape()
  const peers = 'direction="outbound",destination="default/orders"'
  const ofDuration = 'direction="outbound",source="default/web",destination="default/orders",status_class="2xx"'
  t.equal(numberOf(page, `outrider_request_duration_seconds_count{${ofDuration}}`), 3)
  t.equal(numberOf(page, `outrider_request_duration_seconds_bucket{le="+Inf",${ofDuration}}`), 3)
  t.ok((numberOf(page, `outrider_request_duration_seconds_sum{${ofDuration}}`) as number) < 60, 'seconds')
  t.equal(numberOf(page, `outrider_endpoints{${peers},state="healthy"}`), 1)
  t.equal(numberOf(page, `outrider_breaker_open{${peers},breaker="requests"}`), 0)
  t.equal(numberOf(page, `outrider_breaker_remaining{${peers},breaker="requests"}`), 1024)
  t.equal(numberOf(page, 'outrider_requests_active{direction="outbound"}'), 0)
  t.equal(numberOf(page, 'outrider_config_age_seconds'), 0)
  t.equal(numberOf(page, 'outrider_control_plane_connected'), 1)
  t.match(page.text, new RegExp(`\noutrider_config_info\\{store="[^"]+",revision="${mesh.plane.store.revision}"\\} 1\n`))
})

tap.test('a page has every metric of the table, and no other', async t => {
  const { text } = await scrape()
  const types = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name, type]) => [name, type])
  t.strictSame(
    types,
    Object.values(METRICS).map(({ name, type }) => [name, type]),
  )
  for (const { name, labels } of Object.values(METRICS)) {
    for (const [, found = ''] of text.matchAll(new RegExp(`^${name}(?:_bucket|_sum|_count)?\\{(.*)\\} `, 'gm'))) {
      const names = [...found.matchAll(/(\w+)="/g)].map(match => match[1]).filter(each => each !== 'le')
      t.strictSame(names, labels, name)
    }
  }
})

tap.test('what failed, was tried again or ran out of time is counted by why', async t => {
  await mesh.apply(
    service('slow', [app.port]) + httpRoute('slow', '[{ timeouts: { request: 50ms }, backendRefs: [{ name: slow, port: 80 }] }]'),
  )
  app.act = () => 'hang'
  t.equal((await ask(via, 'slow', '/', { method: 'BREW' })).status, 504)
  app.act = () => respond('busy', 503)
  await mesh.apply(service('busy', [app.port]) + policy('busy', 'retry: { attempts: 2, budget: { percent: 100, minPerSecond: 10 } }'))
  t.equal((await ask(via, 'busy')).status, 503)
  t.equal((await ask(via, 'web:1234')).status, 404)
  const refused = await new Client(via).write('G@T / HTTP/1.1\r\nHost: orders\r\n\r\n').closed
  t.match(refused, /^HTTP\/1\.1 400 /)
  const page = await scrape()
  const ofRoute = (destination: string, route: string) =>
    `direction="outbound",source="default/web",destination="${destination}",route="${route}"`
  t.equal(numberOf(page, ofRequest('default/slow', 'default/slow/1', 'method="_other",status="504",flag="UT"')), 1)
  t.equal(numberOf(page, `outrider_timeouts_total{${ofRoute('default/slow', 'default/slow/1')},timeout="request"}`), 1)
  t.equal(numberOf(page, ofRequest('default/busy', 'default/busy:80/default', 'method="GET",status="503",flag="URX"')), 1)
  t.equal(numberOf(page, `outrider_retries_total{${ofRoute('default/busy', 'default/busy:80/default')}}`), 2)
  t.equal(numberOf(page, ofRequest('unknown', '', 'method="GET",status="404",flag="NR"')), 1)
  t.equal(numberOf(page, ofRequest('unknown', '', 'method="_other",status="400",flag="DPE"')), 1)
  app.act = () => respond('hello')
})

tap.test('a host outside the mesh is `_passthrough`, whatever its name', async t => {
  t.equal((await ask(via, `127.0.0.1:${app.port}`)).status, 200)
  const page = await scrape()
  t.equal(numberOf(page, ofRequest('_passthrough', 'passthrough', 'method="GET",status="200",flag="-"')), 1)
  t.notMatch(page.text, `127.0.0.1:${app.port}`)
})

tap.test('the other side counts what comes in, from an unknown source', async t => {
  t.equal((await ask(web.addresses.inbound.port, 'web')).status, 200)
  const labels = 'direction="inbound",source="unknown",destination="default/web",route="inbound",method="GET",status="200",flag="-"'
  const page = await scrape()
  t.equal(numberOf(page, `outrider_requests_total{${labels}}`), 1)
  t.equal(numberOf(page, 'outrider_endpoints{direction="inbound",destination="default/web",state="healthy"}'), 1)
})

tap.test('the series of a removed route are shown once more and then go', async t => {
  await mesh.apply(service('gone', [app.port]) + httpRoute('gone', '[{ backendRefs: [{ name: gone, port: 80 }] }]'))
  t.equal((await ask(via, 'gone')).status, 200)
  const series = ofRequest('default/gone', 'default/gone/1', 'method="GET",status="200",flag="-"')
  t.equal(numberOf(await scrape(), series), 1)
  t.equal((await ask(via, 'gone')).status, 200)
  const response = await fetch(`${mesh.api}/v1/httproute/default/gone`, { method: 'DELETE' })
  t.equal(response.status, 204)
  await mesh.inForce()
  t.equal(numberOf(await scrape(), series), 2, 'what was counted since the last scrape is not lost')
  t.equal(numberOf(await scrape(), series), null)
})

tap.test('OpenMetrics goes out to who asks for it, also while others take text', async t => {
  const prometheus =
    'application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1'
  const [open, plain] = await Promise.all([scrape(web.addresses.health, prometheus), scrape()])
  t.equal(open.type, 'application/openmetrics-text; version=1.0.0; charset=utf-8')
  t.match(open.text, /\n# EOF\n$/)
  t.match(open.text, /\n# TYPE outrider_requests counter\noutrider_requests_total\{/)
  t.equal(plain.type, 'text/plain; version=0.0.4; charset=utf-8')
  t.match(plain.text, /\n# TYPE outrider_requests_total counter\noutrider_requests_total\{/)
  const lines = (page: Page) => page.text.split('\n').filter(line => line.startsWith('outrider_request'))
  t.strictSame(lines(open), lines(plain), 'the same series in both')
})
