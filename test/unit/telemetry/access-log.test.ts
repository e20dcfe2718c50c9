import t from 'tap'
import { ACCESS_LOG_FORMATS, MAX_VALUE_LENGTH } from '../../../proxy/telemetry/access-log.ts'
import type { AccessRecord } from '../../../proxy/telemetry/access-record.ts'

const { json, text } = ACCESS_LOG_FORMATS

const RECORD: AccessRecord = {
  time: '2026-11-27T10:00:00.123Z',
  direction: 'outbound',
  method: 'GET',
  authority: 'orders',
  path: '/a?b=1',
  protocol: 'HTTP/1.1',
  status: 503,
  flags: 'UH,URX',
  code: 'NO_HEALTHY_UPSTREAM',
  duration_ms: 12.5,
  upstream_ms: null,
  bytes_in: 0,
  bytes_out: 91,
  attempts: 0,
  route: 'orders-rule-0',
  origin: 'HTTPRoute default/orders rule 0 (routes.yaml:12)',
  cluster: 'default/orders:80',
  endpoint: null,
  peer: '127.0.0.1:50000',
  trace_id: null,
  request_id: 'id-7',
  user_agent: 'curl/8',
  grpc_status: null,
  details: 'orders has no endpoints',
}

t.test('a JSON line holds the record as it is, keys in order', async t => {
  const line = json(RECORD)
  t.ok(line.endsWith('}\n'))
  t.same(JSON.parse(line), RECORD)
  t.same(Object.keys(JSON.parse(line)), Object.keys(RECORD))
})

t.test('a text line begins as an Envoy line does; what does not apply is left out', async t => {
  t.equal(
    text(RECORD),
    '[2026-11-27T10:00:00.123Z] outbound "GET /a?b=1 HTTP/1.1" 503 UH,URX code=NO_HEALTHY_UPSTREAM authority=orders duration_ms=12.5 bytes_in=0 bytes_out=91 attempts=0 route=orders-rule-0 origin="HTTPRoute default/orders rule 0 (routes.yaml:12)" cluster=default/orders:80 peer=127.0.0.1:50000 request_id=id-7 user_agent=curl/8 details="orders has no endpoints"\n',
  )
  t.match(text({ ...RECORD, method: 'CONNECT', path: null }), /^\[[^\]]*\] outbound "CONNECT HTTP\/1.1" 503 /)
})

t.test('every key of a record is in a text line', async t => {
  const { time, direction, method, path, protocol, status, flags, ...named } = RECORD
  const all = Object.fromEntries(Object.keys(named).map(key => [key, 'v']))
  const line = text({ ...RECORD, ...all } as unknown as AccessRecord)
  for (const key of Object.keys(named)) t.match(line, ` ${key}=v`, key)
  for (const value of [time, direction, method, path, protocol, status, flags]) t.match(line, String(value))
})

/** What a caller might send to make one line look like two, or like another. */
const FORGED = [
  'x\n{"status":200}',
  'x\r\n[2026',
  'x" code=null status=200',
  'a=b c=d',
  '\x1b[2J\x9b2J',
  'x\x85y',
  'x\x7fy',
  'x\u2028y',
  '\\',
  'é',
  '',
]

t.test('no request can end a line, hide in it or make another one', async t => {
  for (const value of FORGED) {
    for (const key of ['authority', 'path', 'user_agent', 'request_id', 'method', 'details'] as const) {
      const record = { ...RECORD, [key]: value }
      for (const line of [json(record), text(record)]) {
        // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what must not be there
        t.notMatch(line.slice(0, -1), /[\x00-\x1f\x7f-\x9f\u2028\u2029]/, `${key} ${encodeURI(value)}`)
        t.ok(line.endsWith('\n'))
      }
      t.equal(JSON.parse(json(record))[key], value)
    }
    const shown = text({ ...RECORD, user_agent: value })
    t.notMatch(shown.replaceAll(/"(?:[^"\\]|\\.)*"/g, ''), /status=|code=null|d$/, 'what a caller wrote stands within quotes')
    const word = /user_agent=("(?:[^"\\]|\\.)*"|[^ "]+)/.exec(shown)?.[1] as string
    t.equal(word.startsWith('"') ? JSON.parse(word) : word, value)
  }
})

t.test('values are cut, so that a line has an end', async t => {
  const long = 'ä"'.repeat(MAX_VALUE_LENGTH)
  const keys = ['authority', 'path', 'user_agent', 'details'] as const
  const record = { ...RECORD, authority: long, path: long, user_agent: long, details: long }
  const shown = JSON.parse(json(record))
  for (const key of keys) {
    t.equal(shown[key].length, MAX_VALUE_LENGTH, key)
    t.ok(shown[key].endsWith('…'))
  }
  t.ok(Buffer.byteLength(json(record)) < 30_000)
  t.ok(Buffer.byteLength(text(record)) < 30_000)
  t.equal(record.path, long, 'the record is not changed: others keep it')
  const whole = 'p'.repeat(MAX_VALUE_LENGTH)
  t.equal(JSON.parse(json({ ...RECORD, path: whole })).path, whole)
})
