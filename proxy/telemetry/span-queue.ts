import type { ReadableSpan, SpanExporter, SpanProcessor } from '@opentelemetry/sdk-trace-base'
import type { Counters } from '../util/counters.ts'
import type { Timer, Timers } from '../util/timers.ts'
import type { Log } from './log.ts'

/** Spans that wait or are under way: about 6 MiB. OpenTelemetry's number; more are dropped, since nothing may wait for a collector. */
export const MAX_QUEUED_SPANS = 2_048
/** So many spans go at once. OpenTelemetry waits for 512, which take 4 to 9 ms to serialize, in which no request moves; these take 1. */
export const FULL_BATCH_SPANS = 128
/** Spans of one export, where more have come while the one before was under way: OpenTelemetry's number, enough for 10,000 a second 50 ms away. */
export const MAX_BATCH_SPANS = 512
/** How long a span waits for others, ms: a trace is to be seen soon after its request. OpenTelemetry has 5 s. */
export const FLUSH_MS = 1_000
/** From an export's begin to its answer, ms. A collector is near and answers in milliseconds. OpenTelemetry has 10 s. */
export const EXPORT_TIMEOUT_MS = 5_000
/** After an export that failed, ms: a collector that is away costs less than one that is there, and one that restarts finds the spans still waiting. */
export const OUTAGE_PAUSE_MS = 5_000
/** What spans may delay the end of a sidecar by, ms. */
export const CLOSE_TIMEOUT_MS = 1_000

/** What the queue needs of the process. */
export interface SpanQueueOptions {
  /** Makes what sends; again after each failure, since grpc-js waits up to 2 min before it connects again. */
  readonly exporter: () => SpanExporter
  /** For the log. */
  readonly url: string
  readonly timers: Timers
  readonly counters: Counters
  readonly log: Log
}

/**
 * Spans on their way to a collector: one batch at a time, so that what is held is bounded whatever the collector does. In the place of OpenTelemetry's
 * BatchSpanProcessor, which counts nothing that it drops, and after a failure has several batches under way beside its queue.
 */
export class SpanQueue implements SpanProcessor {
  readonly #options: SpanQueueOptions
  readonly #timer: Timer
  #exporter: SpanExporter | null = null
  #waiting: ReadableSpan[] = []
  /** Spans of the batch under way; 0: none is. */
  #underWay = 0
  /** Of the batch under way: an answer that comes after its time is nobody's. */
  #batch = 0
  /** No export has worked since one failed: said once. */
  #isOutage = false
  /** After a failure nothing is sent for a while. */
  #isPausing = false
  #closed: (() => void) | null = null
  #isClosing = false

  constructor(options: SpanQueueOptions) {
    this.#options = options
    this.#timer = options.timers.timer(() => this.#due())
  }

  onStart(): void {}

  onEnd(span: ReadableSpan): void {
    if (this.#isClosing || this.#waiting.length + this.#underWay >= MAX_QUEUED_SPANS) {
      this.#options.counters.add('spans_dropped')
      return
    }
    this.#waiting.push(span)
    if (this.#underWay > 0 || this.#isPausing) return
    if (this.#waiting.length >= FULL_BATCH_SPANS) this.#send()
    else if (!this.#timer.isArmed) this.#timer.arm(FLUSH_MS)
  }

  /** Begins to send what waits. */
  async forceFlush(): Promise<void> {
    if (this.#underWay === 0 && this.#waiting.length > 0) this.#send()
  }

  /** Sends what waits, for at most `CLOSE_TIMEOUT_MS`; not to a collector that is known to be away. */
  async shutdown(): Promise<void> {
    if (this.#isClosing) return
    this.#isClosing = true
    if (!this.#isOutage && (this.#underWay > 0 || this.#waiting.length > 0)) {
      const deadline = this.#options.timers.timer(() => this.#closed?.())
      deadline.arm(CLOSE_TIMEOUT_MS)
      await new Promise<void>(resolve => {
        this.#closed = resolve
        if (this.#underWay === 0) this.#send()
      })
      deadline.disarm()
    }
    this.#timer.disarm()
    this.#batch++
    this.#options.counters.add('spans_dropped', this.#underWay + this.#waiting.length)
    this.#waiting = []
    this.#underWay = 0
    this.#discardExporter()
  }

  /** The timer runs for one of three: spans that wait for more, an answer, or the end of a pause. */
  #due(): void {
    this.#isPausing = false
    if (this.#underWay > 0) this.#answered(this.#batch, `no answer in ${EXPORT_TIMEOUT_MS / 1_000} s`)
    else if (this.#waiting.length > 0) this.#send()
  }

  #send(): void {
    const spans = this.#waiting.splice(0, MAX_BATCH_SPANS)
    const batch = ++this.#batch
    this.#underWay = spans.length
    this.#timer.arm(EXPORT_TIMEOUT_MS)
    try {
      this.#exporter ??= this.#options.exporter()
      this.#exporter.export(spans, ({ code, error }) => this.#answered(batch, code === 0 ? null : reasonOf(error)))
    } catch (error) {
      this.#answered(batch, reasonOf(error))
    }
  }

  #answered(batch: number, failure: string | null): void {
    if (batch !== this.#batch || this.#underWay === 0) return
    const { counters } = this.#options
    counters.add(failure === null ? 'spans_exported' : 'spans_dropped', this.#underWay)
    this.#underWay = 0
    this.#timer.disarm()
    if (failure === null) this.#worked()
    else this.#failed(failure)
  }

  #worked(): void {
    const { log, url } = this.#options
    if (this.#isOutage) log.info('spans reach the collector again', { collector: url })
    this.#isOutage = false
    if (this.#waiting.length >= FULL_BATCH_SPANS || (this.#isClosing && this.#waiting.length > 0)) this.#send()
    else if (this.#isClosing) this.#closed?.()
    else if (this.#waiting.length > 0) this.#timer.arm(FLUSH_MS)
  }

  #failed(reason: string): void {
    const { log, url, counters } = this.#options
    counters.add('span_exports_failed')
    if (!this.#isOutage) log.warn('spans do not reach the collector; requests go on without them', { collector: url, reason })
    this.#isOutage = true
    this.#discardExporter()
    if (this.#isClosing) this.#closed?.()
    else {
      this.#isPausing = true
      this.#timer.arm(OUTAGE_PAUSE_MS)
    }
  }

  #discardExporter(): void {
    this.#exporter?.shutdown().catch(() => {})
    this.#exporter = null
  }
}

function reasonOf(error: unknown): string {
  const { message = '', code } = (error ?? {}) as { message?: string; code?: unknown }
  const text = message === '' ? String(code ?? error) : message
  return typeof code === 'number' && !text.includes(String(code)) ? `${code} ${text}` : text
}
