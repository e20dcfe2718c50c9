import t from 'tap'
import { compare } from './support/compare.ts'
import type { Expected } from './support/expected.ts'
import { runClient, startMesh } from './support/interop-mesh.ts'
import { NODE_VERSIONS, node, program } from './support/tools.ts'

const BOTH: Expected = {
  text: { isSame: true, code: 1000, reason: '', wasClean: true },
  binary: { octets: 100_000, isSame: true },
  'large frame': { octets: 16 * 1024 * 1024, isSame: true },
  burst: { inOrder: true },
  subprotocol: { protocol: 'chat' },
  'closed by the client': { code: 4000, reason: 'bye', wasClean: true, app: ['closed 4000 bye'] },
  'closed by the app': { code: 4001, reason: 'as asked', wasClean: true },
  'dropped by the app': { code: 1006, wasClean: false },
}

const WS: Expected = {
  ...BOTH,
  ping: { payload: 'are you there', app: ['ping are you there', 'closed 1000 '] },
  'dropped by the client': { app: ['closed 1006 '] },
  refused: { status: 403 },
}

t.test('WebSockets go through one sidecar and through two', async t => {
  const mesh = await startMesh(t)
  for (const version of NODE_VERSIONS) {
    for (const [library, mode] of [
      ['ws', 'host'],
      ['ws', 'connect'],
      ['undici', 'connect'],
    ] as const) {
      for (const service of ['plain', 'orders']) {
        await t.test(`Node ${version}, ${library} as ${mode} to ${service}`, async t => {
          const args = [program('clients/websocket.mjs'), library, mode, mesh.outbound, service]
          compare(t, await runClient(node(version), args), library === 'ws' ? WS : BOTH)
        })
      }
    }
  }
})
