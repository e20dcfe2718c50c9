import type { Test } from 'tap'
import type { Expected } from './expected.ts'
import type { ClientResult } from './interop-mesh.ts'

/** Asserts that a client saw what is expected, all of it, and nothing else. */
export function compare(t: Test, results: readonly ClientResult[], expected: Expected): void {
  const facts = new Map(results.map(({ library: _, mode: __, service: ___, name, ...rest }) => [name, rest]))
  for (const [name, wanted] of Object.entries(expected)) t.strictSame(facts.get(name) ?? 'not tried', wanted, name)
  const more = [...facts.keys()].filter(name => !(name in expected))
  t.strictSame(more, [], 'nothing was tried that is not expected')
}
