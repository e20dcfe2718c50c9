import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { appEnvironment, inheritedPort } from '../../../../control/cli/app-environment.ts'
import { clearReady } from '../../../../control/cli/ready.ts'
import type { Collector } from '../../../../proxy/telemetry/tracer.ts'

t.test('a restarted process is not taken for ready because of the ready file that the one before has left', async t => {
  const file = join(t.testdir(), 'ready')
  writeFileSync(file, '{"pid":1}')
  clearReady(file)
  t.notOk(existsSync(file))
  clearReady(file)
  clearReady(null)
})

t.test('an app listens where its sidecar looks for it, although the shell has a PORT of its own', async t => {
  const outbound = { host: '127.0.0.1', port: 15001 }
  t.equal(appEnvironment({ PORT: '3000' }, outbound, 8080, null)['PORT'], '8080')
  t.equal(appEnvironment({ HTTP_PROXY: 'http://office:3128' }, outbound, 8080, null)['HTTP_PROXY'], 'http://office:3128')
  t.equal(inheritedPort({ PORT: '3000' }), 3000)
  for (const PORT of ['', '0', '65536', 'tcp://10.0.0.1:80', undefined]) t.equal(inheritedPort({ PORT }), null)
})

t.test('an app is told of the collector, over whichever protocol, unless the caller has set one', async t => {
  const outbound = { host: '127.0.0.1', port: 15001 }
  const told = (inherited: Record<string, string>, collector: Collector | null) => {
    const { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, OTEL_EXPORTER_OTLP_PROTOCOL: protocol } = appEnvironment(
      inherited,
      outbound,
      8080,
      collector,
    )
    return [endpoint, protocol]
  }
  const http: Collector = { url: 'http://c:4318/v1/traces', protocol: 'http' }
  t.strictSame(told({}, { url: 'http://c:4317', protocol: 'grpc' }), ['http://c:4317', 'grpc'])
  t.strictSame(told({}, http), ['http://c:4318', 'http/protobuf'])
  t.strictSame(told({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://own' }, http), ['http://own', undefined])
  t.strictSame(told({}, null), [undefined, undefined])
})
