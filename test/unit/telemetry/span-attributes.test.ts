import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import * as conventions from '@opentelemetry/semantic-conventions'
import t from 'tap'
import { ATTRIBUTE } from '../../../proxy/telemetry/span-attributes.ts'

const ROOT = join(import.meta.dirname, '../../..')
const names: readonly string[] = Object.values(ATTRIBUTE)

t.test("attributes are those of OpenTelemetry's stable conventions, or begin with outrider", async t => {
  const stable = new Set<unknown>(Object.values(conventions))
  for (const name of names) t.ok(name.startsWith('outrider.') || stable.has(name), name)
})

t.test('every attribute is documented, and no other', async t => {
  const text = readFileSync(join(ROOT, 'docs/tracing.md'), 'utf8')
  const documented = [...text.matchAll(/^\| `([a-z_]+\.[a-z_.]+)` \|/gm)].map(([, name]) => name as string)
  t.strictSame(documented.toSorted(), names.toSorted())
})
