import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { CONTROL_LIMITS } from '../../control/xds/counters.ts'
import { COUNTERS } from '../../proxy/util/counters.ts'

const ROOT = join(import.meta.dirname, '../..')

/** A line of a table: what the code calls it, where, and the number that it says. */
interface Row {
  readonly name: string
  readonly file: string
  /** Null: none. */
  readonly value: number | null
  readonly cells: readonly string[]
}

function rowsOf(document: string): Row[] {
  const rows: Row[] = []
  for (const line of readFileSync(join(ROOT, 'docs', document), 'utf8').split('\n')) {
    const cells = line
      .split(/(?<!\\)\|/)
      .slice(1, -1)
      .map(cell => cell.trim())
    const name = /^`([A-Za-z0-9_.]+)`$/.exec(cells[0] ?? '')?.[1]
    const file = /^`((?:proxy|control)\/[^`]+)`$/.exec(cells[1] ?? '')?.[1]
    if (name === undefined || file === undefined) continue
    const number = /^[\d,.]+/.exec(cells[2] ?? '')?.[0]
    rows.push({ name, file, value: number === undefined ? null : Number(number.replaceAll(',', '')), cells })
  }
  return rows
}

/** A product of numbers, as constants are written. */
const product = (text: string) => text.split('*').reduce((all, factor) => all * Number(factor.trim().replaceAll('_', '')), 1)

/** The value of a constant, or of a field of a constant that is a table. Undefined: there is none. */
function inCode({ name, file }: Row): number | null | undefined {
  const text = readFileSync(join(ROOT, file), 'utf8')
  const [constant, field] = name.split('.')
  const from = text.search(new RegExp(`^(export )?const ${constant}\\b`, 'm'))
  if (from === -1) return undefined
  const rest = text.slice(text.indexOf('=', from))
  const pattern = field === undefined ? /^=\s*([\d_* .]+)/ : new RegExp(`\\b${field}: (null|[\\d_* .]+)`)
  const found = pattern.exec(rest)?.[1]
  if (found === undefined) return undefined
  return found === 'null' ? null : product(found)
}

const limits = rowsOf('limits.md')
const defaults = rowsOf('defaults.md')

t.test('every limit and default that is documented exists, with that value', async t => {
  t.ok(limits.length > 120 && defaults.length > 20)
  for (const row of [...limits, ...defaults]) t.equal(row.value, inCode(row), `${row.name} of ${row.file}`)
})

t.test('every limit that the code exports is documented', async t => {
  const known = new Set([...limits, ...defaults].map(({ name, file }) => `${name.split('.')[0]} of ${file}`))
  for (const root of ['proxy', 'control']) {
    for (const name of readdirSync(join(ROOT, root), { recursive: true }) as string[]) {
      if (!name.endsWith('.ts')) continue
      const file = `${root}/${name}`
      const text = readFileSync(join(ROOT, file), 'utf8')
      for (const [, constant] of text.matchAll(/^export const ((?:MAX_|DEFAULT_)\w+|\w+_MS|API_LIMITS|ADMIN_MAX_\w+)\b[^=\n]*= (?!')/gm))
        t.ok(known.has(`${constant} of ${file}`), `${constant} of ${file}`)
    }
  }
})

t.test('the counters and tests that are named exist', async t => {
  const counters = new Set<string>([...COUNTERS, ...CONTROL_LIMITS])
  for (const { name, cells } of limits) {
    for (const [, counter] of (cells[5] ?? '').matchAll(/`(\w+)`/g)) t.ok(counters.has(counter as string), `${counter}, of ${name}`)
    for (const [, file] of (cells[6] ?? '').matchAll(/`([^`]+)`/g)) t.ok(existsSync(join(ROOT, file as string)), `${file}, of ${name}`)
  }
})

t.test('every limit of the control plane that counts is documented', async t => {
  const named = limits.flatMap(({ cells }) => [...(cells[5] ?? '').matchAll(/`(\w+)`/g)].map(each => each[1]))
  for (const limit of CONTROL_LIMITS) t.ok(named.includes(limit), limit)
})
