import type { DeltaDiscoveryResponse } from '../../protos/gen/envoy/service/discovery/v3/discovery_pb.ts'

/** Resources that are taken in one turn of the event loop: about a millisecond. A response with fewer is taken at once. */
export const SLICE = 32
/** Responses that wait to be taken; a control plane has one under way for each type. */
export const MAX_WAITING = 64

/** What is done with a response. */
export interface IntakeSteps<Work> {
  /** Reads ahead for about a millisecond. False: nothing is left to read ahead. Called before the first slice. */
  prepare(work: Work): boolean
  /** Takes some of its resources. */
  slice(work: Work, from: number, to: number): void
  /** All of it has been taken. */
  done(work: Work): void
}

/** Takes responses one after another, large ones in slices: a thousand routes that change at once do not make requests wait. */
export class Intake<Work extends { readonly response: DeltaDiscoveryResponse }> {
  readonly #steps: IntakeSteps<Work>
  readonly #defer: (run: () => void) => void
  #waiting: Work[] = []
  /** Grows when everything is forgotten, so that a slice under way is the last. */
  #era = 0

  constructor(steps: IntakeSteps<Work>, defer: (run: () => void) => void) {
    this.#steps = steps
    this.#defer = defer
  }

  /** False: too many wait already. */
  push(work: Work): boolean {
    if (this.#waiting.length >= MAX_WAITING) return false
    this.#waiting.push(work)
    if (this.#waiting.length === 1) this.#run(0, this.#era)
    return true
  }

  /** Drops what waits. */
  forget(): void {
    this.#waiting = []
    this.#era++
  }

  #run(begin: number, era: number): void {
    let from = begin
    for (let work = this.#waiting[0]; era === this.#era && work !== undefined; work = this.#waiting[0]) {
      if (from === 0 && this.#steps.prepare(work)) {
        this.#defer(() => this.#run(0, era))
        return
      }
      const to = Math.min(from + SLICE, work.response.resources.length)
      this.#steps.slice(work, from, to)
      if (to < work.response.resources.length) {
        this.#defer(() => this.#run(to, era))
        return
      }
      this.#steps.done(work)
      from = 0
      // What `done` did may have ended the stream.
      if (era === this.#era) this.#waiting.shift()
    }
  }
}
