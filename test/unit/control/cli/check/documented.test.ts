import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { CHECKS } from '../../../../../control/cli/check/checks.ts'
import { checkCommand } from '../../../../../control/cli/check.ts'
import { controlCommand } from '../../../../../control/cli/control.ts'
import { SIDECAR_FLAGS } from '../../../../../control/cli/sidecar-flags.ts'

const text = readFileSync(join(import.meta.dirname, '../../../../../docs/check.md'), 'utf8')

t.test('docs/check.md has every check, in the order in which they are shown, and each says what, why and how to mend it', async t => {
  const rows = [...text.matchAll(/^\| `([\w-]+)` \|(.*)\|$/gm)].map(([, name, rest]) => ({ name, cells: (rest as string).split('|') }))
  const checks = rows.filter(({ cells }) => cells.length === 3)
  t.same(
    checks.map(({ name }) => name),
    CHECKS.map(({ name }) => name),
  )
  for (const { name, cells } of checks) for (const cell of cells) t.not(cell.trim(), '', `${name}`)
})

t.test('the flags that it names exist', async t => {
  const known = new Set([checkCommand, controlCommand].flatMap(({ flags }) => flags.map(({ name }) => name)))
  for (const { name } of SIDECAR_FLAGS) known.add(name)
  known.add('config')
  for (const [, flag] of text.matchAll(/--([a-z][\w-]*)/g)) t.ok(known.has(flag as string), `--${flag}`)
})

t.test('what starts a sidecar also checks it: every flag of a sidecar is taken', async t => {
  const own = new Set(checkCommand.flags.map(({ name }) => name))
  for (const { name } of SIDECAR_FLAGS) t.ok(own.has(name), `--${name}`)
})
