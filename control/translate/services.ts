import { type Document, documentOrigin, type ServicePort, type ServiceSpec } from '../model/document.ts'
import { clusterName, type ServiceEntry } from './tables.ts'

/** What a service has that exists by registration alone. */
const REGISTERED_PORTS: readonly ServicePort[] = [{ port: 80, protocol: 'http' }]

/** Every service by `namespace/name`, sorted. */
export type ServiceTable = ReadonlyMap<string, ServiceEntry>

/** @param registered `namespace/name` of the services that sidecars have registered under. */
export function serviceTable(documents: readonly Document<ServiceSpec>[], registered: readonly string[]): ServiceTable {
  const table = new Map<string, ServiceEntry>()
  for (const document of documents) {
    const { namespace, name } = document.metadata
    table.set(`${namespace}/${name}`, { namespace, name, ports: document.spec.ports, document, origin: documentOrigin(document) })
  }
  for (const key of registered) {
    if (table.has(key)) continue
    const slash = key.indexOf('/')
    const namespace = key.slice(0, slash)
    const name = key.slice(slash + 1)
    table.set(key, { namespace, name, ports: REGISTERED_PORTS, document: null, origin: `registered sidecars of ${key}` })
  }
  return new Map([...table].sort(([a], [b]) => (a < b ? -1 : 1)))
}

/** The port that a name without one means: 80, or else the first. */
export function mainPort(service: ServiceEntry): number {
  const first = service.ports[0]?.port ?? 80
  return service.ports.some(each => each.port === 80) ? 80 : first
}

/** Name of the cluster that a reference means; null: there is no such service or port, or it is no Service. */
export function resolveBackend(
  services: ServiceTable,
  reference: {
    readonly group?: string
    readonly kind?: string
    readonly name: string
    readonly namespace?: string
    readonly port?: number
  },
  namespace: string,
): string | null {
  if ((reference.kind ?? 'Service') !== 'Service') return null
  const service = services.get(`${reference.namespace ?? namespace}/${reference.name}`)
  if (service === undefined) return null
  const port = reference.port ?? mainPort(service)
  if (!service.ports.some(each => each.port === port)) return null
  return clusterName(service.namespace, service.name, port)
}
