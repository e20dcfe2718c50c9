import { type Clock, monotonicClock } from './clock.ts'

/** Width of a slot, ms: the precision of every deadline in the sidecar. Far below the smallest default (25 ms of backoff). */
export const TICK_MS = 5

/** 1,024 slots of 5 ms reach 5 s; what is further away stays in its slot for another round. */
const SLOTS = 1024

/**
 * A deadline that can be moved cheaply. Made once for a connection or an exchange, then armed again and again:
 * arming to a later time is one store, because the wheel looks at the deadline only when the slot comes round.
 */
export class Timer {
  /** Monotonic, ms; 0 when it is not armed. */
  deadline = 0
  /** Plain fields, not private ones: one is made for each request. */
  readonly wheel: TimerWheel
  /** Called once for each time that the timer was armed and ran out. */
  readonly expired: () => void
  /** Intrusive list of the slot, so that a finished exchange leaves at once and is not kept alive. */
  next: Timer | null = null
  previous: Timer | null = null
  slot = -1

  constructor(wheel: TimerWheel, expired: () => void) {
    this.wheel = wheel
    this.expired = expired
  }

  get isArmed(): boolean {
    return this.deadline !== 0
  }

  /** @param ms from now; a later call replaces an earlier one. */
  arm(ms: number): void {
    this.wheel.arm(this, ms)
  }

  disarm(): void {
    this.wheel.disarm(this)
  }
}

/** Where timers come from. */
export interface Timers {
  readonly clock: Clock
  timer(expired: () => void): Timer
}

/**
 * One coarse hashed wheel for all timers of the data path. Node's own timers cost 0.3 us and an object each;
 * a wheel that keeps finished entries costs a multiple of that in garbage collection, so entries unlink themselves.
 */
export class TimerWheel implements Timers {
  readonly clock: Clock
  readonly #slots: (Timer | null)[] = new Array(SLOTS).fill(null)
  /** Number of the last slot that was visited, counted from the clock's zero. */
  #tick: number
  /** Armed timers. */
  size = 0
  /** Called when a slot comes due earlier than `nextDueAt` last said, so that whoever turns the wheel can sleep until there is something to do. */
  earlier: ((dueAt: number) => void) | null = null
  #announced = Number.POSITIVE_INFINITY

  constructor(clock: Clock) {
    this.clock = clock
    this.#tick = Math.floor(clock.now() / TICK_MS)
  }

  timer(expired: () => void): Timer {
    return new Timer(this, expired)
  }

  arm(timer: Timer, ms: number): void {
    const deadline = this.clock.now() + Math.max(ms, 0)
    if (timer.deadline === 0) this.size++
    const isEarlier = timer.slot === -1 || deadline < timer.deadline
    timer.deadline = deadline
    if (!isEarlier) return
    if (timer.slot !== -1) this.#unlink(timer)
    this.#link(timer)
  }

  disarm(timer: Timer): void {
    if (timer.deadline === 0) return
    timer.deadline = 0
    this.size--
    this.#unlink(timer)
  }

  /** Visits the slots that have come due and calls what has run out. */
  advance(): void {
    const now = this.clock.now()
    const tick = Math.floor(now / TICK_MS)
    // After a long sleep one round visits every slot; more would visit them again for nothing.
    const from = Math.max(this.#tick + 1, tick - SLOTS + 1)
    this.#tick = tick
    for (let t = from; t <= tick; t++) this.#visit(t % SLOTS, now)
  }

  /** When the next slot with a timer in it comes due, monotonic ms; Infinity when nothing is armed. An earlier one is told to `earlier`. */
  nextDueAt(): number {
    this.#announced = Number.POSITIVE_INFINITY
    if (this.size === 0) return this.#announced
    for (let t = this.#tick + 1; t <= this.#tick + SLOTS; t++) {
      if (this.#slots[t % SLOTS] === null) continue
      this.#announced = t * TICK_MS
      break
    }
    return this.#announced
  }

  #visit(slot: number, now: number): void {
    let timer = this.#slots[slot] ?? null
    this.#slots[slot] = null
    const due: Timer[] = []
    while (timer !== null) {
      const next = timer.next
      timer.next = timer.previous = null
      timer.slot = -1
      if (timer.deadline <= now) due.push(timer)
      else this.#link(timer)
      timer = next
    }
    for (const timer of due) {
      // One that ran before it in this round may have moved or disarmed it.
      if (timer.deadline === 0 || timer.deadline > now || timer.slot !== -1) {
        if (timer.deadline !== 0 && timer.slot === -1) this.#link(timer)
        continue
      }
      timer.deadline = 0
      this.size--
      timer.expired()
    }
  }

  #link(timer: Timer): void {
    const tick = Math.max(Math.ceil(timer.deadline / TICK_MS), this.#tick + 1)
    const slot = tick % SLOTS
    const head = this.#slots[slot] ?? null
    timer.slot = slot
    timer.previous = null
    timer.next = head
    if (head !== null) head.previous = timer
    this.#slots[slot] = timer
    const dueAt = tick * TICK_MS
    if (dueAt >= this.#announced || this.earlier === null) return
    this.#announced = dueAt
    this.earlier(dueAt)
  }

  #unlink(timer: Timer): void {
    if (timer.slot === -1) return
    if (timer.previous !== null) timer.previous.next = timer.next
    else this.#slots[timer.slot] = timer.next
    if (timer.next !== null) timer.next.previous = timer.previous
    timer.next = timer.previous = null
    timer.slot = -1
  }
}

/** Turns a wheel for as long as the process lives, asleep while nothing is due; does not keep the process alive. */
export function startWheel(clock: Clock = monotonicClock): TimerWheel {
  const wheel = new TimerWheel(clock)
  let sleep: NodeJS.Timeout | null = null
  const sleepUntil = (dueAt: number) => {
    if (sleep !== null) clearTimeout(sleep)
    sleep = Number.isFinite(dueAt) ? setTimeout(turn, Math.max(dueAt - clock.now(), 1)).unref() : null
  }
  const turn = () => {
    sleep = null
    wheel.advance()
    sleepUntil(wheel.nextDueAt())
  }
  // The first timer of an empty wheel is earlier than "never".
  wheel.earlier = sleepUntil
  return wheel
}

/** Resolves after `ms`. For control streams and processes, not for the data path. */
export function delay(timers: Timers, ms: number): Promise<void> {
  return new Promise(resolve => timers.timer(resolve).arm(ms))
}
