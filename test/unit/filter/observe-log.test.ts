import t from 'tap'
import type { Exchange } from '../../../proxy/filter/exchange.ts'
import { AccessLog } from '../../../proxy/filter/observe-log.ts'
import type { InForce, Refusal } from '../../../proxy/filter/observer.ts'
import type { AccessLogFormat, AccessLogMode } from '../../../proxy/telemetry/config.ts'
import { DEFAULT_TELEMETRY } from '../../../proxy/telemetry/config.ts'
import { Counters } from '../../../proxy/util/counters.ts'
import { Call, failure, requestHead, routed } from './setup.ts'

/** Where lines go, by hand. */
class Lines {
  isFull = false
  hasRoom = true
  skipped = 0
  readonly written: string[] = []

  write(line: string): boolean {
    if (this.hasRoom) this.written.push(line)
    return this.hasRoom
  }

  skip(): void {
    this.skipped++
  }
}

function setup() {
  const lines = new Lines()
  const counters = new Counters()
  const log = new AccessLog({ lines, clock: { now: () => 20 }, wallClock: { now: () => 1_700_000_000_020 }, counters })
  return { lines, counters, log }
}

function seen(mode: AccessLogMode, format: AccessLogFormat = 'json', inbound: AccessLogMode = mode): InForce {
  const telemetry = (mode: AccessLogMode) => ({ ...DEFAULT_TELEMETRY, accessLog: { mode, format } })
  return { telemetry: { inbound: telemetry(inbound), outbound: telemetry(mode) }, routes: () => [] }
}

function answered(status: number, direction: 'inbound' | 'outbound' = 'outbound'): Exchange {
  const { exchange } = routed(new Call(), undefined, direction)
  exchange.status = status
  return exchange
}

function failed(): Exchange {
  const exchange = answered(404)
  exchange.error = failure('NO_ROUTE')
  exchange.flags.add('NR')
  return exchange
}

const REFUSAL: Refusal = {
  direction: 'inbound',
  peer: { address: '10.0.0.9', port: 9, identity: null },
  error: failure('DOWNSTREAM_PROTOCOL'),
  head: null,
}

const statuses = (lines: Lines) => lines.written.map(line => JSON.parse(line).status)

t.test('before there is a configuration failures are logged, as JSON', async t => {
  const { lines, log } = setup()
  log.done(answered(200))
  log.done(answered(404))
  log.done(answered(500))
  log.done(failed())
  log.refused(REFUSAL)
  t.same(statuses(lines), [500, 404, 400])
  t.match(JSON.parse(lines.written[1] as string), { code: 'NO_ROUTE', flags: 'NR', time: '2023-11-14T22:13:20.000Z', duration_ms: 20 })
})

t.test('all are logged, or none', async t => {
  const { lines, log } = setup()
  log.configured(seen('all'))
  log.done(answered(200))
  log.done(failed())
  log.refused(REFUSAL)
  t.same(statuses(lines), [200, 404, 400])
  log.configured(seen('off'))
  log.done(answered(200))
  log.done(failed())
  log.refused(REFUSAL)
  t.equal(lines.written.length, 3)
})

t.test('a change holds for the next exchange, in each direction for itself, and with its format', async t => {
  const { lines, log } = setup()
  log.configured(seen('off', 'text', 'all'))
  log.done(answered(200))
  log.done(answered(201, 'inbound'))
  log.refused(REFUSAL)
  t.equal(lines.written.length, 2)
  t.match(lines.written[0], /^\[2023-11-14T22:13:20.000Z\] inbound "GET \/ HTTP\/1.1" 201 - /)
  log.configured(seen('errors'))
  log.done(answered(201, 'inbound'))
  log.done(answered(502))
  t.equal(lines.written.length, 3)
})

t.test('while lines are dropped none is made: each is counted', async t => {
  const { lines, counters, log } = setup()
  log.configured(seen('all'))
  lines.isFull = true
  // A head that may not be looked at.
  const exchange = answered(200)
  Object.defineProperty(exchange.incoming, 'head', { get: () => t.fail('a line was made') })
  log.done(exchange)
  log.refused(REFUSAL)
  t.equal(lines.skipped, 2)
  t.equal(counters.get('log_lines_dropped'), 2)
  lines.isFull = false
  lines.hasRoom = false
  log.done(answered(200))
  t.equal(counters.get('log_lines_dropped'), 3)
  t.equal(lines.written.length, 0)
})

t.test('what a request sends is shown as it came, on its one line', async t => {
  const { lines, log } = setup()
  log.configured(seen('all'))
  const { exchange } = routed(new Call(requestHead({}, [['user-agent', 'x"\n{"status":200}']])))
  log.done(exchange)
  t.equal(lines.written.length, 1)
  t.equal(lines.written[0]?.indexOf('\n'), (lines.written[0]?.length ?? 0) - 1)
  t.equal(JSON.parse(lines.written[0] as string).user_agent, 'x"\n{"status":200}')
})
