import type { FailureQuery } from '../telemetry/failure-record.ts'
import { MAX_FAILURES } from '../telemetry/failures.ts'
import type { Page } from './server.ts'

/** Failures that are shown where nobody says how many: a screenful. */
export const DEFAULT_LAST = 20

/** `/failures?id=&last=&service=&namespace=`: `{items}`, oldest first. */
export function failuresPage(failures: (query: FailureQuery) => readonly unknown[], { searchParams }: URL): Page {
  const given = searchParams.get('last')
  const last = given === null ? DEFAULT_LAST : /^\d{1,6}$/.test(given) ? Number(given) : 0
  if (last < 1 || last > MAX_FAILURES)
    return { status: 400, body: `last ${JSON.stringify(given)} is not a whole number from 1 to ${MAX_FAILURES}\n` }
  const text = (name: string) => searchParams.get(name) || null
  return { status: 200, body: { items: failures({ id: text('id'), last, service: text('service'), namespace: text('namespace') }) } }
}
