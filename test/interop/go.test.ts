import t from 'tap'
import { compare } from './support/compare.ts'
import { type Expected, expected, REFUSED_TUNNEL } from './support/expected.ts'
import { runClient, startMesh } from './support/interop-mesh.ts'
import { goProgram } from './support/tools.ts'

t.test("Go's client speaks HTTP through one sidecar and through two", async t => {
  const mesh = await startMesh(t)
  const address = `http://${mesh.outbound}`
  for (const mode of ['host', 'env', 'connect']) {
    const env: Record<string, string> = mode === 'env' ? { HTTP_PROXY: address, http_proxy: address } : {}
    const tunnel = mode === 'connect' ? REFUSED_TUNNEL : {}
    const changes: Expected = { 'keep-alive': { good: 50, connections: 1 }, ...tunnel }
    for (const service of ['plain', 'orders']) {
      await t.test(`net/http as ${mode} to ${service}`, async t => {
        const results = await runClient(goProgram('client'), [mode, mesh.outbound, service, mesh.outside], env)
        compare(t, results, expected(mesh.outside, { changes }))
      })
    }
  }
})
