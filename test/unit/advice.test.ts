import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { ADVICE, appAdvice, RETRY_ENDS } from '../../proxy/advice.ts'
import { ERRORS, type ErrorCode } from '../../proxy/errors.ts'
import { FLAGS } from '../../proxy/flags.ts'
import { errorsPage } from '../../scripts/reference/errors.ts'

const ROOT = join(import.meta.dirname, '../..')

t.test('docs/errors.md is what the tables say', async t => {
  const page = readFileSync(join(ROOT, 'docs/errors.md'), 'utf8')
  t.equal(page, errorsPage())
  for (const code of Object.keys(ERRORS))
    t.equal(page.match(new RegExp(`^\\| \`${code}\` \\|`, 'gm'))?.length, 2, `${code}: what it is, and what to do`)
  for (const flag of Object.keys(FLAGS)) t.match(page, `\n| \`${flag}\` | `)
})

t.test('a meaning is one sentence, and a remedy says something to do', async t => {
  for (const { meaning, remedy } of [
    ...Object.values(ADVICE),
    ...Object.values(RETRY_ENDS),
    appAdvice(500),
    appAdvice(502),
    appAdvice(503),
  ]) {
    t.match(meaning, /^[A-Z][^.]*\.$/, meaning)
    t.match(remedy, /^[A-Z].{10,}\.$/, meaning)
  }
})

t.test('what is said of a code is said of no other', async t => {
  const meanings = Object.values(ADVICE).map(({ meaning }) => meaning)
  t.equal(new Set(meanings).size, meanings.length)
})

t.test('every detail that stops retries is known', async t => {
  const code = readFileSync(join(ROOT, 'proxy/filter/retry.ts'), 'utf8')
  const details = [...code.matchAll(/details\.push\((.*)\)/g)].flatMap(([, text]) =>
    [...(text as string).matchAll(/'([a-z ]{7,}|budget)'/g)].map(each => each[1] as string),
  )
  t.same([...new Set(details)].sort(), Object.keys(RETRY_ENDS).sort())
})

t.test('commands and flags that a remedy names exist', async t => {
  const { COMMANDS } = await import('../../control/cli/commands.ts')
  const names = new Set(COMMANDS.map(({ name }) => name))
  for (const [code, { remedy }] of Object.entries(ADVICE) as [ErrorCode, { remedy: string }][])
    for (const [, name] of remedy.matchAll(/`outrider (\w+)/g)) t.ok(names.has(name as string), `${name}, of ${code}`)
})
