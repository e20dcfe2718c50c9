import type { DescMessage, MessageShape } from '@bufbuild/protobuf'
import { fromBinary, type JsonObject, type JsonValue } from '@bufbuild/protobuf'
import type { Any, Duration } from '@bufbuild/protobuf/wkt'
import type { Metadata } from '../../protos/gen/envoy/config/core/v3/base_pb.ts'
import { Faults, Place } from './faults.ts'

/** The types that a sidecar subscribes to, in the order in which a change must arrive: make before break. */
export const TYPES = {
  cluster: 'type.googleapis.com/envoy.config.cluster.v3.Cluster',
  endpoint: 'type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment',
  listener: 'type.googleapis.com/envoy.config.listener.v3.Listener',
  routes: 'type.googleapis.com/envoy.config.route.v3.RouteConfiguration',
  virtualHost: 'type.googleapis.com/envoy.config.route.v3.VirtualHost',
} as const

export type TypeName = keyof typeof TYPES
export const TYPE_NAMES = Object.keys(TYPES) as readonly TypeName[]

/** What a resource says, or everything that is wrong with it. */
export type Decoded<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly faults: Faults }

/** Reads one resource; does not throw. */
export type Decoder<T> = (any: Any) => Decoded<T>

/** Key of our own settings in `metadata.filter_metadata`: what xDS has no field for. Envoy ignores it. */
export const METADATA_KEY = 'dev.outrider'

/** A decoder of one type from what reads its message. `read` tells faults to the place and gives its value whether there were any or not. */
export function decoder<S extends DescMessage, T>(schema: S, read: (message: MessageShape<S>, place: Place) => T): Decoder<T> {
  return any => {
    const faults = new Faults()
    const place = Place.root(faults)
    const message = unpack(schema, any, place)
    if (message === null) return { ok: false, faults }
    const value = read(message, place)
    return faults.isEmpty ? { ok: true, value } : { ok: false, faults }
  }
}

/** The message in `any`; null, and a fault, if it holds another type or octets that are none. */
export function unpack<S extends DescMessage>(schema: S, any: Any | undefined, place: Place): MessageShape<S> | null {
  if (any === undefined) {
    place.fault('is missing')
    return null
  }
  const type = any.typeUrl.slice(any.typeUrl.lastIndexOf('/') + 1)
  if (type !== schema.typeName) {
    place.fault(`holds ${type === '' ? 'no type' : type}, not ${schema.typeName}`)
    return null
  }
  try {
    return fromBinary(schema, any.value)
  } catch (error) {
    place.fault(`cannot be decoded: ${error instanceof Error ? error.message : String(error)}`)
    return null
  }
}

/** Our own settings of a resource or a part of it; empty where there are none. */
export function settings(metadata: Metadata | undefined): JsonObject {
  return metadata?.filterMetadata[METADATA_KEY] ?? {}
}

/** A setting that is a text; empty where it is missing or none. */
export function text(from: JsonObject, key: string): string {
  const value = from[key]
  return typeof value === 'string' ? value : ''
}

/** A setting that is a list of texts; other items are left out. */
export function texts(from: JsonObject, key: string): string[] {
  const value = from[key]
  return Array.isArray(value) ? value.filter(item => typeof item === 'string') : []
}

/** A setting that maps texts to texts; other values are left out. */
export function textMap(value: JsonValue | undefined): Record<string, string> {
  if (!isObject(value)) return {}
  return Object.fromEntries(Object.entries(value).filter((entry): entry is [string, string] => typeof entry[1] === 'string'))
}

export function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Longest duration that is taken: ten years. Beyond it a number of ms is a mistake. */
const MAX_DURATION_MS = 315_360_000_000

/** Milliseconds, rounded up to a whole one so that a short time never becomes "off"; null where it is missing or 0: both switch off. */
export function durationMs(duration: Duration | undefined, place: Place): number | null {
  if (duration === undefined) return null
  const ms = Math.ceil(Number(duration.seconds) * 1000 + duration.nanos / 1_000_000)
  if (ms < 0 || ms > MAX_DURATION_MS) {
    place.fault(`${ms} ms is not a duration from 0 to ten years`)
    return null
  }
  return ms === 0 ? null : ms
}
