import t from 'tap'
import { TYPES } from '../../../control/translate/resources.ts'
import type { VirtualHost } from '../../../proxy/route/route.ts'
import { decodeCluster } from '../../../proxy/xds/cluster.ts'
import { decodeEndpoints } from '../../../proxy/xds/endpoint.ts'
import { decodeListener } from '../../../proxy/xds/listener.ts'
import { decodeRoutes } from '../../../proxy/xds/route.ts'
import { decodeVirtualHost } from '../../../proxy/xds/virtual-host.ts'
import { CASES, resourcesOf, viewOf } from './cases.ts'

const DECODERS = {
  [TYPES.cluster]: decodeCluster,
  [TYPES.endpoint]: decodeEndpoints,
  [TYPES.listener]: decodeListener,
  [TYPES.routes]: decodeRoutes,
  [TYPES.virtualHost]: decodeVirtualHost,
}

/** No retries at all are null here; on the wire a per-try timeout needs a retry policy, of no attempts. */
function withoutIdleRetries(host: VirtualHost): VirtualHost {
  const routes = host.routes.map(({ match, route }) => ({ match, route: route.retry?.attempts === 0 ? { ...route, retry: null } : route }))
  return { ...host, routes }
}

t.test('a sidecar reads every resource of every case without a fault', async t => {
  for (const name of CASES) {
    for (const [type, resources] of resourcesOf(name).byType) {
      for (const resource of resources.values()) {
        const decoded = DECODERS[type](resource.body)
        t.ok(decoded.ok, `${name} ${resource.name} ${decoded.ok ? '' : decoded.faults}`)
      }
    }
  }
})

t.test('virtual hosts are the same after a journey over the wire', async t => {
  for (const name of CASES) {
    const set = resourcesOf(name)
    for (const host of viewOf(name).virtualHosts) {
      const resource = set.byType.get(TYPES.virtualHost)?.get(host.name)
      if (resource === undefined) continue
      const decoded = decodeVirtualHost(resource.body)
      if (decoded.ok) t.same(withoutIdleRetries(decoded.value), host, `${name} ${host.name}`)
    }
  }
})

t.test('what is to be seen of requests is the same after a journey over the wire', async t => {
  for (const name of CASES) {
    for (const resource of resourcesOf(name).byType.get(TYPES.listener)?.values() ?? []) {
      const decoded = decodeListener(resource.body)
      if (decoded.ok) t.same(decoded.value.listener.telemetry, viewOf(name).mesh.telemetry, `${name} ${resource.name}`)
    }
  }
})
