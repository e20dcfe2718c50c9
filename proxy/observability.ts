import type { Bootstrap } from './config/bootstrap.ts'
import { PASSTHROUGH_CLUSTER } from './config/snapshot.ts'
import { observeFailures } from './filter/observe-failures.ts'
import { AccessLog, type AccessLogOptions } from './filter/observe-log.ts'
import { RequestMetrics } from './filter/observe-metrics.ts'
import type { Observer, Refusal } from './filter/observer.ts'
import type { FailureQuery, FailureRecord } from './telemetry/failure-record.ts'
import { Failures } from './telemetry/failures.ts'
import type { Log } from './telemetry/log.ts'
import type { Tracer } from './telemetry/tracer.ts'
import { wallClock } from './util/clock.ts'
import type { Counters } from './util/counters.ts'
import type { Random } from './util/random.ts'
import type { Timers } from './util/timers.ts'
import { ObservationClient } from './xds/observation.ts'

/** What it needs of the process. */
export interface ObservabilityOptions {
  readonly bootstrap: Bootstrap
  readonly timers: Timers
  readonly random: Random
  readonly log: Log
  readonly counters: Counters
  /** Null: no spans are exported. */
  readonly tracer: Tracer | null
  /** Where the access log goes. */
  readonly lines: AccessLogOptions['lines']
}

/** Everything that makes requests visible, joined: what the stack tells its exchanges to, and what the admin pages and the control plane read. */
export class Observability {
  readonly metrics: RequestMetrics
  readonly observers: readonly Observer[]
  /** Null: no spans are exported. */
  readonly tracer: Tracer | null
  readonly #failures = new Failures()
  readonly #observation: ObservationClient

  constructor(options: ObservabilityOptions) {
    const { bootstrap, timers, counters, tracer, lines } = options
    const { nodeId: id, service, namespace } = bootstrap
    this.metrics = new RequestMetrics({ service: `${namespace}/${service}`, passthrough: PASSTHROUGH_CLUSTER, timers, counters })
    this.observers = [
      this.metrics,
      new AccessLog({ lines, clock: timers.clock, wallClock, counters }),
      observeFailures(this.#failures, { id, service, namespace }, timers.clock, wallClock),
    ]
    this.tracer = tracer
    this.#observation = new ObservationClient({ ...options, failures: query => this.failures(query) })
  }

  /** Lets the control plane look in. */
  start(): void {
    this.#observation.start()
  }

  /** Lets nobody look in any more, and sends what is left of spans. Takes a second at most. */
  async close(): Promise<void> {
    this.#observation.stop()
    await this.tracer?.close()
  }

  refused(refusal: Refusal): void {
    for (const observer of this.observers) observer.refused(refusal)
  }

  /** The last failures that were asked for, oldest first. */
  failures(query: FailureQuery): readonly FailureRecord[] {
    return this.#failures.find(query)
  }
}
