import { randomInt } from 'node:crypto'
import { createServer, type Server } from 'node:net'
import type { Address } from './values.ts'

/**
 * Where ports are looked for that somebody else takes a second later: below those that systems give to connections and to port 0 (Linux from 32,768, others
 * from 49,152), so that none of them takes it in between; above the well-known ones.
 */
const FIRST = 20_000
const END = 32_768
/** Ports that are tried before the system's own choice is taken: with half of the range in use one in a million looks finds none. */
const MAX_LOOKS = 20

/** A port that was free a moment ago. */
export async function freePort(host: string): Promise<number> {
  const [port] = await freePorts(host, 1)
  return port as number
}

/** So many ports, all different, that were free a moment ago. */
export async function freePorts(host: string, count: number): Promise<readonly number[]> {
  const servers = await Promise.all(Array.from({ length: count }, () => listenSomewhere(host)))
  return servers.map(server => {
    if (server === null) throw new Error(`no free port on ${host}`)
    return portOf(server)
  })
}

/** The address itself where its port is free, else the same host with port 0. */
export async function portOrFree(address: Address): Promise<Address> {
  const server = await listen(address)
  if (server === null) return { host: address.host, port: 0 }
  portOf(server)
  return address
}

async function listenSomewhere(host: string): Promise<Server | null> {
  for (let looks = 0; looks < MAX_LOOKS; looks++) {
    const server = await listen({ host, port: randomInt(FIRST, END) })
    if (server !== null) return server
  }
  return listen({ host, port: 0 })
}

/** Null where the port cannot be bound. */
function listen(address: Address): Promise<Server | null> {
  return new Promise(resolve => {
    const server = createServer()
    server.once('error', () => resolve(null))
    server.listen(address, () => resolve(server))
  })
}

/** Its port, which is free from now on. */
function portOf(server: Server): number {
  const bound = server.address()
  server.close()
  return bound !== null && typeof bound === 'object' ? bound.port : 0
}
