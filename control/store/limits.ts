/** What one store holds at most. */
export interface StoreLimits {
  /** 100,000: ten times the largest meshes that are known; the store keeps all in memory. */
  readonly maxDocuments: number
  /** Octets of one document as JSON. 1 MiB: etcd and Kubernetes hold no larger ones. */
  readonly maxDocumentBytes: number
  /** Octets of all documents as JSON. 256 MiB: a tenth of what a small machine has. */
  readonly maxTotalBytes: number
  /** Registered sidecars. 20,000: more than one control plane serves. */
  readonly maxLeases: number
  /** Octets of the file. 1 GiB: all documents and leases with room to spare; a full disk harms more than this store. */
  readonly maxFileBytes: number
}

/** The limits where nobody says otherwise. */
export const DEFAULT_STORE_LIMITS: StoreLimits = {
  maxDocuments: 100_000,
  maxDocumentBytes: 1_048_576,
  maxTotalBytes: 268_435_456,
  maxLeases: 20_000,
  maxFileBytes: 1_073_741_824,
}
