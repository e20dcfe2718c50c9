import type { Bootstrap } from './config/bootstrap.ts'
import { PASSTHROUGH_CLUSTER } from './config/snapshot.ts'
import { AccessLog, type AccessLogOptions } from './filter/observe-log.ts'
import { RequestMetrics } from './filter/observe-metrics.ts'
import type { Observer, Refusal } from './filter/observer.ts'
import type { Tracer } from './telemetry/tracer.ts'
import { wallClock } from './util/clock.ts'
import type { Counters } from './util/counters.ts'
import type { Timers } from './util/timers.ts'

/** What it needs of the process. */
export interface ObservabilityOptions {
  readonly bootstrap: Bootstrap
  readonly timers: Timers
  readonly counters: Counters
  /** Null: no spans are exported. */
  readonly tracer: Tracer | null
  /** Where the access log goes. */
  readonly lines: AccessLogOptions['lines']
}

/** Everything that makes requests visible, joined: what the stack tells its exchanges to, and what the admin pages read. */
export class Observability {
  readonly metrics: RequestMetrics
  readonly observers: readonly Observer[]
  /** Null: no spans are exported. */
  readonly tracer: Tracer | null

  constructor({ bootstrap, timers, counters, tracer, lines }: ObservabilityOptions) {
    const service = `${bootstrap.namespace}/${bootstrap.service}`
    this.metrics = new RequestMetrics({ service, passthrough: PASSTHROUGH_CLUSTER, timers, counters })
    this.observers = [this.metrics, new AccessLog({ lines, clock: timers.clock, wallClock, counters })]
    this.tracer = tracer
  }

  refused(refusal: Refusal): void {
    for (const observer of this.observers) observer.refused(refusal)
  }

  /** Sends what is left of spans. Takes a second at most. */
  async close(): Promise<void> {
    await this.tracer?.close()
  }
}
