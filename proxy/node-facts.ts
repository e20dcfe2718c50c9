import { formatHostPort } from './net/address.ts'
import type { ProxyAddresses, ProxyOptions } from './options.ts'

/** Who a sidecar is and where it listens, as `/stats` shows it; addresses as `HOST:PORT`. `outrider check` starts from it. */
export interface NodeFacts {
  readonly id: string
  readonly service: string
  readonly namespace: string
  readonly build: string
  readonly app: string
  readonly control: string
  readonly outbound: string
  readonly inbound: string
  readonly health: string
}

/** @param addresses that the listeners took; null before they have. */
export function nodeFacts(options: ProxyOptions, addresses: ProxyAddresses | null): NodeFacts {
  const { nodeId: id, service, namespace, build } = options
  const { outbound, inbound, health } = addresses ?? options
  return {
    id,
    service,
    namespace,
    build,
    app: formatHostPort(options.app),
    control: formatHostPort(options.control),
    outbound: formatHostPort(outbound),
    inbound: formatHostPort(inbound),
    health: formatHostPort(health),
  }
}
