import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { recordOf } from '../../proxy/filter/access-record.ts'
import { ACCESS_LOG_FORMATS, MAX_VALUE_LENGTH } from '../../proxy/telemetry/access-log.ts'
import type { AccessRecord } from '../../proxy/telemetry/access-record.ts'
import { missingLines } from '../../proxy/telemetry/standard-error.ts'
import { Call, routed } from './filter/setup.ts'

const PAGE = readFileSync(join(import.meta.dirname, '../../docs/access-log.md'), 'utf8')
const KEYS = Object.keys(recordOf(routed(new Call()).exchange, 0, 0))

/** Lines of the page that begin so. */
const linesThatBegin = (start: string) => PAGE.split('\n').filter(line => line.startsWith(start))

t.test('every key of the access log is documented, in the order of the lines, and no other', async t => {
  const table = PAGE.slice(PAGE.indexOf('| key | what |'), PAGE.indexOf('## Text'))
  t.same(
    [...table.matchAll(/^\| `(\w+)` \|/gm)].map(([, key]) => key),
    KEYS,
  )
})

t.test('the examples are what such records are made into', async t => {
  const examples = linesThatBegin('{"time"')
  t.equal(examples.length, 2)
  for (const line of examples) {
    const record = JSON.parse(line) as AccessRecord
    t.same(Object.keys(record), KEYS)
    t.equal(ACCESS_LOG_FORMATS.json(record), `${line}\n`)
  }
  const [text] = linesThatBegin('[20') as [string]
  const value = (key: string) => new RegExp(` ${key}=(?:"([^"]*)"|(\\S+))`).exec(text)?.slice(1).find(Boolean) ?? null
  const named = KEYS.filter(key => value(key) !== null).map(key => [key, /_ms|bytes|attempts/.test(key) ? Number(value(key)) : value(key)])
  const record = {
    ...Object.fromEntries(KEYS.map(key => [key, null])),
    ...Object.fromEntries(named),
    time: '2026-11-27T23:30:35.838Z',
    direction: 'outbound',
    method: 'GET',
    path: '/7?a=b',
    protocol: 'HTTP/1.1',
    status: 503,
    flags: 'UF,URX',
  } as unknown as AccessRecord
  t.equal(ACCESS_LOG_FORMATS.text(record), `${text}\n`)
})

t.test('the line about missing ones, and the length of values, are as documented', async t => {
  const [note] = linesThatBegin('{"level"') as [string]
  t.same({ ...JSON.parse(missingLines(374)), time: '' }, { ...JSON.parse(note), time: '' })
  t.match(PAGE, `at most ${MAX_VALUE_LENGTH.toLocaleString('en-US')} characters`)
})
