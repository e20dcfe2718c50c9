import { connect, type Socket } from 'node:net'

/** Latencies of one phase, ms, from the moment at which each request was due: what the generator itself is late counts too. */
export interface Latencies {
  readonly sorted: Float64Array
  /** Answers other than 200, and requests without one. */
  readonly errors: number
}

const CONNECTIONS = 64
/** How long answers are awaited after the last request, ms. */
const GRACE_MS = 2_000

/** A keep-alive connection with at most one request in flight. */
class Caller {
  readonly #socket: Socket
  #text = ''
  #answered: ((isGood: boolean) => void) | null = null

  constructor(port: number, freed: (caller: Caller) => void) {
    this.#socket = connect({ host: '127.0.0.1', port, noDelay: true })
    this.#socket.on('connect', () => freed(this))
    this.#socket.on('error', () => {})
    this.#socket.on('data', octets => {
      this.#text += octets.toString('latin1')
      const head = this.#text.indexOf('\r\n\r\n')
      if (head === -1) return
      const length = Number(/content-length: (\d+)/i.exec(this.#text)?.[1] ?? 0)
      if (this.#text.length < head + 4 + length) return
      const isGood = this.#text.startsWith('HTTP/1.1 200')
      this.#text = ''
      this.#answered?.(isGood)
      freed(this)
    })
  }

  send(request: string, answered: (isGood: boolean) => void): void {
    this.#answered = answered
    this.#socket.write(request)
  }

  close(): void {
    this.#socket.destroy()
  }
}

/** Sends `perSecond` GETs a second for `seconds`, whether or not earlier ones were answered: an open loop, free of coordinated omission. */
export async function openLoop(port: number, host: string, perSecond: number, seconds: number): Promise<Latencies> {
  const request = `GET /api/small HTTP/1.1\r\nHost: ${host}\r\n\r\n`
  const count = perSecond * seconds
  const latencies: number[] = []
  const due: number[] = []
  const idle: Caller[] = []
  let bad = 0
  const sendDue = (caller: Caller) => {
    const at = due.shift()
    if (at === undefined) {
      idle.push(caller)
      return
    }
    caller.send(request, isGood => {
      if (isGood) latencies.push(performance.now() - at)
      else bad++
    })
  }
  const callers = Array.from({ length: CONNECTIONS }, () => new Caller(port, sendDue))
  while (idle.length < CONNECTIONS) await new Promise(resolve => setTimeout(resolve, 10))
  const start = performance.now() + 10
  for (let next = 0; next < count; ) {
    await new Promise(resolve => setTimeout(resolve, 1))
    const now = performance.now()
    for (let at = start + (next * 1000) / perSecond; next < count && at <= now; at = start + (next * 1000) / perSecond) {
      next++
      due.push(at)
      const caller = idle.shift()
      if (caller !== undefined) sendDue(caller)
    }
  }
  const until = performance.now() + GRACE_MS
  while (latencies.length + bad < count && performance.now() < until) await new Promise(resolve => setTimeout(resolve, 10))
  for (const caller of callers) caller.close()
  return { sorted: Float64Array.from(latencies).sort(), errors: count - latencies.length }
}

/** @param share from 0 to 1. */
export function percentile({ sorted }: Latencies, share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
}
