import type { Bootstrap } from './config/bootstrap.ts'
import type { HostPort } from './net/address.ts'
import type { ProxyOptions } from './options.ts'

/** What a sidecar knows of itself by what it was started with. @param app where its app listens, as an IP address. */
export function bootstrapOf(options: ProxyOptions, app: HostPort): Bootstrap {
  const { control, advertise } = options
  return {
    nodeId: options.nodeId,
    service: options.service,
    namespace: options.namespace,
    labels: options.labels,
    build: options.build,
    trustDomain: 'cluster.local',
    control: { host: control.address, port: control.port },
    app: { host: app.address, port: app.port },
    protocol: 'http',
    advertise: advertise === null ? null : { host: advertise.address, port: advertise.port },
  }
}
