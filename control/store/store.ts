import type { Document, Kind } from '../model/document.ts'

/** One change of a transaction. */
export type Change =
  | {
      readonly op: 'put'
      readonly document: Document /** `resourceVersion` that must be the present one; null: any; '0': it must not exist. */
      readonly ifMatch: string | null
    }
  | { readonly op: 'delete'; readonly kind: Kind; readonly namespace: string; readonly name: string; readonly ifMatch: string | null }

export type ChangeResult = {
  readonly change: 'created' | 'updated' | 'unchanged' | 'deleted' | 'absent'
  readonly document: Document | null
}

/** A transaction is applied whole or not at all. `conflict`: the index of the change whose `ifMatch` failed, and the document as it is. */
export type ApplyResult =
  | { readonly ok: true; readonly revision: number; readonly results: readonly ChangeResult[] }
  | { readonly ok: false; readonly conflict: number; readonly present: Document | null }

/** One sidecar's registration: what it said last, and how it is. Stored, so that a restart of the control plane loses no endpoint. */
export interface Lease {
  /** The node's id: unique among sidecars. */
  readonly node: string
  readonly service: string
  readonly namespace: string
  /** Where peers reach its inbound listener. */
  readonly address: string
  readonly port: number
  readonly protocol: string
  readonly labels: Readonly<Record<string, string>>
  /** The app answered its last probe. */
  readonly isAppReady: boolean
  readonly isDraining: boolean
  readonly health: 'healthy' | 'unhealthy'
  /** Wall clock, ms: when it turned unhealthy; null while it is healthy. Removed 30 s after. */
  readonly unhealthySince: number | null
  /** Wall clock, ms. */
  readonly registeredAt: number
  /** Of the sidecar's build. */
  readonly build: string
}

/** Documents and leases, durable: what `apply` or `putLease` has resolved for is on disk. */
export interface Store {
  /** Made once with the store. Sidecars follow one store. */
  readonly id: string
  /** Of the documents; grows by one with each transaction that changes something. */
  readonly revision: number
  get(kind: Kind, namespace: string, name: string): Promise<Document | null>
  /** @param namespace null: all. Sorted by namespace, then name. */
  list(kind: Kind, namespace: string | null): Promise<readonly Document[]>
  apply(changes: readonly Change[]): Promise<ApplyResult>
  leases(): Promise<readonly Lease[]>
  putLease(lease: Lease): Promise<void>
  deleteLease(node: string): Promise<void>
  /** Calls `changed` after each committed transaction of documents, in order. Returns the way to stop. */
  watch(changed: (revision: number) => void): () => void
  close(): Promise<void>
}
