import t from 'tap'
import { warningsOf } from '../../../../control/cli/proxies.ts'

t.test('a warning says which sidecars it concerns and what to do, not a bare word', async t => {
  const shown = (id: string, ...warnings: string[]) => ({ id, warnings })
  t.same(warningsOf([shown('web-1', 'foreign-store'), shown('orders-1', 'foreign-store'), shown('prices-1')]), [
    'foreign-store (web-1, orders-1): keeps its last good configuration, which is of another store; `outrider control --adopt` makes it follow this one',
  ])
  t.same(warningsOf([shown('a', 'new-word')]), ['new-word (a)'])
  t.match(warningsOf(Array.from({ length: 7 }, (_, index) => shown(`web-${index}`, 'unhealthy'))), [
    /^unhealthy \(web-0, .*web-4 and 2 more\): /,
  ])
})
