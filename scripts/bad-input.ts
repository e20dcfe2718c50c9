// Writes docs/bad-input.md from the tables that the tests check, or with --check says whether it is up to date.
import { readFileSync, writeFileSync } from 'node:fs'
import { BAD_CALLS } from '../test/support/bad-calls.ts'
import { BAD_DOCUMENTS } from '../test/support/bad-documents.ts'
import { BAD_FLAGS } from '../test/support/bad-flags.ts'

const file = new URL('../docs/bad-input.md', import.meta.url)
const cell = (text: string) => text.replaceAll('|', '\\|').replaceAll('\n', ' ')
const code = (text: string) => `\`${cell(text)}\``

const documents = BAD_DOCUMENTS.map(
  ({ title, path, line, message, allowed }) =>
    `| ${cell(title)} | ${line} | ${path === '' ? '' : code(path)} | ${cell(message)} | ${cell(allowed)} |`,
)
const flags = BAD_FLAGS.map(([words, message]) => `| ${code(words.join(' '))} | ${cell(message)} |`)
const calls = BAD_CALLS.map(
  ([name, [method, path], status, detail]) =>
    `| ${cell(name)} | ${code(`${method} ${path}`)} | ${status} | ${cell(detail instanceof RegExp ? detail.source : detail)} |`,
)

const text = `# What bad input is told

Made by \`node scripts/bad-input.ts\` from the tables that the tests check, so each message is the one that is really given. Where a test checks a pattern, the pattern stands here.

## Documents

Every fault of all documents is reported at once; nothing is half-applied.

| what is wrong | where | field | message | allowed |
| --- | --- | --- | --- | --- |
${documents.join('\n')}

## Flags

By a command with flags of every kind. The same holds for variables and for keys of the file given by \`--config\`; the message then names the variable, or the file and line.

| written | message |
| --- | --- |
${flags.join('\n')}

## Calls of the control API

Answers are problem documents (RFC 9457).

| what is wrong | call | status | detail |
| --- | --- | --- | --- |
${calls.join('\n')}
`

if (!process.argv.includes('--check')) writeFileSync(file, text)
else if (readFileSync(file, 'utf8') !== text) {
  process.stderr.write('docs/bad-input.md is not up to date: node scripts/bad-input.ts\n')
  process.exit(1)
}
