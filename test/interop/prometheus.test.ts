import t from 'tap'
import { METRICS } from '../../proxy/telemetry/metric-names.ts'
import { ask, statsOf } from '../support/e2e/ask.ts'
import { Load } from '../support/e2e/load.ts'
import { address } from '../support/e2e/mesh.ts'
import { startMesh } from './support/interop-mesh.ts'
import { checkMetrics, Prometheus } from './support/prometheus.ts'

const OUT = 'job="web",direction="outbound"'

t.test('a real Prometheus reads what sidecars and control plane show, and it is what was sent', async t => {
  const { mesh, web, orders, outbound } = await startMesh(t)
  const at = (each: { host: string; port: number }) => `${each.host}:${each.port}`
  const prometheus = await Prometheus.start(t, { web: at(web.health), orders: at(orders.health), control: mesh.api })
  await prometheus.untilValue('sum(up)', value => value === 3)
  const before = (await prometheus.value(`sum(outrider_requests_total{${OUT}})`)) ?? 0

  const load = new Load({ via: address(outbound), host: 'orders', path: '/echo', perSecond: 200 })
  const toOrders = `sum(outrider_requests_total{${OUT},destination="default/orders"})`
  await prometheus.untilValue(toOrders, value => value > before + 100)
  await prometheus.untilValue(`sum(rate(outrider_requests_total{${OUT},destination="default/orders"}[5s]))`, value => value > 50)
  for (const method of ['GET', 'BREW', 'POST']) await ask(web.outbound, { host: 'empty', path: '/echo', method })
  await prometheus.untilValue(`sum(outrider_requests_total{${OUT},destination="default/empty"})`, value => value === 3)
  // A rate needs a series that grew before its eyes.
  for (const method of ['GET', 'BREW', 'POST']) await ask(web.outbound, { host: 'empty', path: '/echo', method })
  await load.stop()
  t.strictSame(load.failures, [], load.summary())

  await t.test('counts', async t => {
    const sent = load.sent + before + 6
    await prometheus.untilValue(`sum(outrider_requests_total{${OUT}})`, value => value >= sent)
    t.equal(await prometheus.value(`sum(outrider_requests_total{${OUT}})`), sent)
    t.equal(await prometheus.value(`sum(outrider_requests_total{${OUT},destination="default/empty",status="503",flag="UH"})`), 6)
    t.equal(await prometheus.value(`sum(outrider_requests_total{${OUT},method="_other"})`), 2)
    t.equal(await prometheus.value(`sum(outrider_request_duration_seconds_count{${OUT}})`), sent, 'the histogram counts the same')
    const succeeded = await prometheus.value(`sum(outrider_requests_total{${OUT},destination="default/orders",status="200"})`)
    const inbound = 'sum(outrider_requests_total{job="orders",direction="inbound",status="200"})'
    await prometheus.untilValue(inbound, value => value >= (succeeded ?? 0))
    t.equal(await prometheus.value(inbound), succeeded, 'the other side agrees')
  })

  await t.test('the queries of docs/metrics.md give numbers', async t => {
    const p99 = await prometheus.value(
      `histogram_quantile(0.99, sum by (le) (rate(outrider_request_duration_seconds_bucket{${OUT},destination="default/orders"}[1m])))`,
    )
    t.ok(p99 !== null && p99 > 0 && p99 <= 10, `p99 is ${p99} s`)
    const ofEmpty = `${OUT},destination="default/empty"`
    const share = `sum(rate(outrider_requests_total{${ofEmpty},status=~"5.."}[1m])) / sum(rate(outrider_requests_total{${ofEmpty}}[1m]))`
    t.equal(await prometheus.value(share), 1, 'all failed')
    t.ok(((await prometheus.value('rate(nodejs_eventloop_active_seconds_total{job="web"}[1m])')) as number) > 0)
    t.ok(((await prometheus.value('rate(process_cpu_seconds_total{job="web"}[1m])')) as number) > 0)
    t.ok(((await prometheus.value('process_resident_memory_bytes{job="web"}')) as number) > 30e6)
  })

  await t.test('states', async t => {
    const ofOrders = 'job="web",direction="outbound",destination="default/orders"'
    t.equal(await prometheus.value(`outrider_endpoints{${ofOrders},state="healthy"}`), 1)
    t.equal(await prometheus.value(`sum(outrider_breaker_open{${ofOrders}})`), 0)
    const { configuration } = await statsOf(web)
    t.equal(
      await prometheus.value(`outrider_config_info{job="web",store="${configuration.storeId}",revision="${configuration.revision}"}`),
      1,
    )
  })

  await t.test('it was read as OpenMetrics, where counters are named without `_total`', async t => {
    const types = await prometheus.types('web')
    for (const { name, type } of Object.values(METRICS)) t.equal(types.get(name.replace(/_total$/, '')), type, name)
  })

  await t.test('promtool finds nothing wrong with the text format', async t => {
    for (const [name, from] of Object.entries({ web: web.admin, orders: orders.health, control: address(mesh.api) })) {
      const { status, headers, text } = await ask(from, { path: '/metrics' })
      t.equal(status, 200)
      t.match(headers['content-type'], /^text\/plain; version=0\.0\.4/)
      t.strictSame(await checkMetrics(text), { code: 0, said: '' }, name)
    }
  })
})

t.test('promtool does find what is wrong', async t => {
  const { code, said } = await checkMetrics('# HELP outrider_x x\n# TYPE outrider_x counter\noutrider_x 1\n')
  t.equal(code, 3)
  t.match(said, /_total/)
})
