/** Why a store cannot do what it is asked. Tests and the control API match on the code. */
export type StoreErrorCode =
  /** Another process has the data directory. */
  | 'STORE_LOCKED'
  /** The file is damaged. */
  | 'STORE_CORRUPT'
  /** The file is somebody else's. */
  | 'STORE_FOREIGN'
  /** The file was written by a newer version. */
  | 'STORE_NEWER'
  /** The disk, or what the file may take, is full. */
  | 'STORE_FULL'
  /** More documents, leases or octets than the store may hold. */
  | 'STORE_LIMIT'
  /** The system refused to read or write. */
  | 'STORE_IO'
  /** The store has been closed. */
  | 'STORE_CLOSED'

/** A store's failure. What it was asked has not happened, not even in part. */
export class StoreError extends Error {
  readonly code: StoreErrorCode

  /** @param message for an operator: which file, and what to do. */
  constructor(code: StoreErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
