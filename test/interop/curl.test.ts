import t from 'tap'
import { compare } from './support/compare.ts'
import { Curl, type CurlMode } from './support/curl.ts'
import { curlScenarios } from './support/curl-scenarios.ts'
import { type Expected, expected, REFUSED_TUNNEL } from './support/expected.ts'
import { type ClientResult, startMesh } from './support/interop-mesh.ts'

const MODES: readonly CurlMode[] = ['host', 'proxy', 'connect']

/** One curl is one connection's life: what follows on the connection is shown by its exit. */
const CHANGES: Expected = {
  'keep-alive': { good: 50, connections: 1 },
  head: { status: 200, contentLength: ['1000'], exit: 0 },
  204: { status: 204, kind: ['empty'], octets: 0, exit: 0 },
  304: { status: 304, etag: ['"one"'], octets: 0, exit: 0 },
}

t.test('curl speaks HTTP through one sidecar and through two', async t => {
  const mesh = await startMesh(t)
  for (const mode of MODES) {
    const curl = new Curl(t, mesh.outbound, mode)
    for (const service of ['plain', 'orders']) {
      await t.test(`curl as ${mode} to ${service}`, async t => {
        const results: ClientResult[] = []
        for (const [name, run] of Object.entries(curlScenarios(curl, mode, service, mesh.outside))) {
          const facts = await run().catch(error => ({ failed: String(error) }))
          results.push({ library: 'curl', mode, service, name, ...facts })
        }
        const changes = mode === 'connect' ? { ...CHANGES, ...REFUSED_TUNNEL } : CHANGES
        compare(t, results, expected(mesh.outside, { lacks: ['trailers', 'request-trailers'], changes }))
      })
    }
    await t.test(`curl as ${mode} with HTTP/1.0`, async t => {
      for (const service of ['plain', 'orders']) {
        const answer = await curl.ask(service, '/echo', '--http1.0')
        t.equal(answer.status, 200)
        t.equal(JSON.parse(answer.body.toString()).method, 'GET')
        // Chunked can't be said to HTTP/1.0: the end of the connection is the end.
        const large = await curl.ask(service, '/download?bytes=1000000&chunked', '--http1.0')
        t.equal(large.body.length, 1_000_000)
        t.notOk(large.headers.some(([name]) => name.toLowerCase() === 'transfer-encoding'))
        t.equal(large.exit, 0)
        const posted = await curl.ask(service, '/echo', '--http1.0', '-d', 'abc')
        t.equal(JSON.parse(posted.body.toString()).octets, 3)
      }
    })
  }
})
