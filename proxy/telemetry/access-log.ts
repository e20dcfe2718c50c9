import type { AccessRecord } from './access-record.ts'
import type { AccessLogFormat } from './config.ts'

/** Characters of one value that a line shows: callers make some values as long as they like, and a line is to stay one that people read. */
export const MAX_VALUE_LENGTH = 1_024

/** Keys whose values have no limit of their own, or a larger one. */
const LONG_KEYS = ['authority', 'path', 'route', 'origin', 'cluster', 'user_agent', 'details'] as const

/** What stands as `key=value` in a line of text, in the order of the record. Its other keys come before, without their names. */
const NAMED_KEYS = [
  'code',
  'authority',
  'duration_ms',
  'upstream_ms',
  'bytes_in',
  'bytes_out',
  'attempts',
  'route',
  'origin',
  'cluster',
  'endpoint',
  'peer',
  'trace_id',
  'request_id',
  'user_agent',
  'grpc_status',
  'details',
] as const

/** Makes a record one line, with its line end. No value can end the line or pass for another key: what is no plain text is escaped as in JSON. */
export const ACCESS_LOG_FORMATS: Readonly<Record<AccessLogFormat, (record: AccessRecord) => string>> = { json: jsonLine, text: textLine }

/** An object with the keys of `AccessRecord`, in their order. It has no `level`, which tells it apart from the lines of the process log. */
function jsonLine(record: AccessRecord): string {
  return `${plain(JSON.stringify(short(record)))}\n`
}

/** Envoy's order to begin with, then the keys of `AccessRecord` that apply: `[TIME] outbound "GET /a HTTP/1.1" 503 UH code=...`. */
function textLine(record: AccessRecord): string {
  const shown = short(record)
  const { time, direction, method, path, protocol, status, flags } = shown
  let line = `[${time}] ${direction} ${quoted(path === null ? `${method} ${protocol}` : `${method} ${path} ${protocol}`)} ${status} ${flags}`
  for (const key of NAMED_KEYS) {
    const value = shown[key]
    if (value !== null) line += ` ${key}=${typeof value === 'number' ? value : word(value)}`
  }
  return `${line}\n`
}

function short(record: AccessRecord): AccessRecord {
  for (const key of LONG_KEYS) if ((record[key]?.length ?? 0) > MAX_VALUE_LENGTH) return shortened(record)
  return record
}

function shortened(record: AccessRecord): AccessRecord {
  const cut: { -readonly [K in keyof AccessRecord]: AccessRecord[K] } = { ...record }
  for (const key of LONG_KEYS) {
    const value = record[key]
    if (value !== null && value.length > MAX_VALUE_LENGTH) cut[key] = `${value.slice(0, MAX_VALUE_LENGTH - 1)}…`
  }
  return cut
}

/** A value of visible ASCII without `"`, `=` and `\` stands as it is. */
function word(value: string): string {
  return /^[!#-<>-[\]-~]+$/.test(value) ? value : quoted(value)
}

function quoted(value: string): string {
  return plain(JSON.stringify(value))
}

/** JSON leaves DEL, C1 controls (terminals obey them) and U+2028 and U+2029 (some readers end lines there) as they are. */
function plain(json: string): string {
  // The expression is slow, and nearly every line is ASCII.
  if (Buffer.byteLength(json) === json.length && !json.includes('\x7f')) return json
  return json.replace(/[\x7f-\x9f\u2028\u2029]/g, each => `\\u${each.charCodeAt(0).toString(16).padStart(4, '0')}`)
}
