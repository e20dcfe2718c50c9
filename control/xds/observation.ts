import { create } from '@bufbuild/protobuf'
import { status } from '@grpc/grpc-js'
import {
  type FailuresFound,
  type ObserveRequest,
  type ObserveResponse,
  ObserveResponseSchema,
} from '../../protos/gen/outrider/v1/observation_pb.ts'
import type { Timers } from '../../proxy/util/timers.ts'
import type { LimitCounters } from './counters.ts'
import { MAX_NODE_ID } from './node.ts'
import type { Call, CallHandler } from './server.ts'

/** How long a sidecar may take to answer, ms: it looks through a thousand records in memory, so more than this is one that hangs. */
export const ANSWER_MS = 2_000
/** Sidecars of one question that are asked at once: 64 answers of 1 MiB are what may come in together. */
export const MAX_ASKED = 64
/** Questions of operators at once. Each may ask every sidecar; more are refused. */
export const MAX_QUESTIONS = 8
/** How long a question may take in all, ms, however many sidecars there are; who was not asked by then counts as silent. */
export const QUESTION_MS = 10_000

/** Which failures are asked for, as in `proxy/telemetry/failure-record.ts`. */
export interface FailureQuestion {
  readonly id: string | null
  readonly last: number
  readonly service: string | null
  readonly namespace: string | null
}

/** What one sidecar found. */
export interface FoundBySidecar {
  /** Each a FailureRecord as JSON, oldest first. Not checked. */
  readonly records: readonly Uint8Array[]
  /** Found too, and left out there. */
  readonly omitted: number
}

/** The sidecars that can be looked into, each by the stream that it holds open. */
export class ObservationTable {
  readonly #sidecars = new Map<string, Watched>()
  readonly #timers: Timers
  readonly #limits: LimitCounters
  #questions = 0
  #serial = 0

  constructor(timers: Timers, limits: LimitCounters) {
    this.#timers = timers
    this.#limits = limits
  }

  /** Node ids, sorted. */
  get nodes(): readonly string[] {
    return [...this.#sidecars.keys()].sort()
  }

  /** Serves one stream. A newer one of the same node takes its place. @param left is called once, last. */
  open(call: Call<ObserveResponse>, left: () => void): CallHandler<ObserveRequest> {
    const watched = new Watched(call)
    let node: string | null = null
    return {
      received: ({ message }) => {
        if (message.case === 'failuresFound') watched.found(message.value)
        if (message.case !== 'presence' || node !== null) return
        const { nodeId } = message.value
        if (nodeId === '' || nodeId.length > MAX_NODE_ID) {
          call.fail(status.INVALID_ARGUMENT, `node_id: 1 to ${MAX_NODE_ID} octets`)
          return
        }
        node = nodeId
        this.#sidecars.set(node, watched)
      },
      closed: () => {
        if (node !== null && this.#sidecars.get(node) === watched) this.#sidecars.delete(node)
        watched.closed()
        left()
      },
    }
  }

  /**
   * Asks every sidecar, a few at a time.
   *
   * @param take gets each answer as it comes, so that nobody holds them all.
   * @returns the nodes that did not answer; null: too many questions are under way.
   */
  async find(question: FailureQuestion, take: (node: string, found: FoundBySidecar) => void): Promise<readonly string[] | null> {
    if (this.#questions >= MAX_QUESTIONS) {
      this.#limits.reached('questions')
      return null
    }
    this.#questions++
    const until = this.#timers.clock.now() + QUESTION_MS
    const waiting = [...this.#sidecars]
    const silent: string[] = []
    const askOn = async () => {
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
        const [node, watched] = next
        const answer = this.#timers.clock.now() >= until ? null : await watched.find(++this.#serial, question, this.#timers)
        if (answer !== null) take(node, answer)
        else {
          silent.push(node)
          this.#limits.reached('sidecar_silence')
        }
      }
    }
    try {
      await Promise.all(Array.from({ length: Math.min(MAX_ASKED, waiting.length) }, askOn))
    } finally {
      this.#questions--
    }
    return silent.sort()
  }
}

/** One sidecar's stream, with the questions that are under way on it. */
class Watched {
  readonly #call: Call<ObserveResponse>
  readonly #asked = new Map<number, (found: FoundBySidecar | null) => void>()

  constructor(call: Call<ObserveResponse>) {
    this.#call = call
  }

  /** Null: there was no answer in time, or the stream has ended. */
  find(question: number, { id, last, service, namespace }: FailureQuestion, timers: Timers): Promise<FoundBySidecar | null> {
    return new Promise(resolve => {
      const answer = (found: FoundBySidecar | null) => {
        deadline.disarm()
        this.#asked.delete(question)
        resolve(found)
      }
      const deadline = timers.timer(() => answer(null))
      deadline.arm(ANSWER_MS)
      this.#asked.set(question, answer)
      const value = { question, id: id ?? '', last, service: service ?? '', namespace: namespace ?? '' }
      this.#call.send(create(ObserveResponseSchema, { message: { case: 'findFailures', value } }))
    })
  }

  found({ question, records, omitted }: FailuresFound): void {
    this.#asked.get(question)?.({ records, omitted })
  }

  closed(): void {
    for (const answer of [...this.#asked.values()]) answer(null)
  }
}
