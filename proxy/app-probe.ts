import { request } from 'node:http'
import { connect } from 'node:net'
import type { Timer, Timers } from './util/timers.ts'

/** Between probes while the app does not answer: a start is noticed at once. */
export const PROBE_FAST_MS = 100
/** Between probes while it answers. */
export const PROBE_SLOW_MS = 1_000
/** A probe that takes longer has failed. */
export const PROBE_TIMEOUT_MS = 1_000
/** Failures in a row that turn an app which was ready: one lost probe under load is no outage. */
export const PROBE_FAILURES = 2

/** How the local app is asked. */
export interface ProbeTarget {
  readonly address: string
  readonly port: number
  /** GET of it must be answered 2xx or 3xx; null: it is enough that the port accepts a connection. */
  readonly path: string | null
}

/** One probe. Resolves to null when the app answers, else to the reason in words. Never rejects. */
export type Probe = (target: ProbeTarget) => Promise<string | null>

/** Watches whether the local app can take requests: inbound readiness and the sidecar's registration depend on it. */
export class AppProbe {
  readonly target: ProbeTarget
  readonly #probe: Probe
  readonly #timer: Timer
  readonly #changed: (isReady: boolean) => void
  #isReady = false
  #failures = 0
  #reason = 'not probed yet'
  #isStopped = true

  /** @param changed is called whenever the app turns ready or stops being so. */
  constructor(target: ProbeTarget, timers: Timers, changed: (isReady: boolean) => void, probe: Probe = probeApp) {
    this.target = target
    this.#probe = probe
    this.#changed = changed
    this.#timer = timers.timer(() => this.check())
  }

  get isReady(): boolean {
    return this.#isReady
  }

  /** Why it is not ready; empty when it is. */
  get reason(): string {
    return this.#isReady ? '' : this.#reason
  }

  start(): void {
    this.#isStopped = false
    this.check()
  }

  stop(): void {
    this.#isStopped = true
    this.#timer.disarm()
  }

  /** Probes now, whatever the interval. */
  check(): void {
    this.#timer.disarm()
    this.#probe(this.target).then(
      reason => this.#heard(reason),
      error => this.#heard(String(error)),
    )
  }

  #heard(reason: string | null): void {
    if (this.#isStopped) return
    const was = this.#isReady
    if (reason === null) {
      this.#failures = 0
      this.#isReady = true
    } else {
      this.#reason = reason
      this.#failures++
      if (this.#failures >= PROBE_FAILURES) this.#isReady = false
    }
    this.#timer.arm(reason === null ? PROBE_SLOW_MS : PROBE_FAST_MS)
    if (was !== this.#isReady) this.#changed(this.#isReady)
  }
}

/** The real probe: a TCP connection, or a GET where a path is given. */
export const probeApp: Probe = target => (target.path === null ? probeTcp(target) : probeHttp(target, target.path))

function probeTcp(target: ProbeTarget): Promise<string | null> {
  return new Promise(resolve => {
    const socket = connect({ host: target.address, port: target.port })
    const done = (reason: string | null) => {
      socket.destroy()
      resolve(reason)
    }
    socket.setTimeout(PROBE_TIMEOUT_MS, () => done(`no connection within ${PROBE_TIMEOUT_MS} ms`))
    socket.once('connect', () => done(null))
    socket.once('error', error => done(reasonOf(error)))
  })
}

function probeHttp(target: ProbeTarget, path: string): Promise<string | null> {
  return new Promise(resolve => {
    const call = request({ host: target.address, port: target.port, path, agent: false, timeout: PROBE_TIMEOUT_MS }, response => {
      const status = response.statusCode ?? 0
      response.destroy()
      resolve(status >= 200 && status < 400 ? null : `GET ${path} was answered ${status}`)
    })
    call.once('timeout', () => call.destroy(new Error(`no answer within ${PROBE_TIMEOUT_MS} ms`)))
    call.once('error', error => resolve(reasonOf(error)))
    call.end()
  })
}

function reasonOf(error: Error): string {
  return 'code' in error && error.code === 'ECONNREFUSED' ? 'connection refused' : error.message
}
