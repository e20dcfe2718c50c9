import { setImmediate as nextTurn } from 'node:timers/promises'
import { create, fromBinary, toBinary } from '@bufbuild/protobuf'
import {
  type DeltaDiscoveryResponse,
  DeltaDiscoveryResponseSchema,
  type Resource,
  ResourceSchema,
} from '../../protos/gen/envoy/service/discovery/v3/discovery_pb.ts'
import type { LastGood, Origin } from '../config/last-good.ts'
import type { Log } from '../telemetry/log.ts'
import type { Held } from './holdings.ts'
import type { Parts } from './parts.ts'
import { TYPE_NAMES, TYPES, type TypeName } from './resource.ts'

/** Resources that are encoded in one turn of the event loop: less than a millisecond. */
const PIECE = 50

/**
 * The content of the copy on disk: all that is held, as it came from the control plane, in `DeltaDiscoveryResponse` messages, each behind
 * its length in four octets. So it is read by the same decoders. What is held when the first piece is asked for is what is written.
 */
export async function* encodeParts(parts: Parts): AsyncGenerator<Uint8Array> {
  const held = TYPE_NAMES.map(type => ({ type, entries: [...parts[type].held] as [string, Held<unknown>][] }))
  for (const { type, entries } of held)
    for (let from = 0; from < entries.length; from += PIECE) {
      yield encodePiece(type, entries.slice(from, from + PIECE))
      await nextTurn()
    }
}

function encodePiece(type: TypeName, entries: readonly (readonly [string, Held<unknown>])[]): Uint8Array {
  const resources = entries.map(([name, { version, body }]) => create(ResourceSchema, { name, version, resource: body }))
  const octets = toBinary(DeltaDiscoveryResponseSchema, create(DeltaDiscoveryResponseSchema, { typeUrl: TYPES[type], resources }))
  const length = Buffer.alloc(4)
  length.writeUInt32BE(octets.length)
  return Buffer.concat([length, octets])
}

/** Resources of one type. */
export interface TypeCopy {
  readonly type: TypeName
  readonly resources: readonly Resource[]
}

/** The resources of a copy by type; null where the octets are none. A type that is not known is left out. */
export function decodeCopy(content: Uint8Array): TypeCopy[] | null {
  const octets = Buffer.from(content.buffer, content.byteOffset, content.byteLength)
  const copies: TypeCopy[] = []
  for (let at = 0; at < octets.length; ) {
    const length = at + 4 <= octets.length ? octets.readUInt32BE(at) : Number.POSITIVE_INFINITY
    if (at + 4 + length > octets.length) return null
    const response = parse(octets.subarray(at + 4, at + 4 + length))
    if (response === null) return null
    const type = TYPE_NAMES.find(name => TYPES[name] === response.typeUrl)
    if (type !== undefined) copies.push({ type, resources: response.resources })
    at += 4 + length
  }
  return copies
}

function parse(octets: Uint8Array): DeltaDiscoveryResponse | null {
  try {
    return fromBinary(DeltaDiscoveryResponseSchema, octets)
  } catch {
    return null
  }
}

/** Takes what the copy on disk holds into `parts`. Its origin; null where there is none that can be used, which is told to the log. */
export async function readCopy(lastGood: LastGood, parts: Parts, log: Log): Promise<Origin | null> {
  let loaded = await lastGood.load()
  const copies = loaded.kind === 'loaded' ? decodeCopy(loaded.content) : null
  if (loaded.kind === 'loaded' && copies === null) loaded = await lastGood.refuse('is damaged: its content cannot be decoded')
  if (loaded.kind === 'refused') log.warn(`the copy of the configuration on disk ${loaded.reason}`, { movedTo: loaded.movedTo })
  for (const { type, resources } of copies ?? [])
    for (const resource of resources) {
      const refused = parts[type].take(resource)
      if (refused !== null) log.warn('a resource of the copy on disk is left out', { resource: refused })
    }
  return loaded.kind === 'loaded' ? loaded.origin : null
}
