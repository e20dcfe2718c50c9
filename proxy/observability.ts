import type { Bootstrap } from './config/bootstrap.ts'
import { PASSTHROUGH_CLUSTER } from './config/snapshot.ts'
import { AccessLog, type AccessLogOptions } from './filter/observe-log.ts'
import { RequestMetrics } from './filter/observe-metrics.ts'
import type { Observer, Refusal } from './filter/observer.ts'
import { wallClock } from './util/clock.ts'
import type { Counters } from './util/counters.ts'
import type { Timers } from './util/timers.ts'

/** What it needs of the process. */
export interface ObservabilityOptions {
  readonly bootstrap: Bootstrap
  readonly timers: Timers
  readonly counters: Counters
  /** Where the access log goes. */
  readonly lines: AccessLogOptions['lines']
}

/** Everything that makes requests visible, joined: what the stack tells its exchanges to, and what the admin pages read. */
export class Observability {
  readonly metrics: RequestMetrics
  readonly observers: readonly Observer[]

  constructor({ bootstrap, timers, counters, lines }: ObservabilityOptions) {
    const service = `${bootstrap.namespace}/${bootstrap.service}`
    this.metrics = new RequestMetrics({ service, passthrough: PASSTHROUGH_CLUSTER, timers, counters })
    this.observers = [this.metrics, new AccessLog({ lines, clock: timers.clock, wallClock, counters })]
  }

  refused(refusal: Refusal): void {
    for (const observer of this.observers) observer.refused(refusal)
  }
}
