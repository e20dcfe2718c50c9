import t from 'tap'
import { MAX_SERIES, NO_ROW, SERIES_IDLE_MS, SeriesLimit, SeriesTable } from '../../../proxy/telemetry/series.ts'

const table = (limit = new SeriesLimit(), columns = 1, seriesPerRow = columns) =>
  new SeriesTable(['who', 'what'], limit, { columns, seriesPerRow })

function add(to: SeriesTable, row: number, column = 0, count = 1): void {
  const at = row * to.columns + column
  to.values[at] = (to.values[at] as number) + count
}

/** Labels and numbers of all rows. */
const shown = (of: SeriesTable) =>
  [...of.rows()].map(({ labels, at }) => [labels['who'], labels['what'], ...of.values.slice(at * of.columns, (at + 1) * of.columns)])

t.test('a combination has one row, whose columns lie side by side', async t => {
  const series = table(new SeriesLimit(), 2)
  const [first, second] = [series.row(['a', 'x']), series.row(['a', 'y'])]
  t.equal(series.row(['a', 'x']), first)
  add(series, first, 0, 2)
  add(series, first, 1, 0.5)
  add(series, second, 1, 7)
  t.strictSame(shown(series), [
    ['a', 'x', 2, 0.5],
    ['a', 'y', 0, 7],
  ])
})

t.test('values that only look alike when they are put together are different rows', async t => {
  const series = table()
  t.not(series.row(['a,b', 'c']), series.row(['a', 'b,c']))
})

t.test('a table that grows keeps its numbers', async t => {
  const series = table(new SeriesLimit(), 3)
  for (let n = 0; n < 100; n++) add(series, series.row([`${n}`, '']), 2, n)
  t.equal(series.size, 100)
  for (const [who, , , , value] of shown(series)) t.equal(value, Number(who))
})

t.test(`there is room for ${MAX_SERIES} series of all tables that share a limit`, async t => {
  const limit = new SeriesLimit()
  const [narrow, wide] = [table(limit), table(limit, 19, 20)]
  for (let n = 0; n < 100; n++) t.not(wide.row([`${n}`, '']), NO_ROW)
  t.equal(limit.taken, 2_000)
  for (let n = 0; n < 2_990; n++) narrow.row([`${n}`, ''])
  t.equal(wide.row(['one', 'more']), NO_ROW, 'ten are not enough for a row that takes twenty')
  for (let n = 2_990; n < 3_000; n++) t.not(narrow.row([`${n}`, '']), NO_ROW)
  t.equal(limit.taken, MAX_SERIES)
  t.equal(narrow.row(['one', 'more']), NO_ROW)
  t.not(narrow.row(['7', '']), NO_ROW, 'what is there stays reachable')
})

t.test('a reserved row is there beyond the limit, once, and never goes', async t => {
  const series = table(new SeriesLimit(0))
  t.equal(series.row(['a', 'b']), NO_ROW)
  const row = series.reserve(['_overflow', '_overflow'])
  t.equal(series.reserve(['_overflow', '_overflow']), row)
  t.equal(series.expire(0), 0)
  t.equal(series.expire(10 * SERIES_IDLE_MS), 0)
  t.equal(
    series.removeWhere(() => true),
    0,
  )
  t.equal(series.size, 1)
})

t.test('what nothing was added to for 30 minutes goes, and gives its place and its share of the limit to another', async t => {
  const limit = new SeriesLimit(2)
  const series = table(limit)
  const [idle, busy] = [series.row(['idle', '']), series.row(['busy', ''])]
  add(series, idle, 0, 5)
  add(series, busy)
  t.equal(series.expire(1_000), 0)
  add(series, busy)
  t.equal(series.expire(1_000 + SERIES_IDLE_MS - 1), 0)
  t.equal(series.row(['new', '']), NO_ROW)
  t.equal(series.expire(1_000 + SERIES_IDLE_MS), 1)
  t.strictSame(shown(series), [['busy', '', 2]])
  t.equal(limit.taken, 1)
  t.equal(series.row(['new', '']), idle, 'the row is used again')
  t.strictSame(shown(series), [
    ['busy', '', 2],
    ['new', '', 0],
  ])
})

t.test('rows are removed by their labels', async t => {
  const series = table()
  for (const who of ['a', 'b', 'c']) add(series, series.row([who, '']))
  t.equal(
    series.removeWhere(({ who }) => who !== 'b'),
    2,
  )
  t.strictSame(shown(series), [['b', '', 1]])
})
