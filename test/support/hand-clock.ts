import { TimerWheel } from '../../proxy/util/timers.ts'

/** A clock that the test turns by hand, with the wheel that hangs on it. */
export class HandClock {
  ms = 1_000
  readonly wheel: TimerWheel = new TimerWheel(this)

  now(): number {
    return this.ms
  }

  /** Moves time on in steps of 5 ms, calling what runs out on the way. */
  pass(ms: number): void {
    const end = this.ms + ms
    while (this.ms < end) {
      this.ms = Math.min(this.ms + 5, end)
      this.wheel.advance()
    }
  }
}
