import type { Resource, TypeUrl } from '../translate/resources.ts'
import { diffOf, EMPTY_TABLE, type Table } from './diff.ts'
import { isWholeSet } from './order.ts'
import { Subscription } from './subscription.ts'

/** What there is to say of one type. */
export interface Plan {
  /** A shared list where the whole difference goes out. */
  readonly changed: readonly Resource[]
  /** Names that were asked for and do not exist. */
  readonly missing: readonly string[]
  /** Gone since they were told. */
  readonly removed: ReadonlyMap<string, Resource>
  /** Something has to be said even if nothing changed. */
  readonly mustAnswer: boolean
}

/** A response that was not acknowledged yet. */
export interface Pending {
  readonly nonce: string
  readonly serial: number
  readonly revision: number
  readonly resources: readonly Resource[]
}

const NONE: ReadonlyMap<string, Resource> = new Map()

/**
 * What one stream knows of one type. It holds no copy: `base` is the shared table that was offered last, and only what differs from it is kept here.
 */
export class TypeState {
  readonly typeUrl: TypeUrl
  readonly subscription: Subscription
  /** At most one response is under way: a slow proxy gets the latest state afterwards, not a queue. */
  pending: Pending | null = null
  /** Nonce of the last response: what a request carries that is not stale. */
  lastNonce = ''
  /** Revision that was refused last and not replaced by an accepted one; null: all is well. */
  refusedRevision: number | null = null
  /** Serial of the newest state that the proxy is known to have. */
  settledSerial = 0
  #base: Table = EMPTY_TABLE
  /** Names that go out with the next response, changed or not. */
  readonly #due = new Set<string>()
  /** Gone, and not yet told. */
  #held: Map<string, Resource> = new Map()
  /** Versions that a reconnecting proxy says it has; until the first response. */
  #initial: ReadonlyMap<string, string> | null = null
  #mustAnswer = false
  /** Resources of a refused response: they go out again beside the next change, so that its ACK speaks for them too. */
  #refused: readonly Resource[] = []

  constructor(typeUrl: TypeUrl) {
    this.typeUrl = typeUrl
    this.subscription = new Subscription(isWholeSet(typeUrl))
  }

  /** Takes what a first delta request says it has from before. */
  reconnect(versions: Readonly<Record<string, string>>): void {
    const entries = Object.entries(versions)
    if (entries.length > 0) this.#initial = new Map(entries)
  }

  /** Names that wait for the next response. */
  get due(): number {
    return this.#due.size
  }

  /** Marks names that must be answered, and the whole set for a wildcard. */
  ask(names: readonly string[], isWildcard: boolean): void {
    for (const name of names) if (this.#initial?.get(name) === undefined) this.#due.add(name)
    // Who comes with versions from before hears even that nothing changed: then it knows that it is up to date.
    this.#mustAnswer ||= isWildcard || this.#initial !== null
    if (isWildcard) this.#base = EMPTY_TABLE
  }

  /** Says a name again if it is subscribed to: a changed cluster waits for its endpoints. */
  repeat(name: string): void {
    if (this.subscription.has(name)) this.#due.add(name)
  }

  plan(current: Table): Plan {
    const diff = diffOf(this.#base, current)
    const all = this.#changed(diff.changed)
    const { changed, missing } = this.#withDue(all, current)
    return { changed, missing, removed: this.#removed(diff.removed, current), mustAnswer: this.#mustAnswer }
  }

  #changed(changed: readonly Resource[]): readonly Resource[] {
    const wanted = this.subscription.isWildcard ? changed : changed.filter(each => this.subscription.wants(each.name))
    const initial = this.#initial
    return initial === null ? wanted : wanted.filter(each => initial.get(each.name) !== each.version)
  }

  #withDue(changed: readonly Resource[], current: Table): { changed: readonly Resource[]; missing: readonly string[] } {
    const isChange = changed.length > 0 || this.#due.size > 0
    if (this.#due.size === 0 && !(isChange && this.#refused.length > 0)) return { changed, missing: [] }
    const names = new Set(changed.map(each => each.name))
    const list = [...changed]
    const missing: string[] = []
    for (const name of [...this.#due, ...this.#refused.map(each => each.name)]) {
      if (names.has(name) || !this.subscription.wants(name)) continue
      names.add(name)
      const resource = current.get(name)
      if (resource !== undefined) list.push(resource)
      else if (this.#due.has(name)) missing.push(name)
    }
    return { changed: list, missing }
  }

  #removed(removed: readonly Resource[], current: Table): ReadonlyMap<string, Resource> {
    if (removed.length === 0 && this.#held.size === 0 && this.#initial === null) return NONE
    const gone = new Map<string, Resource>()
    for (const [name, resource] of this.#held) if (!current.has(name) && this.subscription.wants(name)) gone.set(name, resource)
    for (const resource of removed) if (this.subscription.wants(resource.name)) gone.set(resource.name, resource)
    for (const name of this.#initial?.keys() ?? []) if (!current.has(name)) gone.set(name, UNKNOWN)
    return gone
  }

  /** The plan was carried out, with its removals or, if they have to wait, without them. */
  done(plan: Plan, current: Table, withRemovals: boolean): void {
    this.#base = current
    this.#due.clear()
    this.#held = withRemovals ? new Map() : new Map(plan.removed)
    this.#initial = null
    this.#mustAnswer = false
    if (plan.changed.length > 0) this.#refused = []
  }

  acknowledge(): void {
    if (this.pending !== null) this.settledSerial = this.pending.serial
    this.pending = null
    this.refusedRevision = null
  }

  refuse(): void {
    if (this.pending === null) return
    this.refusedRevision = this.pending.revision
    this.#refused = this.pending.resources
    this.pending = null
  }
}

/** Stands for what a proxy has from before and we do not. */
const UNKNOWN: Resource = { name: '', version: '', body: null as never }

/** Whether a plan says something, its removals left aside. */
export function hasNews(plan: Plan): boolean {
  return plan.changed.length > 0 || plan.missing.length > 0 || plan.mustAnswer
}
