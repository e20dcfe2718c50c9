import { execFileSync } from 'node:child_process'
import { existsSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { BACKEND_PORTS, type Peer } from './peers.ts'
import { listening, type Running, start } from './process.ts'

const SINK = join(import.meta.dirname, 'otlp-sink.ts')
const COLLECTOR = 19_318
const LAUNCHER = join(import.meta.dirname, '../../../bin/outrider.js')
/** The control API of the control plane that configures it. */
export const API = 'http://127.0.0.1:19280'

/** The same work as the peers do, as documents. */
const DOCUMENTS = `apiVersion: outrider.dev/v1
kind: Service
metadata: { name: orders }
spec:
  ports: [{ port: 80, protocol: http }]
  endpoints:
${BACKEND_PORTS.map(port => `    - { address: 127.0.0.1, port: ${port} }`).join('\n')}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: orders }
spec:
  parentRefs: [{ group: "", kind: Service, name: orders }]
  rules:
    - matches: [{ path: { type: PathPrefix, value: /api/v1 } }]
      backendRefs: [{ name: orders, port: 80 }]
      retry: { attempts: 2, codes: [502, 503, 504] }
      timeouts: { backendRequest: 5s }
    - matches: [{ path: { type: PathPrefix, value: /api } }]
      backendRefs: [{ name: orders, port: 80 }]
      retry: { attempts: 2, codes: [502, 503, 504] }
      timeouts: { backendRequest: 5s }
    - backendRefs: [{ name: orders, port: 80 }]
`

/** Our sidecar, its outbound listener, with metrics, access log and spans of 1 % as it has them by default; its control plane and collector are on the other core. */
export const outrider: Peer = {
  name: 'outrider',
  port: 19_205,
  version: () => execFileSync(process.execPath, [LAUNCHER, '--version'], { encoding: 'utf8' }).trim(),
  start: async (directory, core) => {
    const control = await startControl(directory, 1 - core)
    const collector = start(1 - core, process.execPath, [SINK, String(COLLECTOR)])
    await listening(COLLECTOR)
    const file = join(directory, 'orders.yaml')
    writeFileSync(file, DOCUMENTS)
    execFileSync(process.execPath, [LAUNCHER, 'apply', '-f', file, '--no-wait', '--api', API], { stdio: 'ignore' })
    const ready = join(directory, 'outrider.ready')
    rmSync(ready, { force: true })
    const flags = ['--service', 'web', '--app', '127.0.0.1:19101', '--control', '127.0.0.1:19212', '--outbound', '127.0.0.1:19205']
    const more = ['--otlp', `http://127.0.0.1:${COLLECTOR}/v1/traces`, '--ready-file', ready]
    const ports = ['--inbound', '127.0.0.1:0', '--admin', '127.0.0.1:19215', '--health', '127.0.0.1:0', ...more]
    const running = start(core, process.execPath, [LAUNCHER, 'proxy', ...flags, ...ports])
    const until = performance.now() + 20_000
    while (!existsSync(ready)) {
      if (performance.now() > until) throw new Error('the sidecar was not ready within 20 s')
      await new Promise(resolve => setTimeout(resolve, 50))
    }
    return {
      ...running,
      stop: async () => {
        await running.stop()
        await control.stop()
        await collector.stop()
      },
    }
  },
}

async function startControl(directory: string, core: number): Promise<Running> {
  const data = join(directory, 'control')
  const flags = ['--data-dir', data, '--api', '127.0.0.1:19280', '--xds', '127.0.0.1:19212']
  // In a mesh it is another machine's: it must not take the servers' time.
  const control = start(core, 'nice', ['-n', '19', process.execPath, LAUNCHER, 'control', ...flags])
  await listening(19_280)
  await listening(19_212)
  return control
}
