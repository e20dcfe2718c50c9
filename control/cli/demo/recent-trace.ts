/** ms for one answer of Jaeger; the next look comes soon. */
const TRACE_LOOK_MS = 2_000
/** Traces that are looked through: the newest may not be whole yet. */
const LOOKED_AT = 10

/** What Jaeger answers, as far as it is read. */
interface Traces {
  readonly data?: readonly { readonly traceID: string; readonly spans: readonly unknown[] }[] | null
}

/** Keeps the link of one recent trace, which the demo shows. */
export class RecentTrace {
  readonly #base: string
  #isLooking = false
  #link: string | null = null

  /** @param api `HOST:PORT` of the control API, which relays to Jaeger. */
  constructor(api: string) {
    this.#base = `http://${api}/jaeger`
  }

  /** Null: there is none yet. */
  get link(): string | null {
    return this.#link
  }

  /** Asks for a newer one, unless it is asking. What cannot be had is asked for again the next time. */
  look(): void {
    if (this.#isLooking) return
    this.#isLooking = true
    const ask = async () => {
      const query = `service=web&lookback=1m&limit=${LOOKED_AT}`
      const response = await fetch(`${this.#base}/api/traces?${query}`, { signal: AbortSignal.timeout(TRACE_LOOK_MS) })
      const { data } = (await response.json()) as Traces
      const [longest] = [...(data ?? [])].sort((a, b) => b.spans.length - a.spans.length)
      if (longest !== undefined) this.#link = `${this.#base}/trace/${longest.traceID}`
    }
    ask()
      .catch(() => {})
      .finally(() => {
        this.#isLooking = false
      })
  }
}
