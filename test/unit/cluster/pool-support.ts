import { DEFAULT_BREAKER } from '../../../proxy/cluster/config.ts'
import type { Host } from '../../../proxy/cluster/endpoint.ts'
import { EndpointCluster } from '../../../proxy/cluster/endpoint-cluster.ts'
import { config, endpoint, never, world } from './support.ts'

/** A cluster of these addresses, by hand. */
export function poolWorld(limits: Partial<typeof DEFAULT_BREAKER> = {}, addresses = ['10.0.0.1']) {
  const mesh = world()
  const breaker = { ...DEFAULT_BREAKER, ...limits }
  const cluster = new EndpointCluster(
    config(
      addresses.map(each => endpoint(each)),
      { breaker },
    ),
    mesh.environment,
    false,
  )
  const host = cluster.hosts[0]!
  /** A new connection that is taken. */
  const open = async (which: Host = host) => {
    const got = cluster.acquire(which, never(), true)
    const connection = await mesh.connects.at(-1)!.accept()
    await got
    return connection
  }
  return { ...mesh, cluster, host, open }
}
