import { hasEnded, type Part } from './process.ts'
import type { Window } from './traffic.ts'

/** Characters of the longest bar. */
const BAR = 40
/** Windows that the split is averaged over. */
const SPLIT_WINDOWS = 5

/** What the view shows besides the traffic. */
export interface Scene {
  readonly parts: readonly Part[]
  readonly hints: readonly string[]
  /** Link of a recent trace; null: there is none. */
  trace(): string | null
}

/** Turns windows of traffic into text. Pure: what it returns is all that it does. */
export class View {
  readonly #scene: Scene
  readonly #recent: Window[] = []

  constructor(scene: Scene) {
    this.#scene = scene
  }

  /** The whole screen, for a terminal. */
  screen(window: Window, total: number, failed: number): string {
    this.#keep(window)
    const lines = ['Outrider demo: client > web > orders (v1, v2) > prices; each app has a sidecar, all on this machine', '']
    for (const part of this.#scene.parts) {
      const state = hasEnded(part) ? 'ended' : `pid ${part.ready['pid']}`
      lines.push(`  ${part.name.padEnd(14)} ${state}`)
    }
    lines.push('', `  ${window.requests} requests/s, median ${window.medianMs.toFixed(1)} ms; ${total} in all, ${failed} failed`, '')
    for (const [name, share] of this.#split())
      lines.push(`  ${name.padEnd(14)} ${'#'.repeat(Math.round(share * BAR)).padEnd(BAR)} ${(share * 100).toFixed(0)} %`)
    for (const [why, count] of window.failures) lines.push(`  failed         ${count} x ${why}`)
    lines.push('', 'Try, in another terminal:', ...this.#scene.hints.map(hint => `  ${hint}`))
    const trace = this.#scene.trace()
    if (trace !== null) lines.push(`  ${trace}      (one of the last traces)`)
    lines.push('', 'Ctrl-C ends it all.')
    return lines.join('\n')
  }

  /** One line, for where there is no terminal. */
  line(window: Window, total: number, failed: number): string {
    this.#keep(window)
    const split = this.#split().map(([name, share]) => `${name} ${(share * 100).toFixed(0)} %`)
    const failures = [...window.failures].map(([why, count]) => `${count} x ${why}`)
    return `${window.requests} requests, ${window.failed} failed, median ${window.medianMs.toFixed(1)} ms; ${split.join(', ') || 'no answers'}${failures.length === 0 ? '' : `; failed: ${failures.join(', ')}`}${this.#traceText()}; ${total} in all, ${failed} failed`
  }

  #traceText(): string {
    const trace = this.#scene.trace()
    return trace === null ? '' : `; a trace: ${trace}`
  }

  #keep(window: Window): void {
    this.#recent.push(window)
    if (this.#recent.length > SPLIT_WINDOWS) this.#recent.shift()
  }

  /** Shares of the last windows, by name. */
  #split(): [string, number][] {
    const counts = new Map<string, number>()
    let sum = 0
    for (const window of this.#recent) {
      for (const [name, count] of window.byVersion) {
        counts.set(name, (counts.get(name) ?? 0) + count)
        sum += count
      }
    }
    return [...counts].sort(([a], [b]) => a.localeCompare(b)).map(([name, count]) => [name, count / sum])
  }
}
