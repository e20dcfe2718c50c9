import type { MeshError } from '../errors.ts'
import type { Clock } from '../util/clock.ts'
import { fraction, type Random } from '../util/random.ts'
import { type Endpoint, endpointName, type Host } from './endpoint.ts'
import { agree, BELIEVED_AT_ONCE_MS, faded, idleLimitMs } from './keep-alive.ts'

/** First pause after a failure to connect; doubles with each further one. */
export const FIRST_AVOID_MS = 1_000
export const MAX_AVOID_MS = 30_000
/** Up to this part is added, so that sidecars that lost the same host do not all come back to it at once. */
const JITTER = 0.2

/** What this proxy has learned of one endpoint, and what follows from it. */
export class KnownHost implements Host {
  endpoint: Endpoint
  active = 0
  total = 0
  connectFailures = 0
  avoidUntil = 0
  learnedIdleMs = Number.POSITIVE_INFINITY
  /** Connections that are being opened. */
  connecting = 0
  /** Failures to connect since the start. */
  failures = 0
  /** The last failure, while it holds; null: none. */
  failure: MeshError | null = null
  readonly #clock: Clock
  readonly #random: Random
  /** How often it was avoided since the last success. Ten connects that fail together are one. */
  #avoided = 0
  #learnedAt = 0
  #receiptUntil = 0
  /** A short idle time that one close hinted at. */
  #suspectedMs = Number.POSITIVE_INFINITY

  constructor(endpoint: Endpoint, clock: Clock, random: Random) {
    this.endpoint = endpoint
    this.#clock = clock
    this.#random = random
  }

  get name(): string {
    return endpointName(this.endpoint)
  }

  /**
   * Whether it should be picked while there are others. After an avoided time one connect at a time tries it: an endpoint that refuses fast
   * has nothing in flight, and least request would send everything there.
   */
  get canServe(): boolean {
    if (this.#receiptUntil !== 0 && this.#receiptUntil > this.#clock.now()) return false
    if (this.connectFailures === 0) return true
    return this.connecting === 0 && this.avoidUntil <= this.#clock.now()
  }

  /** ms for which it is still avoided; 0: it is not. */
  get avoidedForMs(): number {
    return Math.max(Math.max(this.avoidUntil, this.#receiptUntil) - this.#clock.now(), 0)
  }

  /**
   * Not picked for a moment while others can serve: a receipt comes fast, so least request would send nearly everything there, and each costs a retry of the
   * budget. No longer than that: registration tells the rest, and connecting works.
   */
  gaveReceipt(): void {
    this.#receiptUntil = this.#clock.now() + FIRST_AVOID_MS * (1 + JITTER * fraction(this.#random))
  }

  connected(): void {
    this.connectFailures = 0
    this.avoidUntil = 0
    this.failure = null
    this.#avoided = 0
  }

  connectFailed(error: MeshError): void {
    this.connectFailures++
    this.failures++
    this.failure = error
    // Nobody listens there, so the process that we learned from is gone.
    this.learnedIdleMs = Number.POSITIVE_INFINITY
    const now = this.#clock.now()
    if (this.avoidUntil > now) return
    const pause = Math.min(FIRST_AVOID_MS * 2 ** this.#avoided, MAX_AVOID_MS)
    if (pause < MAX_AVOID_MS) this.#avoided++
    this.avoidUntil = now + pause * (1 + JITTER * fraction(this.#random))
  }

  /** The peer closed a connection that had been idle for this long. */
  closedIdle(idleMs: number): void {
    const isBelieved = idleMs >= BELIEVED_AT_ONCE_MS || agree(idleMs, this.#suspectedMs)
    this.#suspectedMs = idleMs
    if (!isBelieved) return
    this.#forget()
    if (idleMs >= this.learnedIdleMs) return
    this.learnedIdleMs = idleMs
    this.#learnedAt = this.#clock.now()
  }

  /** Idle for this long, ms, a connection with that hint is used no more. */
  idleLimitMs(hintMs: number | null): number {
    if (this.learnedIdleMs !== Number.POSITIVE_INFINITY) this.#forget()
    return idleLimitMs(hintMs, this.learnedIdleMs)
  }

  #forget(): void {
    const now = this.#clock.now()
    const left = faded(this.learnedIdleMs, now - this.#learnedAt)
    if (left === this.learnedIdleMs) return
    this.learnedIdleMs = left
    this.#learnedAt = now
  }
}
