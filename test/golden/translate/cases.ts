import { readdirSync, readFileSync } from 'node:fs'
import { createRegistry, type JsonValue, type Registry, toJson } from '@bufbuild/protobuf'
import { anyUnpack } from '@bufbuild/protobuf/wkt'
import { parseAllDocuments } from 'yaml'
import type { Document } from '../../../control/model/document.ts'
import { buildModel } from '../../../control/model/model.ts'
import type { Lease } from '../../../control/store/store.ts'
import type { NodeGroup, ResourceSet } from '../../../control/translate/resources.ts'
import type { View } from '../../../control/translate/tables.ts'
import { Translator } from '../../../control/translate/translate.ts'
import { viewFor } from '../../../control/translate/view.ts'
import { ClusterSchema } from '../../../protos/gen/envoy/config/cluster/v3/cluster_pb.ts'
import { ClusterLoadAssignmentSchema } from '../../../protos/gen/envoy/config/endpoint/v3/endpoint_pb.ts'
import { ListenerSchema } from '../../../protos/gen/envoy/config/listener/v3/listener_pb.ts'
import { VirtualHostSchema } from '../../../protos/gen/envoy/config/route/v3/route_components_pb.ts'
import { RouteConfigurationSchema } from '../../../protos/gen/envoy/config/route/v3/route_pb.ts'
import { RouterSchema } from '../../../protos/gen/envoy/extensions/filters/http/router/v3/router_pb.ts'
import { HttpConnectionManagerSchema } from '../../../protos/gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.ts'
import { HttpProtocolOptionsSchema } from '../../../protos/gen/envoy/extensions/upstreams/http/v3/http_protocol_options_pb.ts'

const REGISTRY: Registry = createRegistry(
  ClusterSchema,
  ClusterLoadAssignmentSchema,
  ListenerSchema,
  RouteConfigurationSchema,
  VirtualHostSchema,
  RouterSchema,
  HttpConnectionManagerSchema,
  HttpProtocolOptionsSchema,
)

const FOLDER = new URL('.', import.meta.url)

/** Names of the cases: each has `<name>.in.yaml` and `<name>.out.json`. */
export const CASES: readonly string[] = readdirSync(FOLDER)
  .filter(name => name.endsWith('.in.yaml'))
  .map(name => name.slice(0, -'.in.yaml'.length))
  .sort()

/** Where a case's expected translation is. */
export function expectedFile(name: string): URL {
  return new URL(`${name}.out.json`, FOLDER)
}

interface Input {
  readonly group: NodeGroup
  readonly leases: readonly Lease[]
  readonly documents: readonly Document[]
}

function read(name: string): Input & { readonly show: readonly string[] | undefined } {
  const text = readFileSync(new URL(`${name}.in.yaml`, FOLDER), 'utf8')
  const [head, ...documents] = parseAllDocuments(text).map(each => each.toJS())
  return { ...input(head), documents: documents.map(withNamespace), show: head.show }
}

/** The translation of a case. */
export function resourcesOf(name: string): ResourceSet {
  const { group, leases, documents } = read(name)
  return new Translator().resourcesFor(buildModel(documents, 1), leases, group)
}

/** The neutral tables of a case. */
export function viewOf(name: string): View {
  const { group, leases, documents } = read(name)
  return viewFor(buildModel(documents, 1), leases, group)
}

/** A case's first YAML document says the group, the leases and which types are shown; the others are documents as an operator writes them. */
export function translate(name: string): string {
  const { show } = read(name)
  const set = resourcesOf(name)
  const shown: Record<string, JsonValue> = {}
  for (const [type, resources] of set.byType) {
    const short = type.slice(type.lastIndexOf('.') + 1)
    if (show !== undefined && !show.includes(short)) continue
    shown[short] = Object.fromEntries([...resources].map(([key, { body }]) => [key, json(body)]))
  }
  return `${JSON.stringify(shown, null, 2)}\n`
}

function json(body: Parameters<typeof anyUnpack>[0]): JsonValue {
  const message = anyUnpack(body, REGISTRY)
  const schema = message === undefined ? undefined : REGISTRY.getMessage(message.$typeName)
  if (message === undefined || schema === undefined) throw new Error(`no schema of ${body.typeUrl}`)
  return toJson(schema, message, { registry: REGISTRY })
}

function input(head: { group?: Partial<NodeGroup>; leases?: Partial<Lease>[] }): Omit<Input, 'documents'> {
  const leases = (head.leases ?? []).map((lease, index): Lease => {
    const plain = { namespace: 'default', address: '127.0.0.1', port: 8081 + index, protocol: 'http', labels: {}, build: '' }
    const state = { isAppReady: true, isDraining: false, health: 'healthy' as const, unhealthySince: null, registeredAt: index }
    return { node: `node-${index + 1}`, service: 'orders', ...plain, ...state, ...lease }
  })
  return { group: { namespace: 'default', client: 'outrider', ...head.group }, leases }
}

function withNamespace(document: Document): Document {
  return { ...document, metadata: { ...document.metadata, namespace: document.metadata.namespace ?? 'default' } }
}
