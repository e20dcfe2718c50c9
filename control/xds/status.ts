/** One refusal: what a sidecar said of a resource that it could not use. */
export interface Nack {
  readonly typeUrl: string
  /** Name of the resource where the sidecar's text named it; empty otherwise. */
  readonly resource: string
  readonly message: string
  /** Wall clock, ms. */
  readonly at: number
  /** Revision of the documents that was refused. */
  readonly revision: number
}

/** What one connected or lately connected proxy runs. The items of `GET /v1/proxies`. */
export interface ProxyStatus {
  readonly id: string
  readonly service: string
  readonly namespace: string
  readonly labels: Readonly<Record<string, string>>
  /** Where peers reach it; empty while it has not registered. */
  readonly address: string
  /** Revision of the documents that it has acknowledged whole, in decimal; `0` before the first. */
  readonly version: string
  readonly inSync: boolean
  readonly isConnected: boolean
  /** RFC 3339: since when it has been in this state. */
  readonly since: string
  readonly lastNack: Nack | null
  readonly build: string
  /** `insecure`, `foreign-store`, ...: what an operator should know. */
  readonly warnings: readonly string[]
}

/** Who runs what. */
export interface StatusBoard {
  list(): readonly ProxyStatus[]
  /** Resolves when every connected proxy has acknowledged `revision` or refused it, or after `timeoutMs`. */
  settled(revision: number, timeoutMs: number): Promise<readonly ProxyStatus[]>
}
