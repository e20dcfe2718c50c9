import t from 'tap'
import { collectorOf } from '../../../../control/cli/collector.ts'
import { FlagValues } from '../../../../control/cli/flag-values.ts'

const given = (value: string | null) => new FlagValues(new Map([['otlp', value === null ? [] : [{ value, source: '--otlp' }]]]))

t.test('port and path say whether spans go over gRPC or HTTP', async t => {
  const collectors: [string, string, 'grpc' | 'http'][] = [
    ['http://127.0.0.1:4317', 'http://127.0.0.1:4317', 'grpc'],
    ['http://127.0.0.1:4317/', 'http://127.0.0.1:4317', 'grpc'],
    ['https://collector.example:443', 'https://collector.example:443', 'grpc'],
    ['http://collector.example', 'http://collector.example:80', 'grpc'],
    ['http://[::1]:14317', 'http://[::1]:14317', 'grpc'],
    ['http://127.0.0.1:4318', 'http://127.0.0.1:4318/v1/traces', 'http'],
    ['http://127.0.0.1:4318/', 'http://127.0.0.1:4318/v1/traces', 'http'],
    ['http://127.0.0.1:9/v1/traces', 'http://127.0.0.1:9/v1/traces', 'http'],
    ['https://gateway.example/otlp/', 'https://gateway.example/otlp/v1/traces', 'http'],
  ]
  for (const [value, url, protocol] of collectors) t.strictSame(collectorOf(given(value)), { url, protocol }, value)
  t.equal(collectorOf(given(null)), null)
})

t.test('what a collector cannot have is refused by name', async t => {
  t.throws(() => collectorOf(given('http://a:4317?token=1')), {
    message: '--otlp may not have a query or fragment, as "http://a:4317?token=1" has; such as http://127.0.0.1:4317 (--otlp)',
  })
  t.throws(() => collectorOf(given('http://me:secret@a:4317')), {
    message: '--otlp may not have credentials, which OTEL_EXPORTER_OTLP_HEADERS takes; such as http://127.0.0.1:4317 (--otlp)',
  })
})
