import t from 'tap'
import { compare } from './support/compare.ts'
import { type Abilities, type Expected, expected, REFUSED_TUNNEL } from './support/expected.ts'
import { type InteropMesh, runClient, startMesh } from './support/interop-mesh.ts'
import { NODE_VERSIONS, node, program } from './support/tools.ts'

/** How a program uses the sidecar; see clients/node.mjs. */
type Mode = 'host' | 'proxy' | 'connect' | 'env'

interface Way {
  readonly library: 'http' | 'fetch' | 'undici'
  readonly mode: Mode
  readonly services: readonly string[]
}

// Each library through one sidecar and through two, and in each of its ways of using a proxy.
const WAYS: readonly Way[] = [
  { library: 'http', mode: 'host', services: ['plain', 'orders'] },
  { library: 'http', mode: 'proxy', services: ['orders'] },
  { library: 'http', mode: 'connect', services: ['orders'] },
  { library: 'http', mode: 'env', services: ['orders'] },
  { library: 'fetch', mode: 'env', services: ['plain', 'orders'] },
  { library: 'fetch', mode: 'proxy', services: ['plain', 'orders'] },
  { library: 'undici', mode: 'host', services: ['plain', 'orders'] },
  { library: 'undici', mode: 'proxy', services: ['orders'] },
  { library: 'undici', mode: 'connect', services: ['orders'] },
  { library: 'undici', mode: 'env', services: ['orders'] },
]

function abilities(version: string, { library, mode }: Way): Abilities {
  const changes: Record<string, Record<string, unknown>> = {}
  // A kept connection shows in its port, where the library shows the port.
  if (library === 'http' && mode !== 'env') changes['keep-alive'] = { good: 50, connections: 1 }
  // From Node 26 on, fetch gives a proxy http URLs in absolute form; before, in a tunnel.
  const tunnels = library === 'undici' || (library === 'fetch' && version !== '26')
  if (mode === 'connect' || (mode === 'env' && tunnels)) Object.assign(changes, REFUSED_TUNNEL)
  const lacks: Record<Way['library'], string[]> = {
    http: [],
    fetch: ['trailers', 'request-trailers', 'expect-continue', 'early-hints'],
    undici: ['redirect', 'request-trailers', 'expect-continue'],
  }
  return { lacks: lacks[library], changes: changes as Expected }
}

async function tryOut(t: Tap, mesh: InteropMesh, version: string, way: Way): Promise<void> {
  const address = `http://${mesh.outbound}`
  const env: Record<string, string> = way.mode === 'env' ? { NODE_USE_ENV_PROXY: '1', HTTP_PROXY: address, http_proxy: address } : {}
  for (const service of way.services) {
    const args = [program('clients/node.mjs'), way.library, way.mode, mesh.outbound, service, mesh.outside]
    await t.test(`${way.library} as ${way.mode} to ${service}`, async t => {
      compare(t, await runClient(node(version), args, env), expected(mesh.outside, abilities(version, way)))
    })
  }
}

type Tap = typeof t

t.test('Node speaks HTTP through one sidecar and through two', async t => {
  const mesh = await startMesh(t)
  for (const version of NODE_VERSIONS) {
    await t.test(`Node ${version}`, async t => {
      // Node 20 does not read HTTP_PROXY, except by undici's EnvHttpProxyAgent.
      const ways = WAYS.filter(way => version !== '20' || way.mode !== 'env' || way.library === 'undici')
      for (const way of ways) await tryOut(t as unknown as Tap, mesh, version, way)
    })
  }
})
