import { Agent, request } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Address } from '../values.ts'

/** One second of traffic, or whatever the window is. */
export interface Window {
  readonly requests: number
  readonly failed: number
  /** Answers by who gave them: `orders v1`. */
  readonly byVersion: ReadonlyMap<string, number>
  /** Failures by what was said: `503 UPSTREAM_CONNECT_REFUSED`. */
  readonly failures: ReadonlyMap<string, number>
  readonly medianMs: number
}

/** What the demo's front answers; see deploy/demo. */
interface Answer {
  readonly order?: { readonly app?: string; readonly version?: string }
}

/** Sends a steady stream of requests for `web` through a sidecar and keeps what came of the last ones. */
export class Traffic {
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 64 })
  readonly #via: Address
  readonly #timer: NodeJS.Timeout
  #count = 0
  #total = 0
  #failedTotal = 0
  #byVersion = new Map<string, number>()
  #failures = new Map<string, number>()
  #times: number[] = []

  constructor(via: Address, perSecond: number) {
    this.#via = via
    this.#timer = setInterval(() => this.#send(), 1_000 / perSecond)
  }

  get total(): number {
    return this.#total
  }

  get failedTotal(): number {
    return this.#failedTotal
  }

  /** What came in since the last call. */
  take(): Window {
    const times = this.#times.sort((a, b) => a - b)
    const failed = [...this.#failures.values()].reduce((sum, count) => sum + count, 0)
    const window = {
      requests: times.length,
      failed,
      byVersion: this.#byVersion,
      failures: this.#failures,
      medianMs: times[Math.floor(times.length / 2)] ?? 0,
    }
    this.#byVersion = new Map()
    this.#failures = new Map()
    this.#times = []
    return window
  }

  stop(): void {
    clearInterval(this.#timer)
    this.#agent.destroy()
  }

  #send(): void {
    const startedAt = performance.now()
    const path = `/${(this.#count++ % 100) + 1}`
    const { host, port } = this.#via
    const options = { host, port, path, agent: this.#agent, headers: { host: 'web' }, timeout: 10_000 }
    const sent = request(options, response => {
      let body = ''
      response.setEncoding('utf8').on('data', text => {
        body += text
      })
      response.once('end', () => this.#answered(startedAt, response.statusCode ?? 0, response.headers['proxy-status'], body))
      response.once('error', error => this.#failed(startedAt, error.message))
    })
    sent.once('timeout', () => sent.destroy(new Error('no answer within 10 s')))
    sent.once('error', error => this.#failed(startedAt, error.message))
    sent.end()
  }

  #answered(startedAt: number, status: number, proxyStatus: string | string[] | undefined, body: string): void {
    if (status !== 200) {
      const code = /details="(\w+)/.exec(String(proxyStatus))?.[1] ?? body.slice(0, 60)
      this.#failed(startedAt, `${status} ${code}`)
      return
    }
    this.#times.push(performance.now() - startedAt)
    this.#total++
    const { order } = JSON.parse(body) as Answer
    add(this.#byVersion, `${order?.app} ${order?.version}`)
  }

  #failed(startedAt: number, why: string): void {
    this.#times.push(performance.now() - startedAt)
    this.#total++
    this.#failedTotal++
    add(this.#failures, why)
  }
}

/** Asks `web` until the whole chain answers 200: apps take a moment to listen, and to be known. False: not within `timeoutMs`. */
export async function untilAnswered({ host, port }: Address, timeoutMs: number): Promise<boolean> {
  const until = performance.now() + timeoutMs
  while (performance.now() < until) {
    const status = await new Promise<number>(resolve => {
      const sent = request({ host, port, path: '/1', agent: false, headers: { host: 'web' }, timeout: 5_000 }, response => {
        response.resume()
        resolve(response.statusCode ?? 0)
      })
      sent.once('timeout', () => sent.destroy())
      sent.once('error', () => resolve(0))
      sent.end()
    })
    if (status === 200) return true
    await sleep(50)
  }
  return false
}

function add(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1)
}
