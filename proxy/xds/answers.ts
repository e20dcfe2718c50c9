import type { DeltaDiscoveryRequest } from '../../protos/gen/envoy/service/discovery/v3/discovery_pb.ts'
import { INVALID_ARGUMENT, type Subscription } from './subscription.ts'

/** Longest text of a NACK, characters: it is stored and shown for each sidecar. */
export const MAX_NACK_LENGTH = 4_096
/** Responses that wait for their snapshot; at most one a type is usual. More than these and the stream is broken off, to start afresh. */
export const MAX_DEFERRED = 1_000

interface Deferred {
  readonly subscription: Subscription
  readonly nonce: string
}

/** Acknowledges responses: what decides about requests only once it does. */
export class Answers {
  #deferred: Deferred[] = []

  /** ACKs when the snapshot is in force. False: too many wait already. */
  defer(subscription: Subscription, nonce: string): boolean {
    if (this.#deferred.length >= MAX_DEFERRED) return false
    this.#deferred.push({ subscription, nonce })
    return true
  }

  /** The requests that answer all that waited. @param failure why the snapshot could not be put into force; null: it is. */
  settle(failure: string | null): DeltaDiscoveryRequest[] {
    const waited = this.#deferred
    this.#deferred = []
    return waited.map(({ subscription, nonce }) =>
      failure === null ? subscription.ack(nonce) : subscription.nack(nonce, INVALID_ARGUMENT, cut(failure)),
    )
  }

  /** The stream is gone, and with it who waited for an answer. */
  forget(): void {
    this.#deferred = []
  }
}

/** At most `MAX_NACK_LENGTH` characters of a text. */
export function cut(text: string): string {
  return text.length <= MAX_NACK_LENGTH ? text : `${text.slice(0, MAX_NACK_LENGTH - 4)} ...`
}
