import { createServer, type Server } from 'node:net'
import type { Address } from './values.ts'

/** A port that was free a moment ago. */
export async function freePort(host: string): Promise<number> {
  const [port] = await freePorts(host, 1)
  return port as number
}

/** So many ports, all different, that were free a moment ago. */
export async function freePorts(host: string, count: number): Promise<readonly number[]> {
  const servers = await Promise.all(Array.from({ length: count }, () => listen({ host, port: 0 })))
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
