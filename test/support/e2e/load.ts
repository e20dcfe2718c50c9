import { Agent, request } from 'node:http'

/** One answer, or the failure to get one. */
export interface Outcome {
  readonly at: number
  readonly ms: number
  readonly status: number
  readonly error: string
  readonly body: string
  readonly headers: Record<string, string | string[] | undefined>
}

/** What is sent, and through which sidecar. */
export interface LoadOptions {
  /** The sidecar's outbound listener. */
  readonly via: { readonly host: string; readonly port: number }
  readonly host: string
  readonly path?: string
  readonly method?: string
  readonly body?: string
  /** Requests a second, sent at their time whether earlier ones were answered or not (an open loop). */
  readonly perSecond: number
  readonly timeoutMs?: number
}

/** An open-loop load over kept-alive connections. */
export class Load {
  readonly outcomes: Outcome[] = []
  readonly #options: LoadOptions
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 512 })
  readonly #timer: NodeJS.Timeout
  readonly #startedAt = performance.now()
  #sent = 0
  #pending = 0

  constructor(options: LoadOptions) {
    this.#options = options
    // A test that fails before it stops its load must end all the same.
    this.#timer = setInterval(() => this.#catchUp(), 2).unref()
  }

  get sent(): number {
    return this.#sent
  }

  /** Sent and not answered yet. */
  get pending(): number {
    return this.#pending
  }

  /** Everything that was not answered 2xx. */
  get failures(): Outcome[] {
    return this.outcomes.filter(outcome => outcome.status < 200 || outcome.status > 299)
  }

  /** Sends no more, and resolves when all have been answered. */
  async stop(): Promise<void> {
    clearInterval(this.#timer)
    const end = performance.now() + (this.#options.timeoutMs ?? 10_000) + 1_000
    while (this.#pending > 0 && performance.now() < end) await new Promise(resolve => setTimeout(resolve, 10))
    this.#agent.destroy()
  }

  /** Failures by status, code and reason, for a test's message. */
  summary(): string {
    const counts = new Map<string, number>()
    for (const { status, error, headers } of this.failures) {
      const key = `${status} ${error} ${headers['proxy-status'] ?? ''}`
      counts.set(key, (counts.get(key) ?? 0) + 1)
    }
    return `${this.outcomes.length} answered of ${this.#sent}; failures: ${[...counts].map(([key, count]) => `${count} x ${key}`).join('; ') || 'none'}`
  }

  #catchUp(): void {
    const due = Math.floor(((performance.now() - this.#startedAt) * this.#options.perSecond) / 1_000)
    while (this.#sent < due) this.#send()
  }

  #send(): void {
    const { via, host, path = '/', method = 'GET', body, timeoutMs = 10_000 } = this.#options
    this.#sent++
    this.#pending++
    const at = performance.now()
    const done = (status: number, error: string, text: string, headers: Outcome['headers']) => {
      this.#pending--
      this.outcomes.push({ at, ms: performance.now() - at, status, error, body: text, headers })
    }
    const sent = request(
      { host: via.host, port: via.port, agent: this.#agent, method, path, headers: { host }, signal: AbortSignal.timeout(timeoutMs) },
      response => {
        let text = ''
        response.setEncoding('utf8')
        response.on('data', chunk => {
          text += chunk
        })
        response.once('end', () => done(response.statusCode ?? 0, '', text, response.headers))
        response.once('error', error => done(0, `body: ${error.message}`, text, response.headers))
      },
    )
    sent.once('error', error => done(0, error.message, '', {}))
    sent.end(body)
  }
}
