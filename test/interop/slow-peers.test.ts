import { readFileSync } from 'node:fs'
import type { Socket } from 'node:net'
import t from 'tap'
import type { Sidecar } from '../support/e2e/mesh.ts'
import { until } from '../support/e2e/process.ts'
import { listed, startMesh } from './support/interop-mesh.ts'
import { RawClient, rawServer } from './support/raw.ts'

const MEBI = 1024 * 1024
const TOTAL = 256 * MEBI
/** What the kernel's buffers on the way may hold (tcp_wmem and tcp_rmem, each of three connections), and the sidecars' own. */
const MAX_ON_THE_WAY = 48 * MEBI
/** What a sidecar may grow by for one slow stream: V8's own ups and downs, far from the 256 MiB that are sent. */
const MAX_GROWTH = 40 * MEBI

/** Resident octets of a process. */
function resident({ proxy }: Sidecar): number {
  const status = readFileSync(`/proc/${proxy.pid}/status`, 'utf8')
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) * 1024
}

/** Resolves when a number has stood still for half a second. */
async function still(what: string, read: () => number): Promise<void> {
  let last = -1
  let since = performance.now()
  await until(`${what} stands still`, () => {
    if (read() !== last) since = performance.now()
    last = read()
    return last > 0 && performance.now() - since > 500
  })
}

/** Writes `TOTAL` octets as fast as they are taken. @returns how many were written so far. */
function pour(socket: Socket): () => number {
  const chunk = Buffer.alloc(MEBI, 'x')
  let written = 0
  const more = () => {
    while (written < TOTAL) {
      written += chunk.length
      if (!socket.write(chunk)) return
    }
  }
  socket.on('drain', more)
  more()
  return () => written - socket.writableLength
}

t.test('a reader that does not read stops the app, and costs no memory in between', async t => {
  const mesh = await startMesh(t)
  let written = () => 0
  const app = await rawServer(t, (socket, head) => {
    if (!head.startsWith('GET /big')) return
    socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${TOTAL}\r\n\r\n`)
    written = pour(socket)
  })
  const behind = await mesh.mesh.startSidecar('behind', { appPort: app.port })
  await mesh.mesh.apply(listed('beside', app.port))
  for (const service of ['beside', 'behind']) {
    const before = [resident(mesh.web), resident(behind)] as const
    const client = new RawClient(t, mesh.web)
    client.socket.pause()
    client.say(`GET /big HTTP/1.1\r\nHost: ${service}\r\n\r\n`)
    await still('what the app has written', () => written())
    t.ok(written() < MAX_ON_THE_WAY, `${service}: the app was stopped after ${Math.round(written() / MEBI)} MiB`)
    const grown = Math.max(resident(mesh.web) - before[0], resident(behind) - before[1])
    t.ok(grown < MAX_GROWTH, `${service}: no sidecar grew by more than ${Math.round(grown / MEBI)} MiB`)
    let octets = 0
    client.socket.removeAllListeners('data')
    client.socket.on('data', chunk => {
      octets += chunk.length
    })
    client.socket.resume()
    await until('all has come', () => octets > TOTAL)
    const after = Math.max(resident(mesh.web) - before[0], resident(behind) - before[1])
    t.ok(after < 2 * MAX_GROWTH, `${service}: nor by more than ${Math.round(after / MEBI)} MiB when all has gone through`)
    client.socket.destroy()
  }
})

t.test('an app that does not read stops the client, and costs no memory in between', async t => {
  const mesh = await startMesh(t)
  let upload: Socket | null = null
  const app = await rawServer(t, (socket, head) => {
    if (!head.startsWith('POST /big')) return
    socket.removeAllListeners('data')
    socket.pause()
    upload = socket
  })
  const behind = await mesh.mesh.startSidecar('behind', { appPort: app.port })
  await mesh.mesh.apply(listed('beside', app.port))
  for (const service of ['beside', 'behind']) {
    const before = [resident(mesh.web), resident(behind)] as const
    const client = new RawClient(t, mesh.web).say(`POST /big HTTP/1.1\r\nHost: ${service}\r\nContent-Length: ${TOTAL}\r\n\r\n`)
    const written = pour(client.socket)
    await still('what the client has sent', written)
    t.ok(written() < MAX_ON_THE_WAY, `${service}: the client was stopped after ${Math.round(written() / MEBI)} MiB`)
    const grown = Math.max(resident(mesh.web) - before[0], resident(behind) - before[1])
    t.ok(grown < MAX_GROWTH, `${service}: no sidecar grew by more than ${Math.round(grown / MEBI)} MiB`)
    let octets = 0
    const socket = upload as Socket | null
    socket?.on('data', chunk => {
      octets += chunk.length
    })
    socket?.resume()
    await until('all has come', () => octets > TOTAL - MEBI)
    socket?.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ndone')
    t.match(await client.hears('done'), /^HTTP\/1\.1 200/)
    client.socket.destroy()
    upload = null
  }
})
