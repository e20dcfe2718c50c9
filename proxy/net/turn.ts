/** What has something to write at the end of this turn. */
export interface Scheduled {
  flushScheduled(): void
}

let dirty: Scheduled[] = []
let spare: Scheduled[] = []

/** Has `connection` flushed at the end of this turn of the event loop: one wake-up for all of them. */
export function flushAtEndOfTurn(connection: Scheduled): void {
  if (dirty.push(connection) === 1) setImmediate(flushDirty)
}

function flushDirty(): void {
  const batch = dirty
  dirty = spare
  for (let i = 0; i < batch.length; i++) (batch[i] as Scheduled).flushScheduled()
  batch.length = 0
  spare = batch
}
