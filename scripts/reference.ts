// Writes docs/commands.md, docs/documents.md and docs/errors.md from the tables that the program works by, or with --check says whether they are up to date.
import { readFileSync, writeFileSync } from 'node:fs'
import { commandsPage } from './reference/commands.ts'
import { documentsPage } from './reference/documents.ts'
import { errorsPage } from './reference/errors.ts'

const PAGES: readonly (readonly [string, string])[] = [
  ['docs/commands.md', commandsPage()],
  ['docs/documents.md', documentsPage()],
  ['docs/errors.md', errorsPage()],
]

for (const [name, text] of PAGES) {
  const file = new URL(`../${name}`, import.meta.url)
  if (!process.argv.includes('--check')) writeFileSync(file, text)
  else if (readFileSync(file, 'utf8') !== text) {
    process.stderr.write(`${name} is not up to date: npm run generate\n`)
    process.exitCode = 1
  }
}
