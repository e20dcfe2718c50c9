import { createServer } from 'node:net'
import type { Address } from './values.ts'

/** A port that was free a moment ago. */
export function freePort(host: string): Promise<number> {
  return tryListen({ host, port: 0 }).then(port => port ?? Promise.reject(new Error(`no free port on ${host}`)))
}

/** The address itself where its port is free, else the same host with port 0. */
export async function portOrFree(address: Address): Promise<Address> {
  return (await tryListen(address)) === null ? { host: address.host, port: 0 } : address
}

/** The port that could be bound, or null. */
function tryListen({ host, port }: Address): Promise<number | null> {
  return new Promise(resolve => {
    const server = createServer()
    server.once('error', () => resolve(null))
    server.listen({ host, port }, () => {
      const bound = server.address()
      server.close(() => resolve(bound !== null && typeof bound === 'object' ? bound.port : null))
    })
  })
}
