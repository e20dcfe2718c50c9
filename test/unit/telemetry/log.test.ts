import { test } from 'tap'
import { createLog } from '../../../proxy/telemetry/log.ts'

test('a line is JSON with its level, time, message and fields, and the level can be changed while it runs', async t => {
  const lines: string[] = []
  const log = createLog('info', { write: line => lines.push(line) })
  log.debug('not said')
  log.warn('refused', { reason: 'because' })
  log.level = 'debug'
  log.debug('said')
  t.equal(log.level, 'debug')
  t.match(
    lines.map(line => JSON.parse(line)),
    [
      { level: 'warn', time: /^\d{4}-\d\d-\d\dT/, message: 'refused', reason: 'because' },
      { level: 'debug', message: 'said' },
    ],
  )
})
