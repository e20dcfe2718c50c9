import t from 'tap'
import { compare } from './support/compare.ts'
import { type Abilities, type Expected, expected, REFUSED_TUNNEL } from './support/expected.ts'
import { runClient, startMesh } from './support/interop-mesh.ts'
import { program, python } from './support/tools.ts'

/** A library, and how it uses the sidecar; see clients/client.py. */
type Way = readonly [library: 'http.client' | 'urllib' | 'requests' | 'aiohttp', mode: 'host' | 'proxy' | 'connect']

const WAYS: readonly Way[] = [
  ['http.client', 'host'],
  ['http.client', 'proxy'],
  ['http.client', 'connect'],
  ['urllib', 'host'],
  ['urllib', 'proxy'],
  ['requests', 'host'],
  ['requests', 'proxy'],
  ['aiohttp', 'host'],
  ['aiohttp', 'proxy'],
]

function abilities([library, mode]: Way): Abilities {
  const changes: Expected = {}
  if (library === 'http.client') changes['keep-alive'] = { good: 50, connections: 1 }
  if (mode === 'connect') Object.assign(changes, REFUSED_TUNNEL)
  if (library === 'urllib') changes['redirect'] = { status: 200, path: '/echo?moved' }
  // It writes fields as UTF-8: other octets, carried as they are.
  if (library === 'aiohttp') changes['latin1'] = { received: '636166e9', sent: '6e61c3af7665' }
  return { lacks: ['trailers', 'request-trailers', 'expect-continue', 'early-hints'], changes }
}

t.test("Python's clients speak HTTP through one sidecar and through two", async t => {
  const mesh = await startMesh(t)
  const address = `http://${mesh.outbound}`
  for (const way of WAYS) {
    const env: Record<string, string> = way[1] === 'proxy' ? { HTTP_PROXY: address, http_proxy: address } : {}
    for (const service of ['plain', 'orders']) {
      const args = [program('clients/client.py'), ...way, mesh.outbound, service, mesh.outside]
      await t.test(`${way[0]} as ${way[1]} to ${service}`, async t => {
        compare(t, await runClient(python(), args, env), expected(mesh.outside, abilities(way)))
      })
    }
  }
})
