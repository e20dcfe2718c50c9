import { create } from '@bufbuild/protobuf'
import type { Node } from '../../protos/gen/envoy/config/core/v3/base_pb.ts'
import { type DeltaDiscoveryRequest, DeltaDiscoveryRequestSchema } from '../../protos/gen/envoy/service/discovery/v3/discovery_pb.ts'
import { StatusSchema } from '../../protos/gen/google/rpc/status_pb.ts'

/** Asks for all resources of a type. */
export const WILDCARD = '*'

/** gRPC codes of a refusal. */
export const INVALID_ARGUMENT = 3
export const FAILED_PRECONDITION = 9

/** One type's subscription in the delta protocol: what is asked for and what is held. It makes the requests; somebody else sends them. */
export class Subscription {
  readonly typeUrl: string
  #names: ReadonlySet<string>

  constructor(typeUrl: string, names: Iterable<string>) {
    this.typeUrl = typeUrl
    this.#names = new Set(names)
  }

  get names(): ReadonlySet<string> {
    return this.#names
  }

  /**
   * The first request of a stream: everything asked for, and the versions of what is held, so that only what differs is sent.
   * Null where nothing is asked for, since a first request without names would ask for everything.
   */
  first(node: Node | null, held: Readonly<Record<string, string>>): DeltaDiscoveryRequest | null {
    if (this.#names.size === 0) return null
    const { typeUrl } = this
    const fields = { typeUrl, resourceNamesSubscribe: [...this.#names], initialResourceVersions: { ...held } }
    return create(DeltaDiscoveryRequestSchema, node === null ? fields : { ...fields, node })
  }

  /** The request that makes `names` the ones that are asked for; null where they are that already. */
  want(names: ReadonlySet<string>): DeltaDiscoveryRequest | null {
    const subscribe = [...names].filter(name => !this.#names.has(name))
    const unsubscribe = [...this.#names].filter(name => !names.has(name))
    if (subscribe.length === 0 && unsubscribe.length === 0) return null
    this.#names = new Set(names)
    return create(DeltaDiscoveryRequestSchema, {
      typeUrl: this.typeUrl,
      resourceNamesSubscribe: subscribe,
      resourceNamesUnsubscribe: unsubscribe,
    })
  }

  ack(nonce: string): DeltaDiscoveryRequest {
    return create(DeltaDiscoveryRequestSchema, { typeUrl: this.typeUrl, responseNonce: nonce })
  }

  nack(nonce: string, code: number, message: string): DeltaDiscoveryRequest {
    const errorDetail = create(StatusSchema, { code, message })
    return create(DeltaDiscoveryRequestSchema, { typeUrl: this.typeUrl, responseNonce: nonce, errorDetail })
  }
}
