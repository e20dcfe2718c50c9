import { hash } from 'node:crypto'
import { create, type DescMessage, type JsonObject, type MessageInitShape, toBinary } from '@bufbuild/protobuf'
import { type Any, AnySchema, anyPack, type Duration, DurationSchema } from '@bufbuild/protobuf/wkt'
import type { Metadata } from '../../protos/gen/envoy/config/core/v3/base_pb.ts'
import { MetadataSchema } from '../../protos/gen/envoy/config/core/v3/base_pb.ts'
import { ApiVersion, type ConfigSource, ConfigSourceSchema } from '../../protos/gen/envoy/config/core/v3/config_source_pb.ts'
import type { Resource } from './resources.ts'

/** Namespace of what xDS has no field for (docs/decisions/0001). */
export const METADATA_NAMESPACE = 'dev.outrider'

/** "From the stream that this came by." */
export const BY_ADS: ConfigSource = create(ConfigSourceSchema, {
  configSourceSpecifier: { case: 'ads', value: {} },
  resourceApiVersion: ApiVersion.V3,
})

/** @param ms 0 and null are the explicit `0s`, which switches a timeout off. */
export function duration(ms: number | null): Duration {
  const whole = ms ?? 0
  return create(DurationSchema, { seconds: BigInt(Math.floor(whole / 1000)), nanos: (whole % 1000) * 1_000_000 })
}

/** Our own settings, in the order in which they are given: the encoding is deterministic. */
export function metadata(fields: JsonObject): Metadata {
  return create(MetadataSchema, { filterMetadata: { [METADATA_NAMESPACE]: fields } })
}

/** A message inside an `Any`. */
export function packed<S extends DescMessage>(schema: S, init: MessageInitShape<S>): Any {
  return anyPack(schema, create(schema, init))
}

/** A resource of octets that are already encoded; its version is their hash. */
export function resourceOf(name: string, typeUrl: string, value: Uint8Array): Resource {
  return { name, version: hash('sha1', value, 'hex').slice(0, 20), body: create(AnySchema, { typeUrl, value }) }
}

/** A resource of a message. */
export function encoded<S extends DescMessage>(name: string, schema: S, init: MessageInitShape<S>): Resource {
  return resourceOf(name, `type.googleapis.com/${schema.typeName}`, toBinary(schema, create(schema, init)))
}

/**
 * A message whose members of a repeated field were encoded before. Octets of protobuf messages may be joined: fields may come in any order.
 * @param head the message's other fields.
 * @param fieldNumber 1 to 15.
 */
export function joined(head: Uint8Array, fieldNumber: number, members: readonly Uint8Array[]): Uint8Array {
  const parts: Uint8Array[] = [head]
  for (const member of members) parts.push(prefix(fieldNumber, member.length), member)
  return Buffer.concat(parts)
}

/** Tag of a length-delimited field, and the length as a varint (protobuf's encoding). */
function prefix(fieldNumber: number, length: number): Uint8Array {
  const octets = [(fieldNumber << 3) | 2]
  let rest = length
  while (rest > 127) {
    octets.push((rest & 127) | 128)
    rest >>>= 7
  }
  octets.push(rest)
  return Uint8Array.from(octets)
}
