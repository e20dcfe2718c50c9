import type { Resource } from '../translate/resources.ts'

/** All resources of one type, by name. */
export type Table = ReadonlyMap<string, Resource>

/** What leads from one table to another. */
export interface Diff {
  /** New, or of another version. */
  readonly changed: readonly Resource[]
  /** As they were. */
  readonly removed: readonly Resource[]
}

export const EMPTY_TABLE: Table = new Map()
const NO_DIFF: Diff = { changed: [], removed: [] }

/** Tables are shared by all streams of a group, so a thousand streams that go from one to the next compute one difference. */
const KNOWN = new WeakMap<Table, WeakMap<Table, Diff>>()

/** The difference between two tables, remembered for as long as both live. */
export function diffOf(from: Table, to: Table): Diff {
  if (from === to) return NO_DIFF
  let known = KNOWN.get(from)
  if (known === undefined) {
    known = new WeakMap()
    KNOWN.set(from, known)
  }
  let diff = known.get(to)
  if (diff === undefined) {
    diff = compare(from, to)
    known.set(to, diff)
  }
  return diff
}

function compare(from: Table, to: Table): Diff {
  const changed: Resource[] = []
  const removed: Resource[] = []
  for (const resource of to.values()) {
    const before = from.get(resource.name)
    if (before !== resource && before?.version !== resource.version) changed.push(resource)
  }
  for (const resource of from.values()) if (!to.has(resource.name)) removed.push(resource)
  return { changed, removed }
}
