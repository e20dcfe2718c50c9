import { ACCESS_LOG_FORMATS } from '../telemetry/access-log.ts'
import type { AccessRecord } from '../telemetry/access-record.ts'
import { DEFAULT_TELEMETRY, type TelemetryConfig } from '../telemetry/config.ts'
import type { LineWriter } from '../telemetry/line-writer.ts'
import type { Clock } from '../util/clock.ts'
import type { Counters } from '../util/counters.ts'
import { isFailure, recordOf, recordOfRefusal } from './access-record.ts'
import type { Exchange } from './exchange.ts'
import type { InForce, Observer, Refusal } from './observer.ts'

/** What the access log needs of the process. */
export interface AccessLogOptions {
  readonly lines: Pick<LineWriter, 'isFull' | 'write' | 'skip'>
  /** Of the exchanges: monotonic. */
  readonly clock: Clock
  readonly wallClock: Clock
  readonly counters: Counters
}

/** Writes one line for each exchange that operators want to see (`Mesh.accessLog`), and for each refusal. What is not written is not made. */
export class AccessLog implements Observer {
  readonly #options: AccessLogOptions
  #wanted: Readonly<Record<'inbound' | 'outbound', TelemetryConfig['accessLog']>> = {
    inbound: DEFAULT_TELEMETRY.accessLog,
    outbound: DEFAULT_TELEMETRY.accessLog,
  }

  constructor(options: AccessLogOptions) {
    this.#options = options
  }

  done(exchange: Exchange): void {
    const { mode } = this.#wanted[exchange.direction]
    if (mode === 'off' || (mode === 'errors' && !isFailure(exchange)) || !this.#hasRoom()) return
    const { clock, wallClock } = this.#options
    this.#write(recordOf(exchange, clock.now(), wallClock.now()))
  }

  refused(refusal: Refusal): void {
    if (this.#wanted[refusal.direction].mode === 'off' || !this.#hasRoom()) return
    this.#write(recordOfRefusal(refusal, this.#options.wallClock.now()))
  }

  configured({ telemetry }: InForce): void {
    this.#wanted = { inbound: telemetry.inbound.accessLog, outbound: telemetry.outbound.accessLog }
  }

  #hasRoom(): boolean {
    const { lines, counters } = this.#options
    if (!lines.isFull) return true
    lines.skip()
    counters.add('log_lines_dropped')
    return false
  }

  #write(record: AccessRecord): void {
    const { lines, counters } = this.#options
    const line = ACCESS_LOG_FORMATS[this.#wanted[record.direction].format](record)
    if (!lines.write(line)) counters.add('log_lines_dropped')
  }
}
