import type { Timer, Timers } from '../util/timers.ts'
import type { Http2Limits } from './limits.ts'

/** What ran out. */
export type Expiry = 'settings' | 'head' | 'idle' | 'silence' | 'ping' | 'stall' | 'drain' | 'linger'

/** The waits of one connection, each with its end. */
export class Deadlines {
  readonly #timers: Timers
  readonly #limits: Http2Limits
  readonly #expired: (what: Expiry) => void
  readonly #armed = new Map<Expiry, Timer>()
  /** Of what runs nearly always: idle, or silence. */
  readonly #quiet: Timer
  #isIdle = true
  #isPinging = false

  constructor(timers: Timers, limits: Http2Limits, expired: (what: Expiry) => void) {
    this.#timers = timers
    this.#limits = limits
    this.#expired = expired
    this.#quiet = timers.timer(() => this.#quietExpired())
    this.#quiet.arm(limits.idleTimeoutMs)
    this.start('settings', limits.settingsTimeoutMs)
  }

  start(what: Expiry, ms: number): void {
    let timer = this.#armed.get(what)
    if (timer === undefined) {
      timer = this.#timers.timer(() => this.#expired(what))
      this.#armed.set(what, timer)
    }
    timer.arm(ms)
  }

  stop(what: Expiry): void {
    this.#armed.get(what)?.disarm()
  }

  isRunning(what: Expiry): boolean {
    return this.#armed.get(what)?.isArmed === true
  }

  /** The number of streams has come to, or left, zero. */
  setIdle(isIdle: boolean): void {
    if (this.#isIdle === isIdle) return
    this.#isIdle = isIdle
    this.#isPinging = false
    this.#quiet.disarm()
    this.#quiet.arm(isIdle ? this.#limits.idleTimeoutMs : this.#limits.pingAfterMs)
  }

  /** Something came from the peer. */
  heard(): void {
    this.#isPinging = false
    if (!this.#isIdle) this.#quiet.arm(this.#limits.pingAfterMs)
  }

  /** Only a connection's last wait is still of interest. */
  end(): void {
    this.#quiet.disarm()
    for (const timer of this.#armed.values()) timer.disarm()
  }

  #quietExpired(): void {
    if (this.#isIdle) this.#expired('idle')
    else if (this.#isPinging) this.#expired('ping')
    else {
      this.#isPinging = true
      this.#quiet.arm(this.#limits.pingTimeoutMs)
      this.#expired('silence')
    }
  }
}
