import t from 'tap'
import { Exposition, type Family, prefersOpenMetrics } from '../../../proxy/telemetry/exposition.ts'
import { requestFamilies } from '../../../proxy/telemetry/request-families.ts'
import { addTo, RequestSeries } from '../../../proxy/telemetry/request-series.ts'
import { Counters } from '../../../proxy/util/counters.ts'

const OPEN = 'application/openmetrics-text; version=1.0.0'

const requests: Family = {
  metric: { name: 'x_requests_total', type: 'counter', help: 'Requests.', labels: ['route'] },
  samples: () => [
    { sharedLabels: { route: 'a' }, value: 3 },
    { sharedLabels: { route: 'with "quotes", a \\ and\na new line' }, value: 0.5 },
  ],
}
const up: Family = { metric: { name: 'x_up', type: 'gauge', help: 'Up.', labels: [] }, samples: () => [{ value: 1 }] }

t.test('the text format', async t => {
  const { contentType, text } = await new Exposition([requests, up]).page('')
  t.equal(contentType, 'text/plain; version=0.0.4; charset=utf-8')
  t.equal(
    text,
    `# HELP x_requests_total Requests.
# TYPE x_requests_total counter
x_requests_total{route="a"} 3
x_requests_total{route="with \\"quotes\\", a \\\\ and\\na new line"} 0.5

# HELP x_up Up.
# TYPE x_up gauge
x_up 1
`,
  )
})

t.test('OpenMetrics: a counter is called without `_total`, its series with it, and the page says where it ends', async t => {
  const { contentType, text } = await new Exposition([requests, up]).page(OPEN)
  t.equal(contentType, 'application/openmetrics-text; version=1.0.0; charset=utf-8')
  t.equal(
    text,
    `# HELP x_requests Requests.
# TYPE x_requests counter
x_requests_total{route="a"} 3
x_requests_total{route="with \\"quotes\\", a \\\\ and\\na new line"} 0.5
# HELP x_up Up.
# TYPE x_up gauge
x_up 1
# EOF
`,
  )
})

t.test('neither format changes the other, one after the other or at once', async t => {
  const exposition = new Exposition([requests, up])
  const plain = await exposition.page('')
  const open = await exposition.page(OPEN)
  t.strictSame(await exposition.page(''), plain)
  t.strictSame(await Promise.all(['', OPEN, '', OPEN].map(accept => exposition.page(accept))), [plain, open, plain, open])
})

t.test('OpenMetrics is for those who want it at least as much as plain text', async t => {
  const prometheus2 =
    'application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1'
  const prometheus3 =
    'application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2'
  for (const accept of [prometheus2, prometheus3, 'application/openmetrics-text', 'Application/OpenMetrics-Text ; Version=1.0.0'])
    t.ok(prefersOpenMetrics(accept), accept)
  const others = [
    '',
    '*/*',
    'text/html',
    'text/plain',
    'text/plain, application/openmetrics-text;q=0.9',
    'application/openmetrics-text;q=0',
  ]
  for (const accept of [...others, 'application/openmetrics-text;version=0.0.1', 'application/openmetrics-text;q=much'])
    t.notOk(prefersOpenMetrics(accept), accept)
})

t.test('the duration is a histogram in seconds whose buckets add up', async t => {
  const series = new RequestSeries(new Counters())
  const row = series.row(series.durations, ['outbound', 'default/web', 'default/orders'], ['2xx'])
  // Two of at most 0.5 ms, one of at most 1 s, one of more than 10 s.
  for (const [column, count] of [
    [0, 2],
    [12, 1],
    [17, 1],
    [18, 13_000.5],
  ] as const)
    addTo(series.durations, row, column, count)
  const { text } = await new Exposition(requestFamilies(series)).page('')
  const lines = text.split('\n').filter(line => line.startsWith('outrider_request_duration_seconds'))
  const rest = 'direction="outbound",source="default/web",destination="default/orders",status_class="2xx"'
  const bounds = ['0.0005', '0.001', '0.0025', '0.005', '0.01', '0.025', '0.05', '0.075', '0.1', '0.25', '0.5', '0.75']
  t.strictSame(lines, [
    ...bounds.map(le => `outrider_request_duration_seconds_bucket{le="${le}",${rest}} 2`),
    ...['1.0', '2.5', '5.0', '7.5', '10.0'].map(le => `outrider_request_duration_seconds_bucket{le="${le}",${rest}} 3`),
    `outrider_request_duration_seconds_bucket{le="+Inf",${rest}} 4`,
    `outrider_request_duration_seconds_sum{${rest}} 13.0005`,
    `outrider_request_duration_seconds_count{${rest}} 4`,
  ])
})
