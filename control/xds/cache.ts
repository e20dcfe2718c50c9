import type { Model } from '../model/document.ts'
import type { Lease } from '../store/store.ts'
import type { NodeGroup, ResourceSet } from '../translate/resources.ts'
import type { View } from '../translate/tables.ts'
import { groupKey, Translator } from '../translate/translate.ts'

/** What a group is served at one moment. */
export interface Published {
  readonly set: ResourceSet
  /** Grows with every change of documents or endpoints, from 1 at the process' start. */
  readonly serial: number
}

/** Groups served at once: kinds of clients times namespaces. More are refused. */
export const MAX_GROUPS = 256

interface Group {
  readonly group: NodeGroup
  readonly listeners: Set<(published: Published) => void>
  published: Published
}

/** Runs once, later, what was asked for now: a burst of changes makes one push. */
export type Defer = (run: () => void) => void

/** Defers to the next turn of the event loop. */
export const nextTurn: Defer = run => {
  setImmediate(run)
}

/**
 * The present resources of each group that is in use: made when its first stream comes, made again when something changed, forgotten when its last
 * stream has gone.
 */
export class SnapshotCache {
  readonly #translator = new Translator()
  readonly #groups = new Map<string, Group>()
  readonly #defer: Defer
  readonly #leases: () => readonly Lease[]
  #model: Model
  #serial = 1
  #isScheduled = false

  /** @param leases the present ones; unchanged ones are the same objects from one call to the next. */
  constructor(model: Model, leases: () => readonly Lease[], defer: Defer = nextTurn) {
    this.#model = model
    this.#leases = leases
    this.#defer = defer
  }

  get revision(): number {
    return this.#model.revision
  }

  /** Of the newest change, pushed or about to be. */
  get serial(): number {
    return this.#serial
  }

  /** Streams reach the new documents within one turn of the event loop. */
  setModel(model: Model): void {
    this.#model = model
    this.#schedule()
  }

  /** `leases()` has something else to say. */
  leasesChanged(): void {
    this.#schedule()
  }

  /** The neutral tables of the present state, for `explain`. */
  viewFor(group: NodeGroup): View {
    return this.#translator.viewFor(this.#model, this.#leases(), group)
  }

  /** Joins a group; `listener` is called with each later state. Null: there are too many groups. */
  join(group: NodeGroup, listener: (published: Published) => void): { readonly published: Published; leave(): void } | null {
    const key = groupKey(group)
    const known = this.#groups.get(key)
    if (known === undefined && this.#groups.size >= MAX_GROUPS) return null
    const entry = known ?? { group, listeners: new Set(), published: this.#make(group) }
    this.#groups.set(key, entry)
    entry.listeners.add(listener)
    const leave = () => {
      entry.listeners.delete(listener)
      if (entry.listeners.size === 0) this.#groups.delete(key)
    }
    return { published: entry.published, leave }
  }

  #make(group: NodeGroup): Published {
    return { set: this.#translator.resourcesFor(this.#model, this.#leases(), group), serial: this.#serial }
  }

  #schedule(): void {
    this.#serial++
    if (this.#isScheduled) return
    this.#isScheduled = true
    this.#defer(() => this.#push())
  }

  #push(): void {
    this.#isScheduled = false
    for (const entry of this.#groups.values()) entry.published = this.#make(entry.group)
    this.#translator.sweep()
    for (const entry of [...this.#groups.values()]) for (const listener of [...entry.listeners]) listener(entry.published)
  }
}
