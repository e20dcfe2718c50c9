import { ADVICE, type Advice, appAdvice } from '../../proxy/advice.ts'
import type { FailureRecord } from '../../proxy/telemetry/failure-record.ts'
import { calledService } from '../../proxy/telemetry/failures.ts'

/** One request as every sidecar that failed it has seen it, the outermost caller first. Never empty. */
export type Story = readonly FailureRecord[]

/** Joins records by their request ids. In the order in which the requests began. */
export function storiesOf(records: readonly FailureRecord[]): readonly Story[] {
  const byId = new Map<string, FailureRecord[]>()
  for (const [index, record] of records.entries()) {
    const key = record.request_id ?? `#${index}`
    const same = byId.get(key)
    if (same === undefined) byId.set(key, [record])
    else same.push(record)
  }
  return [...byId.values()].map(inCallOrder).sort((a, b) => compare(a[0]?.time ?? '', b[0]?.time ?? ''))
}

/** Whoever called before whoever was called; the clocks of two machines may say otherwise. */
function inCallOrder(records: readonly FailureRecord[]): Story {
  const byTime = [...records].sort((a, b) => compare(a.time, b.time) || compare(b.direction, a.direction))
  const ordered: FailureRecord[] = []
  const visit = (record: FailureRecord) => {
    if (ordered.includes(record)) return
    ordered.push(record)
    for (const other of byTime) if (other !== record && isCallOf(record, other)) visit(other)
  }
  for (const record of byTime) if (!byTime.some(other => other !== record && isCallOf(other, record))) visit(record)
  // A request that goes round in a circle has no first one.
  for (const record of byTime) visit(record)
  return ordered
}

/** Whether `inner` is what `outer` led to: the callee's side of its call, or a call that the callee's app made meanwhile. */
function isCallOf(outer: FailureRecord, inner: FailureRecord): boolean {
  if (outer.direction === 'inbound') return inner.direction === 'outbound' && inner.node.id === outer.node.id
  if (inner.direction === 'outbound') return false
  const called = calledService(outer)
  return called?.service === inner.node.service && called.namespace === inner.node.namespace
}

const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0)

/** The record that says what went wrong: the innermost one, since the others only passed it on; who merely was left by its caller is none. */
export function causeOf(story: Story): FailureRecord {
  const own = story.filter(each => each.code !== 'DOWNSTREAM_CLOSED')
  return (own.at(-1) ?? story[0]) as FailureRecord
}

/** What its failure means and what to do about it. */
export function adviceOf(record: FailureRecord): Advice {
  const code = record.code ?? record.tries.at(-1)?.code ?? null
  if (code === null) return appAdvice(record.status)
  const known = (ADVICE as Readonly<Record<string, Advice>>)[code]
  return (
    known ?? {
      meaning: `The sidecar gave the code ${code}.`,
      remedy: 'This version of the command line does not know the code: use the one of the sidecar.',
    }
  )
}
