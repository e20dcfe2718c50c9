import { create, toBinary } from '@bufbuild/protobuf'
import { AnySchema } from '@bufbuild/protobuf/wkt'
import type { Node } from '../../protos/gen/envoy/config/core/v3/base_pb.ts'
import {
  type DeltaDiscoveryRequest,
  DeltaDiscoveryResponseSchema,
  type DiscoveryRequest,
  DiscoveryResponseSchema,
  ResourceSchema,
} from '../../protos/gen/envoy/service/discovery/v3/discovery_pb.ts'
import type { Resource, TypeUrl } from '../translate/resources.ts'
import { joined } from '../translate/wire.ts'

/** A request of either variant. */
export interface DiscoveryAsk {
  readonly node: Node | null
  readonly typeUrl: string
  /** Empty: it answers nothing. */
  readonly nonce: string
  /** Text of a refusal; null: none. */
  readonly refusal: string | null
  /** State of the world: all names. Delta: names that are added. */
  readonly names: readonly string[]
  readonly unsubscribe: readonly string[]
  readonly initialVersions: Readonly<Record<string, string>>
}

/** A response of either variant. */
export interface DiscoveryAnswer {
  readonly typeUrl: TypeUrl
  readonly nonce: string
  /** `<store id>/<revision>/<serial>`. */
  readonly version: string
  readonly controlPlane: string
  readonly resources: readonly Resource[]
  /** Delta only. */
  readonly removed: readonly string[]
}

/** The two dialects of xDS: `delta` says what changed, `sotw` (state of the world) says all there is. */
export type Variant = 'delta' | 'sotw'

export function fromDelta(request: DeltaDiscoveryRequest): DiscoveryAsk {
  return {
    node: request.node ?? null,
    typeUrl: request.typeUrl,
    nonce: request.responseNonce,
    refusal: request.errorDetail === undefined ? null : request.errorDetail.message,
    names: request.resourceNamesSubscribe,
    unsubscribe: request.resourceNamesUnsubscribe,
    initialVersions: request.initialResourceVersions,
  }
}

export function fromSotw(request: DiscoveryRequest): DiscoveryAsk {
  return {
    node: request.node ?? null,
    typeUrl: request.typeUrl,
    nonce: request.responseNonce,
    refusal: request.errorDetail === undefined ? null : request.errorDetail.message,
    names: request.resourceNames,
    unsubscribe: [],
    initialVersions: {},
  }
}

/** Field number of `resources` in both responses. */
const RESOURCES_FIELD = 2

const OCTETS: Readonly<Record<Variant, WeakMap<Resource, Uint8Array>>> = { delta: new WeakMap(), sotw: new WeakMap() }
const LISTS: Readonly<Record<Variant, WeakMap<readonly Resource[], Uint8Array>>> = { delta: new WeakMap(), sotw: new WeakMap() }

/** The response's octets. The resources are encoded once for all streams; a list that many streams share is joined once, too. */
export function encodeAnswer(variant: Variant, answer: DiscoveryAnswer): Buffer {
  const { typeUrl, nonce } = answer
  const controlPlane = { identifier: answer.controlPlane }
  const head =
    variant === 'delta'
      ? toBinary(
          DeltaDiscoveryResponseSchema,
          create(DeltaDiscoveryResponseSchema, {
            systemVersionInfo: answer.version,
            typeUrl,
            nonce,
            controlPlane,
            removedResources: [...answer.removed],
          }),
        )
      : toBinary(DiscoveryResponseSchema, create(DiscoveryResponseSchema, { versionInfo: answer.version, typeUrl, nonce, controlPlane }))
  return Buffer.concat([head, listOctets(variant, answer.resources)])
}

function listOctets(variant: Variant, resources: readonly Resource[]): Uint8Array {
  const known = LISTS[variant].get(resources)
  if (known !== undefined) return known
  const octets = joined(
    new Uint8Array(0),
    RESOURCES_FIELD,
    resources.map(resource => resourceOctets(variant, resource)),
  )
  LISTS[variant].set(resources, octets)
  return octets
}

function resourceOctets(variant: Variant, resource: Resource): Uint8Array {
  const known = OCTETS[variant].get(resource)
  if (known !== undefined) return known
  const { name, version, body } = resource
  const octets =
    variant === 'delta' ? toBinary(ResourceSchema, create(ResourceSchema, { name, version, resource: body })) : toBinary(AnySchema, body)
  OCTETS[variant].set(resource, octets)
  return octets
}
