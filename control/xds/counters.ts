/** Limits of the control plane that count each time they are reached; docs/limits.md says what each of them protects. */
export const CONTROL_LIMITS = [
  'xds_connections',
  'xds_streams',
  'xds_groups',
  'xds_names',
  'xds_unsent',
  'xds_first_message',
  'xds_acknowledgement',
  'proxies_forgotten',
  'refusals_forgotten',
  'waiters',
  'leases',
  'lease_silence',
  'leases_held',
  'questions',
  'sidecar_silence',
  'api_connections',
  'api_body',
  'api_large_bodies',
  'api_waits',
  'api_deadline',
  'api_relays',
  'api_relay_deadline',
  'store',
] as const

export type ControlLimit = (typeof CONTROL_LIMITS)[number]

/** How often each limit of one control plane was reached, for its `/metrics`. */
export class LimitCounters {
  readonly #counts = new Map<ControlLimit, number>(CONTROL_LIMITS.map(name => [name, 0]))

  reached(limit: ControlLimit): void {
    this.#counts.set(limit, this.of(limit) + 1)
  }

  of(limit: ControlLimit): number {
    return this.#counts.get(limit) ?? 0
  }

  /** Every limit, also those never reached. */
  all(): Iterable<readonly [ControlLimit, number]> {
    return this.#counts
  }
}
