import type { Observer, Refusal } from './filter/observer.ts'

/** Everything that makes requests visible, joined: what the stack tells its exchanges to, and what the admin pages read. */
export class Observability {
  readonly observers: readonly Observer[]

  constructor(observers: readonly Observer[]) {
    this.observers = observers
  }

  refused(refusal: Refusal): void {
    for (const observer of this.observers) observer.refused(refusal)
  }
}
