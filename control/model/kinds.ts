import type { Kind } from './document.ts'
import { KINDS } from './document.ts'
import { anything, word } from './fields.ts'
import { httpRouteSpec } from './http-route.ts'
import { meshSpec } from './mesh.ts'
import { metadata } from './metadata.ts'
import { nearest } from './nearest.ts'
import { type JsonSchema, type Mapping, NOT_IN_EFFECT, object, type Report, type Schema } from './schema.ts'
import { serviceSpec } from './service.ts'
import { trafficPolicySpec } from './traffic-policy.ts'

/** Kinds that are known and not built yet. */
export const LATER_KINDS: readonly string[] = ['GRPCRoute', 'AccessPolicy']

/** `apiVersion` of each kind. */
export const API_VERSIONS: Readonly<Record<Kind, string>> = {
  Service: 'outrider.dev/v1',
  HTTPRoute: 'gateway.networking.k8s.io/v1',
  TrafficPolicy: 'outrider.dev/v1',
  Mesh: 'outrider.dev/v1',
}

const SPECS: Readonly<Record<Kind, Schema>> = {
  Service: serviceSpec,
  HTTPRoute: httpRouteSpec,
  TrafficPolicy: trafficPolicySpec,
  Mesh: meshSpec,
}

const DOCUMENTS = Object.fromEntries(KINDS.map(kind => [kind, documentSchema(kind)])) as Readonly<Record<Kind, Schema>>

function documentSchema(kind: Kind): Schema {
  return object({
    required: ['apiVersion', 'kind', 'metadata', 'spec'],
    fields: { apiVersion: word([API_VERSIONS[kind]]), kind: word([kind]), metadata, spec: SPECS[kind], status: anything },
    rules: kind === 'Mesh' ? [onlyDefault] : [],
  })
}

/** There is one mesh, so there is one Mesh document. */
function onlyDefault(value: Mapping, path: readonly (string | number)[], report: Report): void {
  const { name, namespace } = (value['metadata'] ?? {}) as { readonly name?: unknown; readonly namespace?: unknown }
  if (typeof name === 'string' && name !== 'default')
    report.fault([...path, 'metadata', 'name'], name, 'the Mesh document is named default', 'default')
  if (typeof namespace === 'string' && namespace !== 'default')
    report.fault([...path, 'metadata', 'namespace'], namespace, 'the Mesh document is in the namespace default', 'default')
}

/** The kind that this word names, whatever its case, as in the control API's paths. Null: none. */
export function kindOf(word: string): Kind | null {
  return KINDS.find(kind => kind.toLowerCase() === word.toLowerCase()) ?? null
}

/** Checks one document as written, all of it. */
export function checkDocument(document: Mapping, report: Report): void {
  const kind = document['kind']
  if (kind === undefined) report.fault(['kind'], undefined, 'is required', KINDS.join(', '))
  else if (typeof kind !== 'string' || !Object.hasOwn(DOCUMENTS, kind)) unknownKind(kind, report)
  else DOCUMENTS[kind as Kind].check(document, [], report)
}

function unknownKind(kind: unknown, report: Report): void {
  const allowed = KINDS.join(', ')
  if (typeof kind === 'string' && LATER_KINDS.includes(kind)) {
    report.fault(['kind'], kind, `${kind} is ${NOT_IN_EFFECT}`, allowed)
    return
  }
  const near = typeof kind === 'string' ? nearest(kind, [...KINDS, ...LATER_KINDS]) : null
  const shown = typeof kind === 'string' ? `unknown kind ${kind}` : 'is not the name of a kind'
  report.fault(['kind'], kind, `${shown}${near === null ? '' : `, did you mean ${near}?`}`, allowed)
}

/** JSON Schema of a kind's documents, for OpenAPI. */
export function jsonSchemaOf(kind: Kind): JsonSchema {
  return DOCUMENTS[kind].json
}
