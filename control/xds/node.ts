import type { Node } from '../../protos/gen/envoy/config/core/v3/base_pb.ts'
import type { NodeGroup } from '../translate/resources.ts'

/** What a discovery stream says of itself. */
export interface NodeIdentity {
  readonly id: string
  readonly service: string
  readonly namespace: string
  readonly labels: Readonly<Record<string, string>>
  readonly build: string
  readonly client: NodeGroup['client']
}

/** Longest id, octets: what is longer is an attack or a mistake. */
export const MAX_NODE_ID = 253

/** Labels of one node, and characters of each text that it says of itself: they are kept and shown for each proxy. */
export const MAX_NODE_LABELS = 64
export const MAX_NODE_TEXT = 253

/** How our own sidecars name themselves. */
const OUR_AGENT = 'outrider'

type Fields = Readonly<Record<string, unknown>>

/**
 * Reads an xDS node. The namespace is in its metadata (`namespace`, or `NAMESPACE` as in Istio), labels in `labels`; the service is its cluster.
 * Everything that is not our sidecar is served what an Envoy takes.
 */
export function nodeIdentity(node: Node): NodeIdentity {
  const metadata: Fields = node.metadata ?? {}
  const version = node.userAgentVersionType
  return {
    id: node.id.slice(0, MAX_NODE_ID),
    service: text(metadata['service']) ?? node.cluster.slice(0, MAX_NODE_TEXT),
    namespace: text(metadata['namespace']) ?? text(metadata['NAMESPACE']) ?? 'default',
    labels: labelsOf(metadata['labels']),
    build: text(metadata['build']) ?? (version.case === 'userAgentVersion' ? version.value.slice(0, MAX_NODE_TEXT) : ''),
    client: node.userAgentName === OUR_AGENT ? 'outrider' : 'envoy',
  }
}

function text(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value.slice(0, MAX_NODE_TEXT) : null
}

function labelsOf(value: unknown): Readonly<Record<string, string>> {
  if (typeof value !== 'object' || value === null) return {}
  const texts = Object.entries(value).filter((entry): entry is [string, string] => typeof entry[1] === 'string')
  return Object.fromEntries(texts.slice(0, MAX_NODE_LABELS).map(pair => pair.map(each => each.slice(0, MAX_NODE_TEXT))))
}
