import { FieldLine, INDEXING } from './line.ts'
import { nameId, numberName } from './names.ts'

/** RFC 7541 appendix A: name and value. */
// biome-ignore format: a table
const ENTRIES: readonly (readonly [string, string])[] = [
  [':authority', ''], [':method', 'GET'], [':method', 'POST'], [':path', '/'], [':path', '/index.html'], [':scheme', 'http'],
  [':scheme', 'https'], [':status', '200'], [':status', '204'], [':status', '206'], [':status', '304'], [':status', '400'],
  [':status', '404'], [':status', '500'], ['accept-charset', ''], ['accept-encoding', 'gzip, deflate'], ['accept-language', ''],
  ['accept-ranges', ''], ['accept', ''], ['access-control-allow-origin', ''], ['age', ''], ['allow', ''], ['authorization', ''],
  ['cache-control', ''], ['content-disposition', ''], ['content-encoding', ''], ['content-language', ''], ['content-length', ''],
  ['content-location', ''], ['content-range', ''], ['content-type', ''], ['cookie', ''], ['date', ''], ['etag', ''], ['expect', ''],
  ['expires', ''], ['from', ''], ['host', ''], ['if-match', ''], ['if-modified-since', ''], ['if-none-match', ''], ['if-range', ''],
  ['if-unmodified-since', ''], ['last-modified', ''], ['link', ''], ['location', ''], ['max-forwards', ''], ['proxy-authenticate', ''],
  ['proxy-authorization', ''], ['range', ''], ['referer', ''], ['refresh', ''], ['retry-after', ''], ['server', ''], ['set-cookie', ''],
  ['strict-transport-security', ''], ['transfer-encoding', ''], ['user-agent', ''], ['vary', ''], ['via', ''], ['www-authenticate', ''],
]

/** Lines of the static table; the dynamic one follows. */
export const STATIC_COUNT = ENTRIES.length

for (const [name] of ENTRIES) numberName(name)

/** The lines by index, from 1. */
export const STATIC_LINES: readonly FieldLine[] = [
  new FieldLine(0, '', '', INDEXING.NEVER, true, 0),
  ...ENTRIES.map(([name, value], at) => new FieldLine(nameId(name), name, value, INDEXING.INCREMENTAL, false, at + 1)),
]

/** First index of each numbered name; 0: the static table does not have it. */
const NAME_INDEX = new Uint8Array(256)
for (let index = STATIC_COUNT; index > 0; index--) NAME_INDEX[(STATIC_LINES[index] as FieldLine).id] = index
NAME_INDEX[0] = 0

/** First index of a name. @param id its number. */
export function staticNameIndex(id: number): number {
  return NAME_INDEX[id] as number
}

/** The line of that name and value, or null. */
export function staticLine(id: number, value: string): FieldLine | null {
  for (let index = staticNameIndex(id); index > 0 && index <= STATIC_COUNT; index++) {
    const line = STATIC_LINES[index] as FieldLine
    if (line.id !== id) return null
    if (line.value === value) return line
  }
  return null
}
