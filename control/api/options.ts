import type { Lease, Store } from '../store/store.ts'
import type { NodeGroup } from '../translate/resources.ts'
import type { View } from '../translate/tables.ts'
import type { LimitCounters } from '../xds/counters.ts'
import type { FailureQuestion, FoundBySidecar } from '../xds/observation.ts'
import type { StatusBoard } from '../xds/status.ts'
import type { ApiLimits } from './limits.ts'

/** Where a server listens. IPv6 hosts are without brackets; port 0 takes a free one. */
export interface Address {
  readonly host: string
  readonly port: number
}

/** What the control API works on. The composition root gives it. */
export interface ApiOptions {
  readonly store: Store
  readonly board: StatusBoard
  readonly address: Address
  /** What a group of proxies is told at present. */
  view(group: NodeGroup): View
  /** Present leases, for references to services that have no document. */
  leases(): Promise<readonly Lease[]>
  /** Where Jaeger serves, without a path; null: nothing is relayed. */
  readonly jaeger: URL | null
  /** Asks the sidecars for their failures (`Discovery.failures`). */
  failures(question: FailureQuestion, take: (node: string, found: FoundBySidecar) => void): Promise<readonly string[] | null>
  /** Where limits that are reached count. */
  readonly counters: LimitCounters
  /** What differs from API_LIMITS. */
  readonly limits?: Partial<ApiLimits>
  /** Shown with every proxy: `insecure` binds. */
  readonly warnings: readonly string[]
  /** Of OpenAPI's info. */
  readonly version: string
  /** Takes one line of what an operator must know; defects with their stack. */
  log(level: 'warn' | 'error', text: string): void
}
